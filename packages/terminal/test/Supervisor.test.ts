import { execFileSync, spawn } from "node:child_process"
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Supervisor } from "@piecework/terminal"
import { Effect, Layer, Logger, Schedule } from "effect"
import { TestClock } from "effect/testing"

const env = { NOTIFY_SOCKET: "/run/systemd/notify" }

/** A systemd that writes down what it is told. */
const listening = (more: Partial<Supervisor.Options> = {}) => {
  const heard: Array<ReadonlyArray<string>> = []
  const send: Supervisor.Send = (variables) => Effect.sync(() => void heard.push(variables))
  return { heard, layer: Supervisor.layerOf({ env, send, now: () => 5_000_000n, ...more }) }
}

const logged = (lines: Array<string>) =>
  Logger.layer([Logger.make(({ message }) => void lines.push(String(Array.isArray(message) ? message[0] : message)))])

const every = (pid: number | undefined, micros: string) =>
  Supervisor.watchdogEvery({ WATCHDOG_USEC: micros, WATCHDOG_PID: pid === undefined ? undefined : `${pid}` })

const refusing: Supervisor.Send = () =>
  Effect.fail(new Supervisor.SupervisorError({ reason: "Refused", detail: "no such socket" }))

const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "piecework-test-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)

/** A folder for PATH with a program of that name. */
const programSaying = (script: string) =>
  Effect.tap(folder, (path) =>
    Effect.sync(() => writeFileSync(join(path, "systemd-notify"), `#!/bin/sh\n${script}\n`, { mode: 0o755 }))
  )

const has = (program: string, ...args: ReadonlyArray<string>): boolean => {
  try {
    execFileSync(program, args, { stdio: "ignore" })
    return true
  } catch {
    return false
  }
}
const hasTools =
  process.platform === "linux" && has("systemd-notify", "--version") && has("perl", "-MSocket", "-e", "1")

/** A datagram socket of Unix as systemd has it; writes what it hears to a file, a message at a time. */
const receiver = `use Socket;
socket(my $s, PF_UNIX, SOCK_DGRAM, 0) or die "$!";
(my $path = $ARGV[0]) =~ s/^@/\\0/;
bind($s, pack_sockaddr_un($path)) or die "$!";
open(my $out, ">>", $ARGV[1]) or die "$!"; $out->autoflush(1);
print $out "bound\\n";
while (defined recv($s, my $text, 4096, 0)) { print $out "$text\\n" }`

describe("A process that systemd started", () => {
  it.effect("says when it is ready, with a line for people", () => {
    const { heard, layer } = listening()
    return Effect.gen(function* () {
      const { ready } = yield* Supervisor.Supervisor
      yield* ready("Serving\npeers.")
      assert.deepStrictEqual(heard, [["READY=1", "STATUS=Serving peers."]])
    }).pipe(Effect.provide(layer))
  })

  it.effect("says that it reads its settings again, and that it has, once it was ready", () => {
    const { heard, layer } = listening()
    return Effect.gen(function* () {
      const { ready, reloading } = yield* Supervisor.Supervisor
      yield* reloading(Effect.sync(() => heard.push(["read early"])))
      yield* ready("Here.")
      yield* reloading(Effect.sync(() => heard.push(["read"])))
      assert.deepStrictEqual(heard, [
        ["read early"],
        ["READY=1", "STATUS=Here."],
        ["RELOADING=1", "MONOTONIC_USEC=5000000"],
        ["read"],
        ["READY=1"]
      ])
    }).pipe(Effect.provide(layer))
  })

  it.effect("gives three signs of life in the time of its watchdog", () => {
    const { heard, layer } = listening({ env: { ...env, WATCHDOG_USEC: "90000000", WATCHDOG_PID: `${process.pid}` } })
    return Effect.gen(function* () {
      yield* TestClock.adjust("29 seconds")
      assert.deepStrictEqual(heard, [])
      yield* TestClock.adjust("61 seconds")
      assert.deepStrictEqual(heard, [["WATCHDOG=1"], ["WATCHDOG=1"], ["WATCHDOG=1"]])
    }).pipe(Effect.provide(layer))
  })

  it("leaves the watchdog of another process alone", () => {
    assert.deepStrictEqual(
      [every(1, "90000000"), every(undefined, "90000000"), every(process.ppid, "90000000"), every(process.pid, "soon")],
      [undefined, 30_000, 30_000, undefined]
    )
  })

  it.effect("goes on when systemd cannot be told, and warns once", () => {
    const lines: Array<string> = []
    return Effect.gen(function* () {
      const { ready } = yield* Supervisor.Supervisor
      yield* ready("Here.")
      yield* ready("Still here.")
      assert.deepStrictEqual(lines, ["systemd-notify could not tell systemd how this goes (no such socket)."])
    }).pipe(Effect.provide(Layer.provideMerge(listening({ send: refusing }).layer, logged(lines))))
  })

  it.effect("runs nothing where nobody waits for word", () =>
    Effect.gen(function* () {
      const { heard, layer } = listening({ env: {} })
      yield* Effect.gen(function* () {
        const { ready, reloading } = yield* Supervisor.Supervisor
        yield* ready("Here.")
        assert.strictEqual(yield* reloading(Effect.succeed(7)), 7)
      }).pipe(Effect.provide(layer))
      assert.deepStrictEqual(heard, [])
    })
  )

  it.live("speaks through the program systemd-notify", () =>
    Effect.gen(function* () {
      const path = yield* programSaying('printf "%s|" "$@" "$NOTIFY_SOCKET" > "$HERE/said"')
      yield* Supervisor.program({ ...env, HERE: path, PATH: path })(["READY=1", "STATUS=-x is fine"])
      assert.strictEqual(readFileSync(join(path, "said"), "utf8"), "--|READY=1|STATUS=-x is fine|/run/systemd/notify|")
    })
  )

  it.live("tells a program that is missing from one that refuses", () =>
    Effect.gen(function* () {
      const empty = yield* folder
      const missing = yield* Effect.flip(Supervisor.program({ ...env, PATH: empty })(["READY=1"]))
      assert.strictEqual(missing.reason, "NoProgram")
      const path = yield* programSaying('echo "No such socket" >&2; exit 1')
      const refused = yield* Effect.flip(Supervisor.program({ ...env, PATH: path })(["READY=1"]))
      assert.deepStrictEqual([refused.reason, refused.detail], ["Refused", "No such socket"])
    })
  )

  for (const kind of ["in the file system", "in the abstract name space"] as const) {
    it.live.skipIf(!hasTools)(`reaches a real datagram socket ${kind} (systemd-notify and perl only)`, () =>
      Effect.gen(function* () {
        const path = yield* folder
        const socket = kind === "in the file system" ? join(path, "notify") : `@piecework-test-${process.pid}`
        const out = join(path, "heard")
        yield* Effect.acquireRelease(
          Effect.sync(() => spawn("perl", ["-MIO::Handle", "-e", receiver, socket, out], { stdio: "ignore" })),
          (child) => Effect.sync(() => child.kill("SIGKILL"))
        )
        const heard = (text: string) =>
          Effect.sync(() => (existsSync(out) ? readFileSync(out, "utf8") : "")).pipe(
            Effect.repeat({ until: (all) => all.includes(text), schedule: Schedule.spaced("10 millis") })
          )
        yield* heard("bound")
        yield* Supervisor.program({ PATH: process.env["PATH"], NOTIFY_SOCKET: socket })(["READY=1", "STATUS=Here."])
        assert.include(yield* heard("STATUS"), "bound\nREADY=1\nSTATUS=Here.")
      })
    )
  }
})
