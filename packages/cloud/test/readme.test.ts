import { execFile } from "node:child_process"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { promisify } from "node:util"
import { assert, it } from "@effect/vitest"
import { Effect } from "effect"

it.live("the program in the README runs and ends by itself", () =>
  Effect.gen(function* () {
    const cwd = join(import.meta.dirname, "..")
    const program = /```ts\n(.*?)```/s.exec(readFileSync(join(cwd, "README.md"), "utf8"))?.[1]
    assert.isDefined(program)
    const args = ["--conditions=source", "--input-type=module-typescript", "--eval", program]
    const { stdout } = yield* Effect.promise(() =>
      promisify(execFile)(process.execPath, args, { cwd, timeout: 20_000 })
    )
    assert.match(stdout, /^(from [\d.]+: DO-|Unreachable The Geo service at |ContentUnknown )/)
  })
)
