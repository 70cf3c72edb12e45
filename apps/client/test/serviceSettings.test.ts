import { randomBytes } from "node:crypto"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { exitCodes } from "../src/ExitCode.ts"
import * as HttpOrigin from "./support/httpOrigin.ts"
import * as Programs from "./support/programs.ts"

interface Shown {
  readonly value: unknown
  readonly provider: string
  readonly now: string
}

it.live(
  "what an operator says to all devices is checked, and is in force on a device until its own files say otherwise",
  () =>
    Effect.gen(function* () {
      const root = yield* Programs.folder
      const data = join(root, "service")
      const bytes = randomBytes(12_000_000)
      const file = join(root, "published.bin")
      writeFileSync(file, bytes)
      const origin = yield* HttpOrigin.make({ bytes })
      const service = yield* Programs.service(data)
      yield* Programs.publish(file, origin.url, data)
      const setting = (...args: ReadonlyArray<string>) => Programs.run("service", ["setting", ...args, "--data", data])
      const delay = "DODelayForegroundDownloadFromHttp"
      const set = yield* setting("set", delay, "3")
      assert.deepStrictEqual([set.code, set.stdout], [0, ""], set.stderr)
      assert.include((yield* setting("list")).stdout, `${delay}  3`)
      const refused = yield* setting("set", "DOMaxCacheSize", "101")
      assert.deepStrictEqual(
        [refused.code, refused.stderr],
        [2, "piecework-service: DOMaxCacheSize takes 1 to 100 %, and not 101.\n"]
      )

      const state = ["--state", join(root, "state"), "--service", service]
      const config = (...args: ReadonlyArray<string>) =>
        Effect.map(
          Programs.run("piecework", ["config", "--json", "--explain", delay, ...state, ...args]),
          ({ code, stderr, stdout }) => {
            assert.strictEqual(code, exitCodes.ok, stderr)
            return JSON.parse(stdout) as Shown
          }
        )
      const shown = yield* config()
      assert.deepStrictEqual([shown.value, shown.provider], [3, "KeyValueService"])
      assert.include(shown.now, "keep away from HTTP for 3 seconds")
      const policy = join(root, "policy.json")
      writeFileSync(policy, JSON.stringify({ [delay]: 0 }))
      assert.strictEqual((yield* config("--policy", policy)).provider, "MachineFile")

      const out = ["-o", join(root, "out"), "--host", "127.0.0.1", "--port", "0", "--json"]
      const got = yield* Programs.run("piecework", ["get", origin.url, ...state, ...out])
      assert.strictEqual(got.code, exitCodes.ok, got.stderr)
      const { durationMillis } = JSON.parse(got.stdout) as { readonly durationMillis: number }
      assert.isAtLeast(durationMillis, 3_000, "it waited for peers")
    })
)
