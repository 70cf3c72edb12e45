import { assert, describe, it } from "@effect/vitest"
import { Cloud, CloudConfig } from "@piecework/cloud"
import { ContentPolicyReply, Policies } from "@piecework/cloud/ContentPolicyRpcs"
import * as ContentUrl from "@piecework/domain/ContentUrl"
import { Peer, PeerId } from "@piecework/domain/Peer"
import { fromPeers } from "@piecework/domain/SourceKind"
import * as Explanation from "@piecework/ledger/Explanation"
import { Bans } from "@piecework/peers"
import { TestPeer, World } from "@piecework/testkit"
import { Transport } from "@piecework/transport/Transport"
import type { Message } from "@piecework/wire"
import { Context, Effect, Layer, Result } from "effect"
import { download } from "./downloads.ts"
import { within } from "./within.ts"

const bytes = World.bytesOf(30 * 4096)
const liarHost = "10.8.0.1"
const liarId = PeerId.make("f".repeat(40))

/** A world in which the service hands out one test peer beside the origin. */
const withPeer = (answer: (block: Message.Block) => Uint8Array, opening?: Uint8Array) =>
  Effect.gen(function* () {
    // A slow line to the origin, so that the peer is asked for much.
    const world = yield* World.make({
      network: { link: (from) => (from === World.originHost ? { latency: "200 millis" } : {}) }
    })
    const { url, phf } = yield* world.publish("/file", bytes)
    const peer = yield* TestPeer.make({
      host: liarHost,
      port: 7680,
      id: liarId,
      swarm: phf.hashOfHashes,
      layout: phf.layout,
      answer,
      opening
    }).pipe(Effect.provideService(Transport, world.network.transport(liarHost)))
    const policy = new ContentPolicyReply({
      contentId: phf.contentId,
      hashOfHashes: phf.hashOfHashes,
      phfUrls: [Result.getOrThrow(ContentUrl.parse(`http://${World.serviceHost}/phf/${phf.contentId}`))],
      contentUrls: [url],
      contentSize: bytes.length,
      peersAllowed: true,
      isSecure: false,
      isInternal: false,
      policies: new Policies({
        foregroundQosBps: 0,
        backgroundQosBps: 0,
        maxCacheAgeSeconds: 0,
        downloadToExpireSeconds: 0
      }),
      rank: 0
    })
    const cloud = Cloud.Cloud.layerTest({
      contents: [policy],
      peers: [new Peer({ id: liarId, address: peer.address, kind: "Lan" })]
    }).pipe(Layer.provide(CloudConfig.layer()))
    return { world, url, peer, client: yield* world.client({ cloud }) }
  })

const right = (block: Message.Block) => {
  const start = block.piece * 4096 + block.offset
  return bytes.slice(start, start + block.length)
}

describe("a peer", () => {
  it.effect("that serves right bytes is used", () =>
    Effect.gen(function* () {
      const { url, client } = yield* withPeer(right)
      const result = yield* download(client, { url }, bytes)
      assert.isAbove(fromPeers(result.bytes), bytes.length / 2)
      assert.deepStrictEqual(result.banned, [])
    })
  )

  it.effect("that serves wrong bytes is banned after its third bad piece, and the file is right", () =>
    Effect.gen(function* () {
      const { url, client, peer } = yield* withPeer((block) => right(block).map((byte) => byte ^ 1))
      const result = yield* download(client, { url }, bytes)
      assert.deepStrictEqual(result.banned, [liarId])
      assert.strictEqual(result.bytes.Origin, bytes.length)
      assert.isAtLeast(result.waste.bad, 3 * 4096)
      const bans = yield* Context.get(client.services, Bans.Bans).list
      assert.strictEqual(bans[0]?.device, liarId.slice(0, 32))
      assert.strictEqual(peer.connections(), 1)
    })
  )

  it.effect("that serves wrong bytes is named by the explanation as who had bytes downloaded in vain", () =>
    Effect.gen(function* () {
      const { url, client } = yield* withPeer((block) => right(block).map((byte) => byte ^ 1))
      const active = yield* client.start({ url })
      yield* within("1 minute", active.result)
      const { answer } = Explanation.of(active.ledger(), { isRunning: false, time: String })
      assert.match(answer, /^No bytes came from peers: 1 peer was connected, and what came was bad \(\d+ pieces with/)
      assert.match(answer, / were bad pieces of peer ffffffff at 10\.8\.0\.1:7680, now banned/)
    })
  )

  it.effect("that answers with blocks nobody asked for is dropped, and the file is right", () =>
    Effect.gen(function* () {
      const { url, client } = yield* withPeer((block) => right({ ...block, length: block.length + 1 }))
      const result = yield* download(client, { url }, bytes)
      assert.strictEqual(result.bytes.Origin, bytes.length)
    })
  )

  it.effect("that announces a frame of 4 GiB is dropped, and the file is right", () =>
    Effect.gen(function* () {
      const { url, client } = yield* withPeer(right, Uint8Array.of(0xff, 0xff, 0xff, 0xff, 7))
      const result = yield* download(client, { url }, bytes)
      assert.strictEqual(result.bytes.Origin, bytes.length)
    })
  )
})
