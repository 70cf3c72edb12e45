/** What is live in the swarms, as a page asks for it: by the handlers in this process, and at a real service over real sockets. */
import { assert, describe, it } from "@effect/vitest"
import { JoinRequest } from "@piecework/cloud/ArrayRpcs"
import { layerInProcess } from "@piecework/cloud/Caller"
import { paths } from "@piecework/cloud/Role"
import type { ContentId } from "@piecework/domain/Content"
import { PeerId } from "@piecework/domain/Peer"
import { GroupNaming } from "@piecework/swarm/GroupNaming"
import * as SwarmConfig from "@piecework/swarm/SwarmConfig"
import * as SwarmHandlers from "@piecework/swarm/SwarmHandlers"
import { path, SwarmRpcs } from "@piecework/swarm/SwarmRpcs"
import { Swarms } from "@piecework/swarm/Swarms"
import { Context, Effect, Layer, Schedule, Schema } from "effect"
import { FetchHttpClient, HttpClient, HttpClientRequest } from "effect/http"
import { RpcClient, type RpcClientError, type RpcGroup, RpcSerialization, RpcTest } from "effect/rpc"
import { contentId as text, post } from "../Local.ts"
import { make } from "./Operators.ts"

const contentId = text as ContentId
const idOf = (n: number) => PeerId.make(String(n).padStart(40, "0"))
const named = "0123456789abcdef"
const naming = Layer.succeed(GroupNaming, { of: (id) => Effect.succeed(id === "Bonn/2" ? named : "f".repeat(16)) })

const joining = (n: number, more?: Partial<ConstructorParameters<typeof JoinRequest>[0]>) =>
  new JoinRequest({
    contentId,
    peerId: idOf(n),
    reportedIp: "127.0.0.1",
    port: 7000 + n,
    left: 1000,
    event: "Started",
    scope: "Lan",
    ...more
  })

/** A service, as devices and operators see it. */
interface Site {
  readonly join: (request: JoinRequest) => Effect.Effect<void>
  readonly ask: RpcClient.RpcClient<RpcGroup.Rpcs<typeof SwarmRpcs>, RpcClientError.RpcClientError>
}

const reader = layerInProcess({ identity: { _tag: "Operator", id: "me", scopes: ["Read"] } })

const inMemory = Effect.gen(function* () {
  const built = yield* Layer.build(
    Layer.merge(SwarmHandlers.layer, reader).pipe(
      Layer.provideMerge(Swarms.layerEmbedded.pipe(Layer.provide(SwarmConfig.layer()))),
      Layer.provide(naming)
    )
  )
  const swarms = Context.get(built, Swarms)
  const ask = yield* Effect.provideContext(RpcTest.makeClient(SwarmRpcs), built)
  const site: Site = { ask, join: (request) => Effect.asVoid(Effect.orDie(swarms.join(request, "127.0.0.1"))) }
  return site
})

const encode = Schema.encodeSync(JoinRequest)

const overHttp = Effect.gen(function* () {
  const { tokenFor, url } = yield* make({ groups: naming })
  const { token } = yield* tokenFor("Read")
  const services = yield* Layer.build(Layer.merge(FetchHttpClient.layer, RpcSerialization.layerJson))
  const http = Context.get(services, HttpClient.HttpClient).pipe(
    HttpClient.mapRequest(HttpClientRequest.prependUrl(url + path)),
    HttpClient.mapRequest(HttpClientRequest.bearerToken(token))
  )
  const protocol = yield* Effect.provideContext(RpcClient.makeProtocolHttp(http), services)
  const ask = yield* Effect.provideService(RpcClient.make(SwarmRpcs), RpcClient.Protocol, protocol)
  const site: Site = { ask, join: (request) => Effect.asVoid(post(url + paths.Array, "Join", encode(request))) }
  return site
})

/** Bulletins come every two seconds. */
const until = <A, E>(asked: Effect.Effect<A, E>, isSo: (answer: A) => boolean) =>
  asked.pipe(Effect.repeat({ until: isSo, schedule: Schedule.spaced("100 millis") }), Effect.timeout("30 seconds"))

for (const [name, site] of [
  ["in memory", inMemory],
  ["over HTTP", overHttp]
] as const) {
  describe(`What is live ${name}`, () => {
    it.live("is nothing where nobody is, and no swarm to look into", () =>
      Effect.gen(function* () {
        const { ask } = yield* site
        assert.deepInclude(yield* ask.Totals(), { devices: 0, swarms: 0, members: 0 })
        assert.deepStrictEqual((yield* ask.Live({ skip: 0, most: 10, order: "Members" })).swarms, [])
        const unknown = yield* Effect.flip(ask.Inside({ contentId, most: 10 }))
        assert.strictEqual(unknown._tag, "SwarmUnknown")
      })
    )

    it.live("is who is there, how far they are and who feeds whom; a group by what operators call it", () =>
      Effect.gen(function* () {
        const { ask, join } = yield* site
        yield* join(joining(1, { left: 0 }))
        yield* join(joining(2))
        yield* join(joining(3, { scope: "Group", groupId: "Bonn/2" }))
        const fed = { fedBy: [{ peerId: idOf(1), bytes: 600 }], contentSize: 1000, left: 400, downloaded: 600 }
        yield* join(joining(2, { ...fed, event: "Periodic" }))

        const totals = yield* until(ask.Totals(), ({ members }) => members === 3)
        assert.deepInclude(totals, { runners: 1, devices: 1, swarms: 2, complete: 1 })
        const listed = yield* ask.Live({ skip: 0, most: 10, order: "Members" })
        assert.deepStrictEqual(
          listed.swarms.map(({ group, members }) => [group, members]),
          [
            [undefined, 2],
            [named, 1]
          ]
        )
        const { members, swarm } = yield* ask.Inside({ contentId, most: 10 })
        assert.deepStrictEqual([swarm.bytes.peers, swarm.members], [600, 2])
        assert.deepStrictEqual(
          members.map(({ fedBy, percent }) => [percent, fedBy.map(({ bytes, peerId }) => [peerId, bytes])]),
          [
            [100, []],
            [60, [[idOf(1), 600]]]
          ]
        )
        assert.isAbove((yield* ask.History({})).length, 0)

        const group = yield* ask.Inside({ contentId, group: named, most: 10 })
        assert.deepStrictEqual(
          [group.swarm.group, group.members.map(({ peerId, scope }) => [peerId, scope])],
          [named, [[idOf(3), "Group"]]]
        )
        const unknown = yield* Effect.flip(ask.Inside({ contentId, group: "0".repeat(16), most: 10 }))
        assert.strictEqual(unknown._tag, "SwarmUnknown")
      })
    )
  })
}
