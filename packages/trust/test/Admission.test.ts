import { assert, describe, it, layer } from "@effect/vitest"
import { Identity } from "@piecework/cloud"
import { Effect, Layer, Result } from "effect"
import { TestClock } from "effect/testing"
import { Admission, type Arrival, isLoopback, siteOf } from "../src/Admission.ts"
import * as AdmissionConfig from "../src/AdmissionConfig.ts"
import { Authenticator, TokenRefused } from "../src/Authenticator.ts"
import * as RouteRule from "../src/RouteRule.ts"

const device = { _tag: "Device", id: "d", groups: ["lab"] } as const
const operator = { _tag: "Operator", id: "o", scopes: ["Read"] } as const

/** Knows two tokens; `asked` counts who had to be looked up. */
const known = (asked: { count: number }) =>
  Layer.succeed(Authenticator, {
    recall: (token) => (token === "pwd_known" ? device : undefined),
    identify: (token) =>
      Effect.suspend(() => {
        asked.count++
        if (token === "pwo_good") return Effect.succeed(operator)
        return Effect.fail(
          new TokenRefused({ reason: "Wrong", ...(token === "" ? {} : { claimed: token.slice(0, 8) }) })
        )
      })
  })

const admission = (config?: Partial<AdmissionConfig.AdmissionConfig["Service"]>, asked = { count: 0 }) =>
  Admission.layer.pipe(Layer.provide([known(asked), AdmissionConfig.layer(config)]))

const arrival = (path: string, authorization?: string, more?: Partial<Arrival>): Arrival => ({
  rule: RouteRule.of(path),
  address: "203.0.113.7",
  isPrivate: true,
  authorization,
  ...more
})

const admit = (one: Arrival) =>
  Effect.gen(function* () {
    const { admit: ask } = yield* Admission
    const found = yield* Effect.result(ask(one))
    return Result.isSuccess(found) ? found.success._tag : found.failure.reason
  })

const from = (address: string, authorization?: string) => admit(arrival("/rpc/geo", authorization, { address }))

type Row = readonly [path: string, anonymous: string, device: string, operator: string, wrong: string]

const tables: ReadonlyArray<readonly [what: string, requireEnrolment: boolean, rows: ReadonlyArray<Row>]> = [
  [
    "to whom anybody may come",
    false,
    [
      ["/health", "Anonymous", "Device", "Operator", "TokenRefused"],
      ["/phf/DO-x", "Anonymous", "Device", "Operator", "TokenRefused"],
      ["/rpc/geo", "Anonymous", "Device", "Operator", "TokenRefused"],
      ["/rpc/array", "Anonymous", "Device", "Operator", "TokenRefused"],
      ["/rpc/enrol", "Anonymous", "Device", "Operator", "TokenRefused"],
      ["/rpc/admin/trust", "TokenWanted", "OperatorWanted", "Operator", "TokenRefused"],
      ["/rpc/admin/", "TokenWanted", "OperatorWanted", "Operator", "TokenRefused"],
      ["/elsewhere", "Anonymous", "Device", "Operator", "TokenRefused"]
    ]
  ],
  [
    "that wants enrolment",
    true,
    [
      ["/health", "Anonymous", "Device", "Operator", "TokenRefused"],
      ["/healthy", "TokenWanted", "Device", "Operator", "TokenRefused"],
      ["/phf/DO-x", "TokenWanted", "Device", "Operator", "TokenRefused"],
      ["/rpc/geo", "TokenWanted", "Device", "Operator", "TokenRefused"],
      ["/rpc/array/", "TokenWanted", "Device", "Operator", "TokenRefused"],
      ["/rpc/enrol", "Anonymous", "Device", "Operator", "TokenRefused"],
      ["/rpc/admin/content", "TokenWanted", "OperatorWanted", "Operator", "TokenRefused"],
      ["/elsewhere", "TokenWanted", "Device", "Operator", "TokenRefused"]
    ]
  ]
]

for (const [what, requireEnrolment, rows] of tables) {
  layer(admission({ requireEnrolment }))(`A service ${what}`, (spec) => {
    for (const [path, ...expected] of rows) {
      spec.effect(`lets in at ${path} whom it should`, () =>
        Effect.gen(function* () {
          const headers = [undefined, "Bearer pwd_known", "bearer  pwo_good", "Bearer pwd_wrong"]
          const seen = yield* Effect.forEach(headers, (header) => admit(arrival(path, header)))
          assert.deepStrictEqual<ReadonlyArray<string>>(seen, expected)
        })
      )
    }
  })
}

describe("Admission", () => {
  it.effect("takes any header that is no token of ours for a bad one, never for none", () =>
    Effect.gen(function* () {
      for (const header of ["", "Basic YTpi", "Bearer", "pwd_other", "Bearer " + "x".repeat(9_000)]) {
        assert.strictEqual(yield* admit(arrival("/rpc/geo", header)), "TokenRefused", header.slice(0, 20))
      }
    }).pipe(Effect.provide(admission()))
  )

  it.effect("refuses an operator's token that others may have read, before it is looked at", () => {
    const asked = { count: 0 }
    return Effect.gen(function* () {
      const overheard = { isPrivate: false }
      assert.strictEqual(yield* admit(arrival("/rpc/admin/trust", "Bearer pwo_good", overheard)), "Overheard")
      assert.strictEqual(yield* admit(arrival("/rpc/geo", "Bearer pwo_bad", overheard)), "Overheard")
      assert.strictEqual(asked.count, 0)
      assert.strictEqual(yield* admit(arrival("/rpc/geo", "Bearer pwd_known", overheard)), "Device")
    }).pipe(Effect.provide(admission({}, asked)))
  })

  it.effect("limits an address, or the network of one, and leaves others alone", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(
        yield* Effect.forEach(
          ["::a:1", "::a:1", "::a:2"].map((end) => `2001:db8${end}`),
          (address) => from(address)
        ),
        ["Anonymous", "Anonymous", "TooMany"]
      )
      assert.strictEqual(yield* from("2001:db9::1"), "Anonymous")
      const burst = yield* Effect.forEach(Array.from({ length: 3 }), () => from("127.0.0.1"))
      assert.deepStrictEqual(burst, ["Anonymous", "Anonymous", "Anonymous"])
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* from("2001:db8::a:3"), "Anonymous")
    }).pipe(Effect.provide(admission({ perAddress: { perSecond: 1, burst: 2 } })))
  )

  it.effect("limits one device wherever it calls from", () =>
    Effect.gen(function* () {
      const everywhere = ["198.51.100.1", "198.51.100.2", "198.51.100.3"]
      assert.deepStrictEqual(yield* Effect.forEach(everywhere, (address) => from(address, "Bearer pwd_known")), [
        "Device",
        "Device",
        "TooMany"
      ])
    }).pipe(Effect.provide(admission({ perIdentity: { perSecond: 1, burst: 2 } })))
  )

  it.effect("stops looking at tokens from where many were bad, but knows those that it remembers", () => {
    const asked = { count: 0 }
    return Effect.gen(function* () {
      const seen = yield* Effect.forEach(Array.from({ length: 6 }), (_, n) =>
        admit(arrival("/rpc/geo", `Bearer pwd_bad${n}`))
      )
      assert.deepStrictEqual(seen, [...Array.from({ length: 4 }, () => "TokenRefused"), "TooMany", "TooMany"])
      assert.strictEqual(asked.count, 4)
      assert.strictEqual(yield* admit(arrival("/rpc/geo", "Bearer pwd_known")), "Device")
      assert.strictEqual(yield* admit(arrival("/rpc/geo", "Bearer pwo_good", { address: "198.51.100.1" })), "Operator")
    }).pipe(Effect.provide(admission({ refusalsPerAddress: { perSecond: 0.1, burst: 4 } }, asked)))
  })

  it.effect("does not let one device with a bad token lock out the others of its site", () =>
    Effect.gen(function* () {
      const bad = yield* Effect.forEach(Array.from({ length: 50 }), () => admit(arrival("/rpc/geo", "Bearer pwd_bad")))
      assert.deepStrictEqual([bad[0], bad[2], bad[49]], ["TokenRefused", "TooMany", "TooMany"])
      assert.strictEqual(yield* admit(arrival("/rpc/geo", "Bearer pwo_good")), "Operator")
    }).pipe(
      Effect.provide(
        admission({ refusalsPerAddress: { perSecond: 0.1, burst: 4 }, refusalsPerToken: { perSecond: 0.1, burst: 2 } })
      )
    )
  )

  it.effect("limits enrolments, and those with bad tokens harder", () =>
    Effect.gen(function* () {
      const { enrolling, enrolmentRefused } = yield* Admission
      yield* enrolling("203.0.113.7")
      yield* enrolmentRefused("203.0.113.7", "Wrong")
      const error = yield* Effect.flip(enrolling("203.0.113.7"))
      assert.deepStrictEqual([error.reason, error.retryAfter], ["TooMany", 10])
      yield* enrolling("198.51.100.1")
    }).pipe(Effect.provide(admission({ refusalsPerAddress: { perSecond: 0.1, burst: 1 } })))
  )
})

describe("The site of an address", () => {
  for (const [address, site] of [
    ["203.0.113.7", "203.0.113.7"],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"],
    ["2001:0DB8:0001:2::1", "2001:db8:1:2::"],
    ["2001:db8::1", "2001:db8:0:0::"],
    ["::1", "0:0:0:0::"],
    ["fe80::1:2:3:4", "fe80:0:0:0::"]
  ] as const) {
    it(`${address} is ${site}`, () => assert.strictEqual(siteOf(address), site))
  }

  it("is this machine for the loopback only", () => {
    const addresses = ["127.0.0.1", "127.9.9.9", "::1", "128.0.0.1", "127.0.0.1.example", "::2", ""]
    assert.deepStrictEqual(addresses.map(isLoopback), [true, true, true, false, false, false, false])
  })
})

describe("The identity that nobody proved", () => {
  it("is none that content can be limited to", () => {
    assert.isFalse(Identity.isOf(Identity.anonymous, ["lab"]))
    assert.isTrue(Identity.isOf(device, ["lab"]))
    assert.isFalse(Identity.mayDo(operator, "Admin"))
  })
})
