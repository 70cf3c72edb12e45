import { assert, describe, it } from "@effect/vitest"
import { Digest, Peer } from "@piecework/domain"
import { Handshake } from "@piecework/wire"
import { Arbitrary, Result, Schema } from "effect"
import { goldenHandshake } from "./support.ts"

const handshake = { swarm: goldenHandshake.swarm, peer: Peer.PeerId.make(goldenHandshake.peer) }

const refusal = (bytes: Uint8Array) => {
  const error = Result.getOrThrow(Result.flip(Handshake.decode(bytes)))
  return [error.reason, error.offset]
}

const changed = (at: number, value: number) => {
  const bytes = goldenHandshake.bytes.slice()
  bytes[at] = value
  return bytes
}

describe("Handshake", () => {
  it("has the 75 bytes that the protocol has", () => {
    assert.strictEqual(goldenHandshake.bytes.length, 75)
    assert.deepStrictEqual(Handshake.encode(handshake), goldenHandshake.bytes)
    assert.deepStrictEqual(Result.getOrThrow(Handshake.decode(goldenHandshake.bytes)), handshake)
  })

  it("takes any 8 bytes behind the name, as their meaning is not public", () => {
    for (let at = 15; at < 23; at++) {
      assert.deepStrictEqual(Result.getOrThrow(Handshake.decode(changed(at, 0xff))), handshake)
    }
  })

  it("refuses another name, at the byte where it differs", () => {
    for (let at = 0; at < 15; at++) assert.deepStrictEqual(refusal(changed(at, 0x7f)), ["BadProtocolName", at])
    const bitTorrent = Uint8Array.from(Buffer.from("\u0013BitTorrent protocol".padEnd(75, "\0"), "latin1"))
    assert.deepStrictEqual(refusal(bitTorrent), ["BadProtocolName", 0])
  })

  it("refuses bytes that end before it is complete", () => {
    for (let n = 0; n < 75; n++)
      assert.deepStrictEqual(refusal(goldenHandshake.bytes.subarray(0, n)), ["ShortFrame", n])
  })

  it("keeps nothing of the memory that it was read from", () => {
    const bytes = goldenHandshake.bytes.slice()
    const read = Result.getOrThrow(Handshake.decode(bytes))
    bytes.fill(0)
    assert.deepStrictEqual(read, handshake)
  })

  it("leaves what follows alone", () => {
    const more = Uint8Array.of(...goldenHandshake.bytes, 0, 0, 0, 1, 2)
    assert.deepStrictEqual(Result.getOrThrow(Handshake.decode(more)), handshake)
  })

  it.prop(
    "reads back what it wrote",
    { seed: Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 0xffffffff }))) },
    ({ seed }) => {
      const swarm = Digest.Digest.make(Uint8Array.from({ length: 32 }, (_, i) => (seed >>> (i & 31)) & 0xff))
      const peer = Peer.idOf(Peer.deviceOf(handshake.peer), seed)
      assert.deepStrictEqual(Result.getOrThrow(Handshake.decode(Handshake.encode({ swarm, peer }))), { swarm, peer })
      for (const kind of Peer.PeerKind.literals) {
        const said = { swarm, peer, kind }
        assert.deepStrictEqual(Result.getOrThrow(Handshake.decode(Handshake.encode(said))), said)
      }
    }
  )

  it.prop("answers any bytes with a handshake or a refusal", { bytes: Schema.Uint8Array }, ({ bytes }) => {
    const result = Handshake.decode(bytes)
    if (Result.isFailure(result)) assert.isAtMost(result.failure.offset, bytes.length)
    else assert.isAtLeast(bytes.length, Handshake.byteLength)
  })
})
