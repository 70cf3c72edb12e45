import { assert, describe, it } from "@effect/vitest"
import { Cloud, CloudConfig } from "@piecework/cloud"
import { CloudError } from "@piecework/cloud/CloudError"
import { ArrayInstance } from "@piecework/cloud/DiscoveryRpcs"
import { EndpointUrl } from "@piecework/cloud/Fields"
import { RequestRefused } from "@piecework/cloud/RoleError"
import { ContentId } from "@piecework/domain/Content"
import { Context, Effect, Layer } from "effect"
import { TestClock } from "effect/testing"
import * as Arrays from "../src/Arrays.ts"

const [a, b, c, d] = ["a", "b", "c", "d"].map((name) => EndpointUrl.make(`http://${name}.example/rpc/array`)) as [
  EndpointUrl,
  EndpointUrl,
  EndpointUrl,
  EndpointUrl
]

const failure = (reason: CloudError["reason"], cause?: unknown) =>
  new CloudError({ role: "Array", url: a, reason, ...(cause === undefined ? {} : { cause }) })

/** Instances that Discovery names, which of them fail, and who was asked in which order. */
const makeScene = Effect.gen(function* () {
  const failing = new Map<EndpointUrl, CloudError>()
  const asked: Array<EndpointUrl> = []
  let named: readonly [EndpointUrl, ...ReadonlyArray<EndpointUrl>] | undefined = [a, b, c, d]
  const real = Context.get(
    yield* Layer.build(Cloud.Cloud.layerTest().pipe(Layer.provide(CloudConfig.layer()))),
    Cloud.Cloud
  )
  const cloud = Cloud.Cloud.of({
    ...real,
    discover: () =>
      Effect.suspend(() => {
        if (named === undefined) return Effect.fail(failure("Unreachable"))
        const [first, ...others] = named
        return Effect.succeed([new ArrayInstance({ url: first }), ...others.map((url) => new ArrayInstance({ url }))])
      })
  })
  const arrays = Arrays.make(cloud, ContentId.make(`DO-${"a".repeat(43)}`))
  const discover = arrays.discover(cloud.whereabouts)
  return {
    arrays,
    discover,
    failing,
    name: (...urls: [EndpointUrl, ...Array<EndpointUrl>] | []) => {
      const [first, ...others] = urls
      named = first === undefined ? undefined : [first, ...others]
    },
    /** Whom one ask went to. */
    ask: Effect.gen(function* () {
      asked.length = 0
      const result = yield* Effect.result(
        arrays.ask((url) =>
          Effect.suspend(() => {
            asked.push(url)
            const error = failing.get(url)
            return error === undefined ? Effect.succeed(url) : Effect.fail(error)
          })
        )
      )
      return { asked: [...asked], result }
    })
  }
})

describe("The Arrays of a content", () => {
  it.effect("are asked best first, and the next at once when one does not answer", () =>
    Effect.gen(function* () {
      const { arrays, ask, discover, failing } = yield* makeScene
      yield* discover
      assert.deepStrictEqual((yield* ask).asked, [a])
      failing.set(a, failure("Unreachable"))
      assert.deepStrictEqual((yield* ask).asked, [a, b])
      assert.strictEqual(arrays.answered(), b)
    })
  )

  it.effect("are not asked first for ten seconds after they failed, and then again", () =>
    Effect.gen(function* () {
      const { ask, discover, failing } = yield* makeScene
      yield* discover
      failing.set(a, failure("TimedOut"))
      yield* ask
      yield* discover
      yield* TestClock.adjust("9 seconds")
      assert.deepStrictEqual((yield* ask).asked, [b])
      failing.clear()
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual((yield* ask).asked, [a])
    })
  )

  it.effect("are asked three at most, and those that failed once more when all did", () =>
    Effect.gen(function* () {
      const { ask, discover, failing } = yield* makeScene
      yield* discover
      for (const url of [a, b, c, d]) failing.set(url, failure("Unreachable"))
      const first = yield* ask
      assert.deepStrictEqual(first.asked, [a, b, c])
      assert.strictEqual(first.result._tag, "Failure")
      assert.deepStrictEqual((yield* ask).asked, [d, a, b])
    })
  )

  it.effect("are believed when they say no, whichever is asked", () =>
    Effect.gen(function* () {
      const { ask, discover, failing } = yield* makeScene
      yield* discover
      const overloaded = failure("TimedOut", new RequestRefused({ reason: "Overloaded" }))
      for (const said of [failure("Refused"), failure("ContentUnknown"), overloaded]) {
        failing.set(a, said)
        assert.deepStrictEqual((yield* ask).asked, [a], said.message)
      }
    })
  )

  it.effect("are those that were known last while Discovery does not answer, but then there must be some", () =>
    Effect.gen(function* () {
      const { ask, discover, name } = yield* makeScene
      name()
      assert.strictEqual((yield* Effect.flip(discover)).reason, "Unreachable")
      name(b)
      yield* discover
      name()
      yield* discover
      assert.deepStrictEqual((yield* ask).asked, [b])
    })
  )
})
