import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, layer } from "@effect/vitest"
import { Effect, Layer, Option } from "effect"
import { Meter } from "../src/Meter.ts"
import * as Tools from "../src/Tools.ts"

const says = (script: string) => Tools.saysOf("sh", ["-c", script], /^tool \d+$/m)

layer(Layer.provideMerge(Meter.layer, NodeServices.layer), { excludeTestServices: true })("Tools", (it) => {
  it.effect("finds a version on either output and whatever the exit code", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* says("echo hello; echo tool 3 >&2; exit 1"), Option.some("tool 3"))
      assert.deepStrictEqual(yield* says("echo tool three"), Option.none())
      assert.deepStrictEqual(yield* Tools.saysOf("no-such-tool", [], /tool/m), Option.none())
    })
  )

  it.effect("runs a program on the processors that it is given", () =>
    Effect.sync(() => {
      const invocation = { name: "a", command: "b", args: ["c"] }
      assert.deepStrictEqual(Tools.pinned("0,1", invocation), {
        name: "a",
        command: "taskset",
        args: ["--cpu-list", "0,1", "b", "c"]
      })
    })
  )
})
