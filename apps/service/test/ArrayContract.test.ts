/**
 * One specification of the Array role over each way to it: handlers in this process, on swarms in it and on those of a
 * cluster; the role over HTTP, and over HTTP the shortcut that takes the usual calls of swarms that are here.
 */
import { assert, describe, it, layer } from "@effect/vitest"
import { ArrayRpcs, Handout, JoinRequest, LeaveRequest } from "@piecework/cloud/ArrayRpcs"
import * as Caller from "@piecework/cloud/Caller"
import { LeaseReply, LeaseRequest } from "@piecework/cloud/LeaseRpc"
import { Content, Digest, Peer } from "@piecework/domain"
import { Gate } from "@piecework/cloud/Gate"
import * as ArrayHandlers from "@piecework/swarm/ArrayHandlers"
import * as SwarmConfig from "@piecework/swarm/SwarmConfig"
import { Swarms } from "@piecework/swarm/Swarms"
import { Context, Duration, Effect, Layer, Option, Schema } from "effect"
import { RpcTest } from "effect/rpc"
import { local } from "./Local.ts"
import * as TwoRunners from "./TwoRunners.ts"

const here = "203.0.113.7"
const there = "198.51.100.1"

const contentOf = (byte: number) =>
  Content.idOf(Option.getOrThrow(Option.fromUndefinedOr(Digest.fromBytes(new Uint8Array(32).fill(byte)))))
const idOf = (n: number) => Peer.idOf(Peer.DeviceId.make("f".repeat(32)), n)

const joining = (content: number, n: number, told?: Partial<ConstructorParameters<typeof JoinRequest>[0]>) =>
  new JoinRequest({
    contentId: contentOf(content),
    peerId: idOf(n),
    reportedIp: `192.168.1.${n}`,
    port: 7680,
    left: 100,
    event: "Started",
    scope: "Lan",
    ...told
  })

const leasing = (content: number, n: number, told?: Partial<ConstructorParameters<typeof LeaseRequest>[0]>) =>
  new LeaseRequest({
    contentId: contentOf(content),
    peerId: idOf(n),
    reportedIp: `192.168.1.${n}`,
    scope: "Lan",
    pieceCount: 1,
    pieceSize: 1000,
    held: new Uint8Array(1),
    keep: [],
    most: 1,
    originRate: 0,
    seq: 0,
    ...told
  })

/** A client of the role. Fails with the tag of what it was told. */
class ArrayRole extends Context.Service<
  ArrayRole,
  {
    readonly join: (request: JoinRequest, from?: string) => Effect.Effect<Handout, string>
    readonly leave: (request: LeaveRequest, from?: string) => Effect.Effect<void, string>
    readonly lease: (request: LeaseRequest, from?: string) => Effect.Effect<LeaseReply, string>
  }
>()("@piecework/service/test/Array") {}

/** No room for leases of contents with many pieces. */
const swarms = Swarms.layerEmbedded.pipe(Layer.provide(SwarmConfig.layer({ maxLeaseBytes: 4096 })))

const from = (ip = here) => ({ headers: { [Caller.externalIpHeader]: ip } })
const tagged = <A>(call: Effect.Effect<A, { readonly _tag: string }>) => Effect.mapError(call, (error) => error._tag)

const handlers = Layer.effect(
  ArrayRole,
  Effect.gen(function* () {
    const client = yield* RpcTest.makeClient(ArrayRpcs)
    return ArrayRole.of({
      join: (request, ip) => tagged(client.Join(request, from(ip))),
      leave: (request, ip) => tagged(client.Leave(request, from(ip))),
      lease: (request, ip) => tagged(client.Lease(request, from(ip)))
    })
  })
).pipe(Layer.provide(ArrayHandlers.layer), Layer.provide(Gate.layerOpen))

const inProcess = handlers.pipe(Layer.provide([swarms, Caller.layerInProcess()]))

/** The role at a front end, which has no swarms; two runners have them. */
const inCluster = handlers.pipe(
  Layer.provide([
    Layer.effect(
      Swarms,
      Effect.gen(function* () {
        const { frontEnd } = yield* TwoRunners.make({ maxLeaseBytes: 4096 })
        for (let n = 100; n < 140; n++) yield* frontEnd.swarms.join(joining(n, 1), here).pipe(TwoRunners.patient)
        return frontEnd.swarms
      })
    ),
    Caller.layerInProcess()
  ])
)

const service = local({ swarms, proxies: ["127.0.0.1"] })

const Answer = Schema.Tuple([
  Schema.Struct({
    _tag: Schema.Literal("Exit"),
    requestId: Schema.Literal("1"),
    exit: Schema.Union([
      Schema.TaggedStruct("Success", { value: Schema.Unknown }),
      Schema.TaggedStruct("Failure", {
        cause: Schema.Tuple([
          Schema.TaggedStruct("Fail", { error: Schema.Struct({ _tag: Schema.String, reason: Schema.String }) })
        ])
      })
    ])
  })
])

const post = (url: string, text: string, headers: Record<string, string>) =>
  Effect.promise(async () => {
    const response = await fetch(`${url}/rpc/array`, { method: "POST", body: text, headers })
    return { status: response.status, type: response.headers.get("content-type"), text: await response.text() }
  })

/** Calls with headers of their own are none that the shortcut takes. */
const callOf = (tag: string, payload: unknown, isUsual: boolean) =>
  JSON.stringify({ _tag: "Request", id: "1", tag, payload, headers: isUsual ? [] : [["x-way", "long"]] })

const joinJson = Schema.encodeSync(Schema.toCodecJson(JoinRequest))
const leaveJson = Schema.encodeSync(Schema.toCodecJson(LeaveRequest))
const leaseJson = Schema.encodeSync(Schema.toCodecJson(LeaseRequest))

const overHttp = (isUsual: boolean) =>
  Layer.effect(
    ArrayRole,
    Effect.gen(function* () {
      const { url } = yield* service
      const call = Effect.fnUntraced(function* <A>(tag: string, payload: unknown, value: Schema.Decoder<A>, ip = here) {
        const { status, text } = yield* post(url, callOf(tag, payload, isUsual), { "x-forwarded-for": ip })
        assert.strictEqual(status, 200)
        const [{ exit }] = Schema.decodeUnknownSync(Schema.fromJsonString(Answer))(text)
        if (exit._tag === "Failure") return yield* Effect.fail(exit.cause[0].error._tag)
        return Schema.decodeUnknownSync(value)(exit.value)
      })
      return ArrayRole.of({
        join: (request, ip) => call("Join", joinJson(request), Schema.toCodecJson(Handout), ip),
        leave: (request, ip) => Effect.asVoid(call("Leave", leaveJson(request), Schema.Unknown, ip)),
        lease: (request, ip) => call("Lease", leaseJson(request), Schema.toCodecJson(LeaseReply), ip)
      })
    })
  )

const ways = {
  "in this process": inProcess,
  "in a cluster": inCluster,
  "over HTTP, by the role": overHttp(false),
  "over HTTP, by the shortcut": overHttp(true)
}

const idsOf = ({ peers }: Handout) => peers.map(({ id }) => id)

for (const [way, client] of Object.entries(ways)) {
  layer(client, { excludeTestServices: true })(`Array ${way}`, (spec) => {
    spec.effect("tells two of one site of each other, at the addresses on their network", () =>
      Effect.gen(function* () {
        const { join } = yield* ArrayRole
        assert.deepStrictEqual(idsOf(yield* join(joining(1, 1))), [])
        const second = yield* join(joining(1, 2))
        assert.deepStrictEqual(
          second.peers.map(({ address, id, kind }) => [id, address.toString(), kind]),
          [[idOf(1), "192.168.1.1:7680", "Lan"]]
        )
        assert.strictEqual(second.candidates, 1)
        const pause = Duration.toMillis(second.nextJoin)
        assert.isTrue(pause >= 1000 && pause <= 3000, String(pause))
        assert.deepStrictEqual(idsOf(yield* join(joining(1, 1))), [idOf(2)])
      })
    )

    spec.effect("tells strangers of each other's external address, if both take strangers", () =>
      Effect.gen(function* () {
        const { join } = yield* ArrayRole
        const scope = { scope: "Internet" } as const
        yield* join(joining(2, 1), there)
        yield* join(joining(2, 2, scope), there)
        yield* join(joining(2, 3, { ...scope, reportedIp: "2001:db8::3" }), "2001:db8::3")
        const { peers } = yield* join(joining(2, 4, scope))
        assert.sameDeepMembers(
          peers.map(({ address, id, kind }) => [id, address.toString(), kind]),
          [
            [idOf(2), `${there}:7680`, "Internet"],
            [idOf(3), "[2001:db8::3]:7680", "Internet"]
          ]
        )
      })
    )

    spec.effect("keeps a group to itself, wherever its members are", () =>
      Effect.gen(function* () {
        const { join } = yield* ArrayRole
        const group = { scope: "Group", groupId: 'ä "quoted" group' } as const
        yield* join(joining(3, 1))
        yield* join(joining(3, 2, group), there)
        yield* join(joining(3, 3, { ...group, groupId: "other" }))
        const { peers } = yield* join(joining(3, 4, group))
        assert.deepStrictEqual(
          peers.map(({ id, kind }) => [id, kind]),
          [[idOf(2), "Group"]]
        )
      })
    )

    spec.effect("hands out as many as are wanted", () =>
      Effect.gen(function* () {
        const { join } = yield* ArrayRole
        for (let n = 1; n <= 30; n++) yield* join(joining(4, n))
        const handout = yield* join(joining(4, 1, { peersWanted: 7 }))
        assert.strictEqual(new Set(idsOf(handout)).size, 7)
        assert.strictEqual(handout.candidates, 29)
      })
    )

    spec.effect("forgets who leaves, if it leaves from where it joined", () =>
      Effect.gen(function* () {
        const { join, leave } = yield* ArrayRole
        const leaving = new LeaveRequest({ contentId: contentOf(5), peerId: idOf(1) })
        yield* join(joining(5, 1))
        yield* leave(leaving, there)
        assert.deepStrictEqual(idsOf(yield* join(joining(5, 2))), [idOf(1)])
        yield* leave(leaving)
        yield* leave(leaving)
        assert.deepStrictEqual(idsOf(yield* join(joining(5, 2))), [])
      })
    )

    spec.effect("leases a piece to one, and refuses whom there is no room for", () =>
      Effect.gen(function* () {
        const { lease } = yield* ArrayRole
        const reply = yield* lease(leasing(6, 1))
        assert.deepStrictEqual(reply.runs, [{ first: 0, count: 1 }])
        assert.isAbove(Duration.toMillis(reply.again), 0)
        assert.deepStrictEqual((yield* lease(leasing(6, 1, { keep: reply.runs, seq: 1 }))).runs, reply.runs)
        const refused = yield* Effect.flip(lease(leasing(7, 1, { pieceCount: 100_000, held: new Uint8Array(12_500) })))
        assert.strictEqual(refused, "RequestRefused")
      })
    )

    spec.effect("has those last that others complain about", () =>
      Effect.gen(function* () {
        const { join } = yield* ArrayRole
        for (let n = 1; n <= 3; n++) yield* join(joining(8, n))
        const complaints = [{ peerId: idOf(1), reason: "Unreachable" }] as const
        let first = 0
        for (let n = 0; n < 40; n++) {
          const ids = idsOf(yield* join(joining(8, 2, { complaints })))
          assert.sameMembers(ids, [idOf(1), idOf(3)])
          if (ids[0] === idOf(1)) first++
        }
        assert.isBelow(first, 15)
      })
    )
  })
}

const raw = (url: string, tagOf: string, payload: unknown, isUsual: boolean) =>
  post(url, callOf(tagOf, payload, isUsual), { "x-forwarded-for": here })
const both = (url: string, tagOf: string, payload: unknown) =>
  Effect.all([raw(url, tagOf, payload, false), raw(url, tagOf, payload, true)])

/** The one number that is drawn. */
const withoutPause = (text: string) => text.replace(/"nextJoin":\d+/, "")

describe("The shortcut", () => {
  it.live("answers letter by letter what the role answers", () =>
    Effect.gen(function* () {
      const { url } = yield* service
      for (const request of [joining(1, 1), joining(1, 2), joining(1, 2, { scope: "Internet", left: 0 })]) {
        const [byRole, byShortcut] = yield* both(url, "Join", joinJson(request))
        assert.deepStrictEqual(
          { ...byShortcut, text: withoutPause(byShortcut.text) },
          { ...byRole, text: withoutPause(byRole.text) }
        )
      }
      const calls = [
        ["Lease", leaseJson(leasing(1, 1))],
        ["Lease", leaseJson(leasing(1, 2, { pieceCount: 100_000, held: new Uint8Array(12_500) }))],
        ["Leave", leaveJson(new LeaveRequest({ contentId: contentOf(1), peerId: idOf(1) }))]
      ] as const
      for (const [tag, payload] of calls) {
        const [byRole, byShortcut] = yield* both(url, tag, payload)
        assert.deepStrictEqual(byShortcut, byRole)
      }
    })
  )

  it.live("gives back what it cannot read, whole", () =>
    Effect.gen(function* () {
      const { url } = yield* service
      yield* raw(url, "Join", joinJson(joining(1, 1)), true)
      const large = { ...(joinJson(joining(1, 1)) as object), port: 0, more: "x".repeat(60_000) }
      for (const text of [
        "{",
        "null",
        "[]",
        callOf("Join", large, true),
        callOf("Nothing", {}, true),
        "ä".repeat(2000)
      ]) {
        const { status, text: answer } = yield* post(url, text, {})
        assert.isTrue(status === 200 || status === 500, `${status} ${text.slice(0, 20)}`)
        assert.notInclude(answer, '"Success"')
      }
      const { text } = yield* raw(url, "Join", joinJson(joining(1, 2)), true)
      assert.include(text, idOf(1))
    })
  )
})
