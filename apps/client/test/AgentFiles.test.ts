import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import * as Output from "@piecework/terminal/Output"
import { Effect, Option, Result } from "effect"
import * as AgentFiles from "../src/AgentFiles.ts"
import * as DevicePolicy from "../src/DevicePolicy.ts"
import * as Programs from "./support/programs.ts"

const valuesOf = (parse: typeof AgentFiles.admin, file: object) => {
  const said = parse(JSON.stringify(file))
  return Result.isSuccess(said) ? said.success.values : assert.fail(said.failure)
}
const both = (seconds: unknown) => ({
  DODelayCacheServerFallbackBackground: seconds,
  DODelayCacheServerFallbackForeground: seconds
})

describe("The admin file of the Linux agent", () => {
  it("says the cache server and one delay, the background's first", () => {
    const [Background, Foreground] = ["DODelayCacheServerFallbackBackground", "DODelayCacheServerFallbackForeground"]
    assert.deepStrictEqual(valuesOf(AgentFiles.admin, { DOCacheHost: "a,b" }), { DOCacheHost: "a,b" })
    assert.deepStrictEqual(valuesOf(AgentFiles.admin, { DOCacheHost: "" }), { DOCacheHost: "" })
    assert.deepStrictEqual(valuesOf(AgentFiles.admin, { [Foreground]: 5 }), both(5))
    assert.deepStrictEqual(valuesOf(AgentFiles.admin, { [Foreground]: 5, [Background]: "7" }), both("7"))
    for (const never of [-1, "-1", 4_294_967_295]) {
      assert.deepStrictEqual(valuesOf(AgentFiles.admin, { [Background]: never }), both(-1))
    }
  })
  it("says nothing of anything else", () => {
    assert.deepStrictEqual(
      valuesOf(AgentFiles.admin, { RestControllerValidateRemoteAddr: false, DODownloadMode: 3 }),
      {}
    )
    assert.isTrue(Result.isFailure(AgentFiles.admin("[]")))
  })
})

const said = (text: unknown) => valuesOf(AgentFiles.kit, { ADUC_IoTConnectionString: text })

describe("The file of the agent's kit", () => {
  it("says the gateway, and no secret", () => {
    assert.deepStrictEqual(said("HostName=h;SharedAccessKey=key=;gatewayhostname=edge.local;X=y"), {
      DOCacheHost: "edge.local"
    })
    assert.deepStrictEqual(said("HostName=h;GatewayHostName=10.0.0.1"), { DOCacheHost: "10.0.0.1" })
    for (const text of ["HostName=h", "GatewayHostName=", 7, null]) assert.deepStrictEqual(said(text), {})
  })
})

describe("The settings of a device", () => {
  it.live("take what the agent's files say where our own say nothing", () =>
    Effect.gen(function* () {
      const root = yield* Programs.folder
      const [own, theirs] = [join(root, "own"), join(root, "theirs")]
      for (const folder of [own, theirs]) mkdirSync(folder)
      const policy = Effect.map(
        DevicePolicy.live({ policy: Option.none() }, own, theirs).pipe(Effect.provide(Output.Output.layer)),
        (live) => live.current()
      )
      const host = Effect.map(policy, (now) => now.get("DOCacheHost"))
      assert.isUndefined(yield* host)
      writeFileSync(join(theirs, "sdk-config.json"), '{"ADUC_IoTConnectionString":"GatewayHostName=edge"}')
      assert.deepStrictEqual(yield* host, ["edge"])
      writeFileSync(
        join(theirs, "admin-config.json"),
        '{"DOCacheHost":"","DODelayCacheServerFallbackForeground":"30","RestControllerValidateRemoteAddr":true}'
      )
      assert.deepStrictEqual(yield* host, [])
      assert.strictEqual((yield* policy).get("DODelayCacheServerFallbackBackground"), 30)
      assert.deepStrictEqual((yield* policy).warnings, [])
      writeFileSync(join(own, "policy.json"), '{"DOCacheHost":"mine"}')
      assert.deepStrictEqual(yield* host, ["mine"])
    }).pipe(Effect.provide(NodeServices.layer))
  )
})
