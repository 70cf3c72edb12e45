import { createHash, randomBytes } from "node:crypto"
import { readFile, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { assert, it } from "@effect/vitest"
import { Cloud, CloudConfig } from "@piecework/cloud"
import { JoinRequest } from "@piecework/cloud/ArrayRpcs"
import { PeerId } from "@piecework/domain/Peer"
import { standardPieceSize } from "@piecework/domain/PieceLayout"
import { TestPeer, World } from "@piecework/testkit"
import { Transport } from "@piecework/transport/Transport"
import { Effect, Layer } from "effect"
import { FetchHttpClient } from "effect/http"
import * as HttpOrigin from "./support/httpOrigin.ts"
import * as Programs from "./support/programs.ts"

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex")

const liar = PeerId.make("bad0".repeat(10))

it.live("a device that serves wrong bytes over a real socket is banned, and the file is right", () =>
  Effect.gen(function* () {
    const root = yield* Programs.folder
    const bytes = randomBytes(16 * standardPieceSize)
    const file = join(root, "published.bin")
    yield* Effect.promise(() => writeFile(file, bytes))
    // An origin that is slow until enough was asked of the liar.
    const origin = yield* HttpOrigin.make({ bytes, bytesPerSecond: standardPieceSize / 2 })
    let lies = 0
    const service = yield* Programs.service(join(root, "service"))
    yield* Programs.publish(file, origin.url, join(root, "service"))

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

    const out = join(root, "out")
    const place = ["-o", out, "--state", join(root, "state"), "--host", "127.0.0.1", "--port", "0"]
    const exit = yield* Programs.run("piecework", ["get", origin.url, "--service", service, "--json", ...place])
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
    assert.strictEqual(sha256(yield* Effect.promise(() => readFile(out))), sha256(bytes))
  })
)
