import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { exitCodes } from "../src/ExitCode.ts"
import * as Programs from "./support/programs.ts"
import * as Site from "./support/site.ts"

interface Shown {
  readonly value: unknown
  readonly provider: string
  readonly now: string
}

it.live(
  "what an operator says to all devices is checked, and is in force on a device until its own files say otherwise",
  () =>
    Effect.gen(function* () {
      const site = yield* Site.published({ length: 12_000_000 })
      const { data, root, service } = site
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

      const state = ["--state", site.state("one"), "--service", service]
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

      const got = yield* Programs.run("piecework", site.get("one", "--json"))
      assert.strictEqual(got.code, exitCodes.ok, got.stderr)
      const { durationMillis } = JSON.parse(got.stdout) as { readonly durationMillis: number }
      assert.isAtLeast(durationMillis, 3_000, "it waited for peers")
    })
)
