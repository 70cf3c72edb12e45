import { assert, describe, it, layer } from "@effect/vitest"
import { Identity } from "@piecework/cloud"
import { Database } from "@piecework/database"
import { DatabaseError } from "@piecework/database/DatabaseError"
import { Clock, Effect, Layer, Redacted, Ref } from "effect"
import { TestClock } from "effect/testing"
import { Audit } from "../src/Audit.ts"
import { Authenticator } from "../src/Authenticator.ts"
import { Credentials } from "../src/Credentials.ts"

const stored = Credentials.layer.pipe(Layer.provideMerge(Audit.layer), Layer.provide(Database.Database.layerMemory))
const who = Identity.local

const enrolled = (groups: ReadonlyArray<string> = []) =>
  Effect.gen(function* () {
    const credentials = yield* Credentials
    const token = yield* credentials.issue(who, { kind: "Enrolment", name: "e", groups, uses: 1, expiresAt: null })
    const issued = yield* credentials.enrol(Redacted.value(token.token), "pc")
    return { id: issued.credential.id, token: Redacted.value(issued.token), enrolment: Redacted.value(token.token) }
  })

const recall = (token: string) =>
  Effect.gen(function* () {
    const authenticator = yield* Authenticator
    return authenticator.recall(token, yield* Clock.currentTimeMillis)
  })

layer(Authenticator.layer.pipe(Layer.provideMerge(stored)))("The authenticator", (spec) => {
  spec.effect("knows who presents a token, and remembers it", () =>
    Effect.gen(function* () {
      const { identify } = yield* Authenticator
      const { id, token } = yield* enrolled(["lab"])
      assert.isUndefined(yield* recall(token))
      const identity = { _tag: "Device", id, groups: ["lab"] } as const
      assert.deepStrictEqual(yield* identify(token), identity)
      assert.deepStrictEqual(yield* recall(token), identity)
      const operator = yield* (yield* Credentials).issue(who, {
        kind: "Operator",
        name: "ci",
        scopes: ["Publish"],
        expiresAt: null
      })
      assert.deepStrictEqual(yield* identify(Redacted.value(operator.token)), {
        _tag: "Operator",
        id: operator.credential.id,
        scopes: ["Publish"]
      })
    })
  )

  spec.effect("forgets within three seconds what was revoked or got other groups", () =>
    Effect.gen(function* () {
      const { identify } = yield* Authenticator
      const credentials = yield* Credentials
      const [one, two] = [yield* enrolled(), yield* enrolled()]
      yield* identify(one.token)
      yield* identify(two.token)
      yield* credentials.revoke(who, "Device", one.id)
      yield* credentials.setGroups(who, two.id, ["x"])
      yield* TestClock.adjust("3 seconds")
      assert.isUndefined(yield* recall(one.token))
      assert.strictEqual((yield* Effect.flip(identify(one.token)))._tag, "TokenRefused")
      assert.isUndefined(yield* recall(two.token))
      assert.deepStrictEqual(yield* identify(two.token), { _tag: "Device", id: two.id, groups: ["x"] })
    })
  )

  spec.effect("ends a token at its time, remembered or not", () =>
    Effect.gen(function* () {
      const { identify } = yield* Authenticator
      const expiresAt = (yield* Clock.currentTimeMillis) + 1_000
      const issued = yield* (yield* Credentials).issue(who, {
        kind: "Operator",
        name: "o",
        scopes: ["Read"],
        expiresAt
      })
      const token = Redacted.value(issued.token)
      yield* identify(token)
      yield* TestClock.adjust(999)
      assert.isDefined(yield* recall(token))
      yield* TestClock.adjust(1)
      assert.isUndefined(yield* recall(token))
      const error = yield* Effect.flip(identify(token))
      assert.strictEqual(error._tag === "TokenRefused" && error.reason, "Expired")
    })
  )

  spec.effect("tells refusals apart for the log, and says the same to who asks", () =>
    Effect.gen(function* () {
      const { identify } = yield* Authenticator
      const { enrolment, id, token } = yield* enrolled()
      const refusals = yield* Effect.forEach(
        [
          "",
          token.slice(0, -1),
          `${token}${"A".repeat(10_000)}`,
          `pwd_${id}_${"A".repeat(43)}`,
          `pwd_${"0".repeat(16)}_${"A".repeat(43)}`,
          token.replace("pwd", "pwo"),
          enrolment
        ],
        (text) => Effect.flip(identify(text))
      )
      assert.deepStrictEqual(
        refusals.map((error) => error._tag === "TokenRefused" && error.reason),
        ["Malformed", "Malformed", "Malformed", "Wrong", "Unknown", "Unknown", "UsedUp"]
      )
      assert.strictEqual(new Set(refusals.map(({ message }) => message)).size, 1)
      assert.notInclude(JSON.stringify(refusals), token.slice(-43))
    })
  )

  spec.effect("lets a rotated credential go on until the new one is used", () =>
    Effect.gen(function* () {
      const { identify } = yield* Authenticator
      const credentials = yield* Credentials
      const { id, token } = yield* enrolled()
      const next = yield* Effect.flatMap(credentials.rotate(id), Effect.fromOption)
      // The answer was lost, so it is asked for again.
      const again = yield* Effect.flatMap(credentials.rotate(id), Effect.fromOption)
      yield* TestClock.adjust("1 minute")
      assert.strictEqual((yield* identify(token))._tag, "Device")
      assert.strictEqual((yield* Effect.flip(identify(Redacted.value(next.token))))._tag, "TokenRefused")
      assert.strictEqual((yield* identify(Redacted.value(again.token)))._tag, "Device")
      yield* TestClock.adjust("3 seconds")
      assert.isUndefined(yield* recall(token))
      assert.strictEqual((yield* Effect.flip(identify(token)))._tag, "TokenRefused")
    })
  )

  spec.effect("notes when a token was used, once a minute at most", () =>
    Effect.gen(function* () {
      const { identify } = yield* Authenticator
      const credentials = yield* Credentials
      const { id, token } = yield* enrolled()
      const usedAt = Effect.map(
        Effect.flatMap(credentials.find(id), Effect.fromOption),
        (kept) => kept.credential.usedAt
      )
      yield* TestClock.adjust("1 hour")
      const now = yield* Clock.currentTimeMillis
      yield* identify(token)
      yield* TestClock.adjust("15 seconds")
      assert.strictEqual(yield* usedAt, now)
      yield* recall(token)
      yield* TestClock.adjust("15 seconds")
      assert.strictEqual(yield* usedAt, now)
      yield* TestClock.adjust("30 seconds")
      yield* recall(token)
      yield* TestClock.adjust("15 seconds")
      assert.strictEqual(yield* usedAt, now + 60_000)
    })
  )
})

describe("While the database is away the authenticator", () => {
  it.effect("believes what it remembers for five minutes, and nobody new", () =>
    Effect.gen(function* () {
      const isAway = yield* Ref.make(false)
      const away = new DatabaseError({ operation: "look", reason: "Busy", database: "test" })
      const unless = <A>(effect: Effect.Effect<A, DatabaseError>): Effect.Effect<A, DatabaseError> =>
        Effect.flatMap(Ref.get(isAway), (is) => (is ? Effect.fail(away) : effect))
      const flaky = Layer.effect(
        Credentials,
        Effect.map(Credentials, (real) =>
          Credentials.of({ ...real, changes: unless(real.changes), find: (id) => unless(real.find(id)) })
        )
      ).pipe(Layer.provideMerge(stored))
      yield* Effect.gen(function* () {
        const { identify } = yield* Authenticator
        const [one, two] = [yield* enrolled(), yield* enrolled()]
        yield* identify(one.token)
        yield* Ref.set(isAway, true)
        yield* TestClock.adjust("1 minute")
        assert.isDefined(yield* recall(one.token))
        assert.strictEqual((yield* Effect.flip(identify(two.token)))._tag, "DatabaseError")
        yield* TestClock.adjust("5 minutes")
        assert.isUndefined(yield* recall(one.token))
        yield* Ref.set(isAway, false)
        assert.strictEqual((yield* identify(one.token))._tag, "Device")
      }).pipe(Effect.provide(Authenticator.layer.pipe(Layer.provideMerge(flaky))))
    })
  )
})
