import { assert, describe, it } from "@effect/vitest"
import { Identity } from "@piecework/cloud"
import { PolicySigner } from "@piecework/cloud/PolicySigner"
import { type Encoded, isSigned, parseKey } from "@piecework/cloud/PolicySignature"
import { Database } from "@piecework/database"
import { Effect, Layer, Option } from "effect"
import { TestClock } from "effect/testing"
import { Audit } from "../src/Audit.ts"
import { layerSigner, SigningKeys } from "../src/SigningKeys.ts"

const services = layerSigner.pipe(
  Layer.provideMerge(SigningKeys.layer),
  Layer.provideMerge(Audit.layer),
  Layer.provide(Database.Database.layerMemory)
)

/** The signer takes an answer as it is. */
const answer = { contentId: "DO-x", rank: 0 } as unknown as Encoded

describe("The keys of a service", () => {
  it.effect("sign all that is answered while they are in use, within five seconds of a change", () =>
    Effect.gen(function* () {
      const keys = yield* SigningKeys
      const { sign } = yield* PolicySigner
      assert.deepStrictEqual(yield* sign(answer), [])
      const first = yield* keys.add(Identity.local)
      yield* TestClock.adjust("5 seconds")
      const second = yield* keys.add(Identity.local)
      yield* TestClock.adjust("5 seconds")
      const signatures = yield* sign(answer)
      assert.deepStrictEqual(
        signatures.map(({ at, key }) => [key, at]),
        [
          [first.id, 10],
          [second.id, 10]
        ]
      )
      const known = Option.getOrThrow(parseKey(second.text))
      assert.isTrue(isSigned(answer, signatures, [known], 10))
      assert.isTrue(yield* keys.retire(Identity.local, first.id))
      assert.isFalse(yield* keys.retire(Identity.local, first.id))
      yield* TestClock.adjust("5 seconds")
      assert.deepStrictEqual(
        (yield* sign(answer)).map(({ key }) => key),
        [second.id]
      )
      assert.deepStrictEqual(
        (yield* keys.list).map(({ text }) => text),
        [second.text]
      )
    }).pipe(Effect.provide(services))
  )

  it.effect("are four at most, and each change is in the audit log, without a secret", () =>
    Effect.gen(function* () {
      const keys = yield* SigningKeys
      for (let n = 0; n < 4; n++) yield* keys.add(Identity.local)
      assert.strictEqual((yield* Effect.flip(keys.add(Identity.local)))._tag, "TooManyKeys")
      const [one] = yield* keys.list
      yield* keys.retire(Identity.local, one?.id ?? "")
      const entries = yield* (yield* Audit).entries({ most: 10 })
      assert.deepStrictEqual(
        entries.map(({ action }) => action),
        ["key.retire", "key.add", "key.add", "key.add", "key.add"]
      )
      assert.deepStrictEqual(entries[0]?.subject, one?.id)
    }).pipe(Effect.provide(services))
  )
})
