import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schedule } from "effect"
import * as Programs from "./support/programs.ts"

/** A `systemd-notify` that writes down what it is to say, a message a line. */
const said = (folder: string) => {
  const bin = join(folder, "bin")
  const file = join(folder, "said")
  mkdirSync(bin)
  writeFileSync(join(bin, "systemd-notify"), `#!/bin/sh\nshift\necho "$@" >> ${file}\n`, { mode: 0o755 })
  const read = () => (existsSync(file) ? readFileSync(file, "utf8").split("\n").slice(0, -1) : [])
  return {
    env: { NOTIFY_SOCKET: join(folder, "notify"), PATH: `${bin}:${process.env["PATH"] ?? ""}` },
    /** All messages, once there is one that begins so. */
    until: (word: string) =>
      Effect.sync(read).pipe(
        Effect.repeat({
          until: (lines) => lines.some((line) => line.startsWith(word)),
          schedule: Schedule.spaced("10 millis")
        })
      )
  }
}

const args = ["agent", "--host", "127.0.0.1", "--port", "0"]

describe("An agent under systemd", () => {
  it.live("takes its folders from the unit, says when it is ready, reloads and stops, and why it ended", () =>
    Effect.gen(function* () {
      const folder = yield* Programs.folder
      const [state, run] = [join(folder, "state"), join(folder, "run")]
      const manager = said(folder)
      const env = { ...manager.env, STATE_DIRECTORY: `${state}:${folder}/other`, RUNTIME_DIRECTORY: run }
      const program = yield* Programs.start("piecework", args, env)
      const [ready] = yield* manager.until("READY=1")
      assert.match(ready ?? "", /^READY=1 STATUS=Taking jobs on port \d+\. Serving peers on 127\.0\.0\.1:\d+/)
      // Whoever waited for the unit finds all of it.
      assert.include(readdirSync(run), `restport.${program.pid}`)
      assert.isTrue(existsSync(join(state, "device")))

      yield* program.kill("SIGHUP")
      const reloaded = yield* manager
        .until("READY=1")
        .pipe(Effect.repeat({ until: (lines) => lines.length === 3, schedule: Schedule.spaced("10 millis") }))
      assert.match(reloaded[1] ?? "", /^RELOADING=1 MONOTONIC_USEC=\d+$/)

      yield* program.kill("SIGTERM")
      const { code, stderr } = yield* program.exit
      assert.strictEqual(code, 0)
      assert.match(stderr, /^piecework: Stopped by SIGTERM\.$/m)
      yield* manager.until("STOPPING=1 STATUS=Stopped by SIGTERM.")
    })
  )

  it.live("goes on when it cannot say so, and when it is to read settings of an interface that it does not have", () =>
    Effect.gen(function* () {
      const folder = yield* Programs.folder
      const env = { NOTIFY_SOCKET: join(folder, "notify"), PATH: folder, STATE_DIRECTORY: join(folder, "state") }
      const program = yield* Programs.start("piecework", [...args, "--no-rest", "--json"], env)
      yield* program.line((line) => (JSON.parse(line) as { readonly listening?: string }).listening)
      yield* program.kill("SIGHUP")
      yield* program.kill("SIGTERM")
      const { code, stderr } = yield* program.exit
      assert.strictEqual(code, 0)
      assert.match(stderr, /warn: systemd cannot be told how this goes: there is no program systemd-notify/)
    })
  )
})
