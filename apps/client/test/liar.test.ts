import { createHash } from "node:crypto"
import { assert, it } from "@effect/vitest"
import { Cloud, CloudConfig } from "@piecework/cloud"
import { JoinRequest } from "@piecework/cloud/ArrayRpcs"
import { PeerId } from "@piecework/domain/Peer"
import { standardPieceSize } from "@piecework/domain/PieceLayout"
import { TestPeer, World } from "@piecework/testkit"
import { Transport } from "@piecework/transport/Transport"
import { Effect, Layer } from "effect"
import { FetchHttpClient } from "effect/http"
import * as Programs from "./support/programs.ts"
import * as Site from "./support/site.ts"

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex")

const liar = PeerId.make("bad0".repeat(10))

it.live("a device that serves wrong bytes over a real socket is banned, and the file is right", () =>
  Effect.gen(function* () {
    // An origin that is slow until enough was asked of the liar.
    const site = yield* Site.published({ length: 16 * standardPieceSize, bytesPerSecond: standardPieceSize / 2 })
    const { bytes, origin, service } = site
    let lies = 0
    const phf = World.phfOf(bytes, standardPieceSize)
    const peer = yield* TestPeer.make({
      host: "127.0.0.1",
      port: 0,
      id: liar,
      swarm: phf.hashOfHashes,
      layout: phf.layout,
      answer: ({ piece, offset, length }) => {
        const start = piece * standardPieceSize + offset
        lies += length
        if (lies >= 3 * standardPieceSize) origin.pace(8 * standardPieceSize)
        return bytes.subarray(start, start + length).map((byte) => byte ^ 1)
      }
    }).pipe(Effect.provide(Transport.layer))

    // The service is told that it holds everything, and hands it out.
    yield* Effect.gen(function* () {
      const cloud = yield* Cloud.Cloud
      const whereabouts = yield* cloud.whereabouts
      const [array] = yield* cloud.discover(whereabouts, phf.contentId)
      const { host, port } = peer.address
      yield* cloud.join(
        array.url,
        new JoinRequest({
          contentId: phf.contentId,
          peerId: liar,
          reportedIp: host,
          port,
          left: 0,
          event: "Started",
          scope: "Lan"
        })
      )
    }).pipe(
      Effect.provide(
        Cloud.Cloud.layer.pipe(Layer.provide([CloudConfig.layer({ serviceUrl: service }), FetchHttpClient.layer]))
      )
    )

    const exit = yield* Programs.run("piecework", site.get("one", "--json"))
    assert.strictEqual(exit.code, 0, exit.stderr)
    const result = JSON.parse(exit.stdout) as {
      readonly banned: ReadonlyArray<string>
      readonly bytes: { readonly [kind: string]: number }
      readonly waste: { readonly bad: number }
    }
    assert.deepStrictEqual(result.banned, [liar])
    assert.isAtLeast(result.waste.bad, 3 * standardPieceSize)
    assert.strictEqual(result.bytes["Origin"], bytes.length)
    assert.strictEqual(peer.connections(), 1)
    assert.include(exit.stderr, "banned")
    assert.strictEqual(sha256(yield* site.out("one")), sha256(bytes))
  })
)
