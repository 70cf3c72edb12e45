import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { ids } from "@piecework/doctor/Check"
import * as programs from "./support/programs.ts"

/** Port 9 of this machine: nobody is there. */
const nobody = "http://127.0.0.1:9"

it.live(
  "the doctor says first what fails, tells scripts by its exit code, and makes nothing",
  () =>
    Effect.gen(function* () {
      const folder = yield* programs.folder
      const state = join(folder, "state")
      const [all, some, unknown] = yield* Effect.all(
        [
          programs.run("piecework", ["doctor", "--state", state, "--service", nobody, "--port", "0", "--json"]),
          programs.run("piecework", ["doctor", "--state", state, "--only", "mode,policy-files"]),
          programs.run("piecework", ["doctor", "--only", "mode,nosuch"])
        ],
        { concurrency: 3 }
      )
      assert.strictEqual(all.code, 16, all.stderr)
      const { checks, failed, verdict } = JSON.parse(all.stdout)
      assert.deepStrictEqual(
        checks.map(({ id }: { readonly id: string }) => id),
        ids
      )
      assert.isAtLeast(failed, 1)
      assert.match(verdict, /the service does not answer at 127\.0\.0\.1:9 \(nobody accepts connections\)/)
      assert.strictEqual(some.code, 0, some.stderr)
      assert.match(some.stdout, /^None of 2 checks fails\.\n\npass {2}download mode/)
      assert.isFalse(some.stdout.includes("\u001b"))
      assert.strictEqual(unknown.code, 2)
      assert.match(unknown.stderr, /"nosuch" is no check; they are mode, /)
      const again = yield* programs.run("piecework", ["doctor", "--state", state, "--only", "state-folder", "--json"])
      assert.match(again.stdout, /is not there yet/)
    }).pipe(Effect.scoped),
  60_000
)

it.live(
  "the doctor shows nothing of what is secret in a URL or a proxy, and asks the service that was heard of last",
  () =>
    Effect.gen(function* () {
      const state = yield* programs.folder
      mkdirSync(join(state, "settings"))
      writeFileSync(join(state, "settings", `${encodeURIComponent(nobody)}.json`), "{}")
      const exit = yield* programs.run(
        "piecework",
        [
          "doctor",
          "--state",
          state,
          "--only",
          "service,ranges",
          "--json",
          "--url",
          "http://127.0.0.1:9/file?token=hidden1"
        ],
        { http_proxy: "http://user:hidden2@127.0.0.1:9" }
      )
      assert.notMatch(exit.stdout + exit.stderr, /hidden/)
      assert.match(exit.stdout, /127\.0\.0\.1:9\/file/)
      assert.match(exit.stdout, /the proxy on the way to the service is of no use/)
    }).pipe(Effect.scoped),
  60_000
)

it.live(
  "the doctor finds an agent by the socket that is named, wherever its run folder is",
  () =>
    Effect.gen(function* () {
      const state = yield* programs.folder
      const run = join(state, "elsewhere")
      const args = ["--state", state, "--run-dir", run, "--host", "127.0.0.1", "--port", "0", "--no-rest", "--json"]
      const agent = yield* programs.start("piecework", ["agent", ...args])
      yield* agent.line((line) => (line.startsWith("{") ? line : undefined))
      const socket = join(run, "agent.sock")
      const exit = yield* programs.run("piecework", ["doctor", "--only", "agent", "--state", state, "--socket", socket])
      assert.match(exit.stdout, new RegExp(`pass {2}agent +.*${agent.pid}`))
    }).pipe(Effect.scoped),
  60_000
)
