import { assert, describe, it } from "@effect/vitest"
import { Content, Digest, Peer } from "@piecework/domain"
import { Duration, Effect, Exit, Option, Schema } from "effect"
import { JoinRequest, LeaveRequest } from "../src/ArrayRpcs.ts"
import * as ArrayWire from "../src/ArrayWire.ts"
import { LeaseReply, LeaseRequest } from "../src/LeaseRpc.ts"
import { RequestRefused } from "../src/RoleError.ts"

const contentId = Content.idOf(Option.getOrThrow(Option.fromUndefinedOr(Digest.fromBytes(new Uint8Array(32)))))
const peerId = Peer.idOf(Peer.DeviceId.make("e".repeat(32)), 1)
const codec = Schema.toCodecJson(JoinRequest)
const decodeBySchema = Schema.decodeUnknownExit(codec)

const usual = Schema.encodeSync(codec)(
  new JoinRequest({ contentId, peerId, reportedIp: "10.0.0.1", port: 7680, left: 1, event: "Started", scope: "Lan" })
) as Record<string, unknown>
const full = {
  ...usual,
  altCatalogId: "http://origin.test/ä b",
  subnetMask: "255.255.255.0",
  ipv6: "fe80::1",
  groupId: "group ☃",
  eId: "",
  complaints: [{ peerId, reason: "Bad" }]
}

const addresses = [
  "0.0.0.0",
  "255.255.255.255",
  "1.2.3.4",
  "256.1.1.1",
  "1.2.3",
  "1.2.3.4.",
  ".1.2.3.4",
  "1..2.3",
  "1.2.3.4.5",
  "01.2.3.4",
  "1.2.3.00",
  "1.2.3.4\n",
  " 1.2.3.4",
  "1e1.2.3.4",
  "+1.2.3.4",
  "١.2.3.4",
  "::",
  "::1",
  "::ffff:1.2.3.4",
  "fe80::1%eth0",
  "[::1]",
  "2001:DB8::1",
  "2001:db8:0:0:0:0:0:1",
  "1:2:3:4:5:6:7:8:9",
  "host"
]
/** What may come in place of a field's value. */
const odd: ReadonlyArray<unknown> = [
  null,
  true,
  false,
  0,
  -0,
  1,
  -1,
  0.5,
  255,
  256,
  65_535,
  65_536,
  2 ** 53 - 1,
  2 ** 53,
  1e300,
  "",
  "1",
  "NaN",
  "Infinity",
  "Started",
  "Completed",
  "Group",
  "Internet",
  "Simple",
  "Subnet",
  "toString",
  "__proto__",
  "a".repeat(64),
  "a".repeat(65),
  "☃".repeat(128),
  "g".repeat(129),
  "http://a",
  "https://a/b?c",
  "http://a#b",
  "http://",
  "ftp://a",
  "http://a\nb",
  `http://${"a".repeat(4089)}`,
  `http://${"a".repeat(4090)}`,
  contentId,
  `${contentId}\n`,
  contentId.slice(1),
  peerId,
  peerId.toUpperCase(),
  peerId.slice(1),
  ...addresses,
  [],
  [[]],
  {},
  { major: 1, minor: 0, build: 0, revision: 0 },
  { major: 1, minor: 0, build: 0 },
  { major: 1, minor: 0, build: 0, revision: 0, more: 1 },
  { major: "1", minor: 0, build: 0, revision: 0 },
  [{ peerId, reason: "Unreachable" }],
  [{ peerId, reason: "Unreachable", more: [] }],
  [{ peerId, reason: "Ugly" }],
  [{ peerId: "x", reason: "Bad" }],
  [null],
  Array.from({ length: 16 }, () => ({ peerId, reason: "Bad" })),
  Array.from({ length: 17 }, () => ({ peerId, reason: "Bad" })),
  { length: 0 }
]

/** Of these, some fit into several fields, so that what is changed in three may still be a join. */
const likely = [...odd, 1, 0, true, "Periodic", "Lan", "10.0.0.2", "None", "a"]

/** The same word from both, and the same value. */
const agree = (json: unknown) => {
  const bySchema = decodeBySchema(json)
  const byHand = ArrayWire.isJoin(json)
  assert.strictEqual(byHand, Exit.isSuccess(bySchema), JSON.stringify(json))
  if (!byHand || !Exit.isSuccess(bySchema)) return
  // What is there besides nobody looks at.
  assert.deepStrictEqual(encodeBySchema(byHandOf(json)), encodeBySchema(bySchema.value))
}

const encodeBySchema = Schema.encodeSync(codec)
const byHandOf = (json: JoinRequest) => JoinRequest.make({ ...json }, { disableChecks: true })

const fields = [...new Set([...Object.keys(full), "unknown", "__proto__"])]

describe("A join read by hand", () => {
  it("is one to the schema too, with any value in place of any field's", () => {
    for (const base of [usual, full]) {
      agree(base)
      for (const field of fields) {
        for (const value of odd) agree(JSON.parse(JSON.stringify({ ...base, [field]: value })))
        agree(Object.fromEntries(Object.entries(base).filter(([name]) => name !== field)))
      }
    }
    for (const value of odd) agree(value)
    assert.isTrue(ArrayWire.isJoin(usual) && ArrayWire.isJoin(full))
  })

  it.effect.prop(
    "is one to the schema too, with any values in place of any three",
    { draws: Schema.Tuple(Array.from({ length: 6 }, () => Schema.Natural)) },
    ({ draws }) =>
      Effect.sync(() => {
        const changed: Record<string, unknown> = { ...full }
        for (let n = 0; n < 6; n += 2) {
          changed[fields[(draws[n] ?? 0) % fields.length] ?? ""] = likely[(draws[n + 1] ?? 0) % likely.length]
        }
        agree(changed)
      }),
    { arbitrary: { runs: 2000 } }
  )
})

const call = (overrides?: object) => ({
  _tag: "Request",
  id: "7",
  tag: "Join",
  payload: usual,
  headers: [],
  ...overrides
})

describe("A call", () => {
  it("is read when it is as clients make it", () => {
    for (const more of [{}, { traceId: "a", spanId: "b", sampled: true }, { id: "1234567890123456789" }]) {
      const read = ArrayWire.decode(JSON.stringify(call(more)))
      assert.strictEqual(read?.tag, "Join")
      assert.deepStrictEqual<unknown>(read?.request, usual)
    }
    const leave = ArrayWire.decode(JSON.stringify(call({ tag: "Leave", payload: { contentId, peerId } })))
    assert.deepStrictEqual(leave, { id: "7", tag: "Leave", request: new LeaveRequest({ contentId, peerId }) })
    const asked = {
      contentId,
      peerId,
      reportedIp: "10.0.0.1",
      scope: "Lan",
      profile: 768,
      pieceCount: 5,
      pieceSize: 1,
      held: "wA==",
      keep: [{ first: 3, count: 1 }],
      most: 2,
      originRate: 0,
      seq: 0
    }
    const lease = ArrayWire.decode(JSON.stringify(call({ tag: "Lease", payload: asked })))
    assert.deepStrictEqual(lease?.request, Schema.decodeUnknownSync(Schema.toCodecJson(LeaseRequest))(asked))
  })

  const unusual: ReadonlyArray<readonly [string, string]> = [
    ["no JSON", "{"],
    ["nothing", ""],
    ["null", "null"],
    ["several calls at once", JSON.stringify([call()])],
    ["another message", JSON.stringify(call({ _tag: "Interrupt" }))],
    ["another call", JSON.stringify(call({ tag: "Geo" }))],
    ["a number for an id", JSON.stringify(call({ id: 1 }))],
    ["an id that would need escapes", JSON.stringify(call({ id: 'a"b' }))],
    ["an id that is too long", JSON.stringify(call({ id: "a".repeat(65) }))],
    ["headers of its own", JSON.stringify(call({ headers: [["a", "b"]] }))],
    ["no headers", JSON.stringify({ ...call(), headers: undefined })],
    ["nobody who waits for an answer", JSON.stringify(call({ isNotification: true }))],
    ["nobody who wants the answer", JSON.stringify(call({ discard: true }))],
    ["a join that is none", JSON.stringify(call({ payload: { ...usual, port: 0 } }))]
  ]
  for (const [what, text] of unusual) {
    it(`with ${what} is left to the schemas`, () => assert.isUndefined(ArrayWire.decode(text)))
  }
})

describe("An answer written by hand", () => {
  it("is the JSON that the schemas make", () => {
    const reply = new LeaseReply({ runs: [{ first: 3, count: 2 }], again: Duration.seconds(2) })
    assert.deepStrictEqual(
      JSON.parse(ArrayWire.leaseReply(reply)),
      Schema.encodeSync(Schema.toCodecJson(LeaseReply))(reply)
    )
    const refused = JSON.parse(ArrayWire.refusal("7", new RequestRefused({ reason: "NotAllowed" })))
    assert.deepStrictEqual(refused[0].exit.cause, [
      { _tag: "Fail", error: { _tag: "RequestRefused", reason: "NotAllowed" } }
    ])
  })
})
