import { assert, describe, it } from "@effect/vitest"
import { Codec, Extension } from "@piecework/wire"
import { Arbitrary, Result, Schema } from "effect"
import golden from "./fixtures/extensions.json" with { type: "json" }
import { bytesOf } from "./support.ts"

const within = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))
const u32 = within(0, 0xffffffff)

const anyExtension = Arbitrary.schema(
  Schema.Union([
    Schema.Struct({ _tag: Schema.Literal("Wish") }),
    Schema.Struct({
      _tag: Schema.Literal("Receipt"),
      received: within(0, Number.MAX_SAFE_INTEGER),
      at: u32,
      held: u32
    }),
    Schema.Struct({
      _tag: Schema.Literal("Trace"),
      traceId: Schema.String.check(Schema.isPattern(/^[0-9a-f]{31}[1-9a-f]$/)),
      spanId: Schema.String.check(Schema.isPattern(/^[0-9a-f]{15}[1-9a-f]$/)),
      sampled: Schema.Boolean
    })
  ])
)

const receipt = bytesOf(golden.messages[1]?.hex ?? "").subarray(5)

describe("Extension", () => {
  for (const { hex, message } of golden.messages) {
    it(`writes ${message._tag} ${hex.slice(0, 2)}… as docs/protocol.md has it, and reads it back`, () => {
      const bytes = bytesOf(hex)
      assert.deepStrictEqual(Extension.encode(message as Extension.Extension), bytes)
      assert.deepStrictEqual(Extension.decode(bytes.subarray(5)), message as Extension.Extension)
    })
  }

  it("is a message of id 20 for those who know no more of it", () => {
    const frame = Extension.encode({ _tag: "Wish" })
    const { id, length } = Result.getOrThrow(Codec.decodeHeader(frame))
    const message = Codec.decode(id ?? -1, frame.subarray(5), length)
    assert.deepStrictEqual(Result.getOrThrow(message), { _tag: "Extension", length: 4 })
  })

  it("ignores what ends too soon, at any byte", () => {
    for (let n = 0; n < receipt.length; n++) assert.isUndefined(Extension.decode(receipt.subarray(0, n)))
  })

  it("ignores flags that it does not know", () => {
    const flagged = receipt.slice()
    flagged[3] = 0xff
    assert.deepStrictEqual(Extension.decode(flagged), Extension.decode(receipt))
  })

  it("ignores another mark, an unknown kind, and a count that is no exact number", () => {
    for (const [at, value] of [
      [0, 0x51],
      [1, 0x00],
      [2, 0],
      [2, 4],
      [4, 0xff],
      [5, 0x20]
    ] as const) {
      const changed = receipt.slice()
      changed[at] = value
      assert.isUndefined(Extension.decode(changed))
    }
  })

  it("ignores a place in a trace that ends too soon, or is none", () => {
    const place = bytesOf(golden.messages[3]?.hex ?? "").subarray(5)
    for (let n = 0; n < place.length; n++) assert.isUndefined(Extension.decode(place.subarray(0, n)))
    assert.isUndefined(Extension.decode(place.slice().fill(0, 4, 20)))
    assert.isUndefined(Extension.decode(place.slice().fill(0, 20, 28)))
  })

  it("reads what a later version makes longer, up to 64 bytes", () => {
    const longer = (length: number) => {
      const bytes = new Uint8Array(length)
      bytes.set(receipt)
      return Extension.decode(bytes)
    }
    assert.deepStrictEqual(longer(64), Extension.decode(receipt))
    assert.isUndefined(longer(65))
  })

  it.prop("reads back what it wrote", { message: anyExtension }, ({ message }) => {
    assert.deepStrictEqual(Extension.decode(Extension.encode(message).subarray(5)), message)
  })

  it.prop(
    "takes any bytes without a fault, marked as ours or not, wherever they lie in their memory",
    { bytes: Arbitrary.schema(Schema.Uint8Array), kind: Arbitrary.schema(within(0, 4)) },
    ({ bytes, kind }) => {
      for (const payload of [bytes, Uint8Array.of(0x50, 0x57, kind, ...bytes)]) {
        const message = Extension.decode(Uint8Array.of(7, ...payload).subarray(1))
        if (message?._tag === "Receipt") assert.isTrue(Number.isSafeInteger(message.received))
      }
    },
    { arbitrary: { runs: 500 } }
  )
})
