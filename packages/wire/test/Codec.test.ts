import { assert, describe, it } from "@effect/vitest"
import { PieceLayout } from "@piecework/domain"
import { Codec, type Message, type WireError } from "@piecework/wire"
import { Arbitrary, Result, Schema } from "effect"
import { anyMessage, bytesOf, goldenMessages } from "./support.ts"

/** Reads a whole frame the way a reader of a socket does. */
const read = (bytes: Uint8Array): Result.Result<Message.Message, WireError.WireError> =>
  Result.flatMap(Codec.decodeHeader(bytes.subarray(0, 5)), ({ id, length }) =>
    id === undefined ? Result.succeed({ _tag: "KeepAlive" }) : Codec.decode(id, bytes.subarray(5), length)
  )

const byte = Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 255 })))

const block = <Tag extends "Request" | "Piece" | "Cancel">(_tag: Tag) => ({
  _tag,
  piece: PieceLayout.PieceIndex.make(7),
  offset: 1024,
  length: 512
})

const refusal = <A>(result: Result.Result<A, WireError.WireError>) => {
  const error = Result.getOrThrow(Result.flip(result))
  return [error.reason, error.offset]
}

describe("Codec", () => {
  for (const [bytes, message] of goldenMessages) {
    const tag = message["_tag"]
    it(`writes ${tag} as the protocol has it, and reads it back`, () => {
      assert.deepStrictEqual(Codec.encode(message), bytes)
      assert.deepStrictEqual(Result.getOrThrow(read(bytes)), message)
    })
  }

  it("tells a keep-alive from a header whose id has not come yet", () => {
    assert.deepStrictEqual(Result.getOrThrow(Codec.decodeHeader(bytesOf("00000000"))), { id: undefined, length: 0 })
    assert.deepStrictEqual(Result.getOrThrow(Codec.decodeHeader(bytesOf("00000005"))), { id: undefined, length: 5 })
  })

  it("takes the byte behind a keep-alive for the next frame's", () => {
    assert.isUndefined(Result.getOrThrow(Codec.decodeHeader(bytesOf("00000000 04"))).id)
  })

  it("lets a piece of 1 MiB through in one frame", () => {
    const header = Codec.encode({ ...block("Piece"), length: 1_048_576 })
    assert.strictEqual(Result.getOrThrow(Codec.decodeHeader(header)).length, 1_048_585)
  })

  it("refuses a frame that is one byte too long, and takes the longest", () => {
    assert.deepStrictEqual(refusal(Codec.decodeHeader(bytesOf("001f4001 07"))), ["TooLong", 0])
    assert.deepStrictEqual(refusal(Codec.decodeHeader(bytesOf("ffffffff"))), ["TooLong", 0])
    assert.isTrue(Result.isSuccess(Codec.decodeHeader(bytesOf("001f4000 07"))))
    assert.deepStrictEqual(refusal(Codec.decode(7, new Uint8Array(8), 2_048_001)), ["TooLong", 0])
  })

  it("refuses a header of less than four bytes", () => {
    for (let n = 0; n < 4; n++)
      assert.deepStrictEqual(refusal(Codec.decodeHeader(new Uint8Array(n))), ["ShortFrame", n])
  })

  for (const [bytes, message] of goldenMessages) {
    if (bytes.length <= 5) continue
    it(`refuses ${message["_tag"]} with a payload that ends too soon`, () => {
      const { id, length } = Result.getOrThrow(Codec.decodeHeader(bytes))
      for (let n = 5; n < bytes.length; n++) {
        const result = Codec.decode(id ?? -1, bytes.subarray(5, n), length)
        assert.deepStrictEqual(refusal(result), ["ShortFrame", n])
      }
    })
  }

  for (const [name, id, ...lengths] of [
    ["choke", 0, 2],
    ["unchoke", 1, 5],
    ["interested", 2, 2],
    ["not interested", 3, 2],
    ["have", 4, 1, 4, 6],
    ["request", 6, 1, 12, 14],
    ["piece", 7, 1, 8],
    ["cancel", 8, 1, 12, 14]
  ] as const) {
    it(`refuses a ${name} of another length`, () => {
      for (const length of lengths) {
        assert.deepStrictEqual(refusal(Codec.decode(id, new Uint8Array(length - 1), length)), ["BadLength", 5])
      }
    })
  }

  it("reads a piece from its first eight bytes, before the data", () => {
    const message = Codec.decode(7, bytesOf("00000001 00000400"), 9 + 512)
    assert.deepStrictEqual(Result.getOrThrow(message), { ...block("Piece"), piece: PieceLayout.PieceIndex.make(1) })
  })

  it("puts the header of a piece in front of data that lies in the same buffer", () => {
    const buffer = new Uint8Array(16).fill(0xee)
    Codec.writePieceHeader(buffer, { ...block("Piece"), length: 3 })
    assert.deepStrictEqual(buffer.subarray(0, 13), Codec.encode({ ...block("Piece"), length: 3 }))
    assert.deepStrictEqual([...buffer.subarray(13)], [0xee, 0xee, 0xee])
  })

  it.prop("reads back what it wrote", { message: anyMessage }, ({ message }) => {
    assert.deepStrictEqual(Result.getOrThrow(read(Codec.encode(message as Message.Message))), message)
  })

  it.prop(
    "answers any bytes with a message or a refusal, and never looks past the end",
    { bytes: Arbitrary.schema(Schema.Uint8Array), id: byte },
    ({ bytes, id }) => {
      for (const frame of [bytes, Uint8Array.of(0, 0, 0, bytes.length + 1, id, ...bytes)]) {
        const header = Codec.decodeHeader(frame)
        if (Result.isFailure(header) || header.success.id === undefined) continue
        const result = Codec.decode(header.success.id, frame.subarray(5), header.success.length)
        if (Result.isFailure(result)) {
          assert.isAtMost(result.failure.offset, frame.length)
          assert.isAbove(result.failure.message.length, 0)
        } else if (result.success["_tag"] === "Bitfield") {
          assert.strictEqual(result.success.bytes.length, header.success.length - 1)
        }
      }
    },
    { arbitrary: { runs: 500 } }
  )
})
