/** What the tests of this package share: the golden bytes, and arbitrary messages. */
import { Digest, PieceLayout } from "@piecework/domain"
import type { Message } from "@piecework/wire/Message"
import { Arbitrary, Schema } from "effect"
import golden from "./fixtures/messages.json" with { type: "json" }

export const bytesOf = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex.replaceAll(" ", ""), "hex"))

const Golden = Schema.Array(
  Schema.Struct({
    _tag: Schema.String,
    piece: Schema.optionalKey(PieceLayout.PieceIndex),
    offset: Schema.optionalKey(Schema.Natural),
    length: Schema.optionalKey(Schema.Natural),
    id: Schema.optionalKey(Schema.Natural),
    bytes: Schema.optionalKey(Schema.Array(Schema.Natural))
  })
)

/** Each message of the fixtures with its bytes. */
export const goldenMessages: ReadonlyArray<readonly [Uint8Array, Message]> = Schema.decodeUnknownSync(Golden)(
  golden.messages.map(({ message }) => message)
).map((message, i) => [
  bytesOf(golden.messages[i]?.hex ?? ""),
  (message.bytes === undefined ? message : { ...message, bytes: Uint8Array.from(message.bytes) }) as Message
])

export const goldenHandshake = {
  bytes: bytesOf(golden.handshake.hex),
  swarm: Digest.Digest.make(bytesOf(golden.handshake.swarm)),
  peer: golden.handshake.peer
}

const u32 = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 0xffffffff }))
const piece = u32.pipe(Schema.brand("PieceIndex"))
const short = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 2_047_991 }))
const block = { piece, offset: u32, length: u32 }

/** Any message that can be written whole or up to its data. */
export const anyMessage = Arbitrary.schema(
  Schema.Union([
    Schema.Struct({ _tag: Schema.Literals(["Choke", "Unchoke", "Interested", "NotInterested"]) }),
    Schema.Struct({ _tag: Schema.Literal("Have"), piece }),
    Schema.Struct({ _tag: Schema.Literal("Bitfield"), bytes: Schema.Uint8Array }),
    Schema.Struct({ _tag: Schema.Literals(["Request", "Cancel"]), ...block }),
    Schema.Struct({ _tag: Schema.Literal("Piece"), ...block, length: short }),
    Schema.Struct({ _tag: Schema.Literal("Extension"), length: short }),
    Schema.Struct({
      _tag: Schema.Literal("Unknown"),
      id: Schema.Int.check(Schema.isBetween({ minimum: 21, maximum: 255 })),
      length: short
    })
  ])
)
