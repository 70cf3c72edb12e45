import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { execFile } from "node:child_process"
import * as fs from "node:fs"
import { promisify } from "node:util"

const folder = new URL("..", import.meta.url)

it.live("The README's program runs and ends by itself", () =>
  Effect.gen(function* () {
    const [, program = ""] = /```ts\n(.*?)```/s.exec(fs.readFileSync(new URL("README.md", folder), "utf8")) ?? []
    const flags = ["--conditions=source", "--input-type=module-typescript", "--eval"]
    const { stdout } = yield* Effect.promise(() =>
      promisify(execFile)(process.execPath, [...flags, program], { cwd: folder, timeout: 20_000 })
    )
    assert.match(stdout, /^DO-[\w-]{43} a content of one piece\n$/)
  })
)
