import { assert, describe, it } from "@effect/vitest"
import { JobError } from "../src/AgentError.ts"
import * as ByteFrames from "../src/ByteFrames.ts"

const token = "0123456789abcdef0123456789abcdef"

/** What a decoder makes of bytes that come in portions of so many. */
const decoded = (bytes: Uint8Array, portion: number) => {
  const decoder = ByteFrames.decoder()
  const views: Array<Uint8Array> = []
  let ending: ByteFrames.Ending | undefined
  for (let at = 0; at < bytes.length && ending === undefined; at += portion) {
    ending = decoder.push(bytes.subarray(at, at + portion), (view) => void views.push(view))
  }
  return { bytes: Buffer.concat(views), ending }
}

describe("A request for bytes", () => {
  for (const request of [
    { token, offset: 0, length: undefined },
    { token, offset: 5, length: 70_000 },
    { token, offset: Number.MAX_SAFE_INTEGER, length: undefined }
  ]) {
    it(`is the same after the line: ${ByteFrames.encodeRequest(request).trim()}`, () => {
      const line = ByteFrames.encodeRequest(request)
      assert.isAtMost(line.length, ByteFrames.longestRequest)
      assert.deepStrictEqual(ByteFrames.decodeRequest(line.trimEnd()), request)
    })
  }
  for (const line of [
    "",
    `read ${token} 0`,
    `read ${token} -1 -`,
    `read ${token.slice(1)} 0 -`,
    `read ${token} 9007199254740991 1`,
    `read ${token} 99999999999999999 -`,
    `READ ${token} 0 -`,
    `read ${token} 0 - `
  ]) {
    it(`is not "${line}"`, () => assert.isUndefined(ByteFrames.decodeRequest(line)))
  }
})

describe("Frames", () => {
  const content = Uint8Array.from({ length: 300 }, (_, n) => n % 256)
  const frames = [content.subarray(0, 1), content.subarray(1, 257), content.subarray(257)].flatMap((part) => [
    ByteFrames.head(part.length),
    part
  ])
  const error = new JobError({ code: 0x80190194, sentence: "The server answers with HTTP 404 – so." })

  it("bring their bytes in whatever portions they come, and say that they are complete", () => {
    const bytes = Buffer.concat([...frames, ByteFrames.end])
    for (let portion = 1; portion <= bytes.length; portion++) {
      const result = decoded(bytes, portion)
      assert.isTrue(result.bytes.equals(content))
      assert.deepStrictEqual(result.ending, { _tag: "Complete" })
    }
  })

  it("bring an error behind the bytes that came before it", () => {
    const bytes = Buffer.concat([...frames, ByteFrames.error(error)])
    for (let portion = 1; portion <= bytes.length; portion++) {
      const result = decoded(bytes, portion)
      assert.isTrue(result.bytes.equals(content))
      assert.deepStrictEqual(result.ending, { _tag: "Failed", error })
    }
  })

  it("that have not ended say nothing yet", () => {
    assert.isUndefined(decoded(Buffer.concat(frames), 7).ending)
  })

  it("that are none are told from others before room is made for them", () => {
    for (const bytes of [
      [0x00, 0x10, 0x00, 0x01],
      [0xff, 0xff, 0xff, 0xfe],
      [0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0],
      [0xff, 0xff, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff],
      [0xff, 0xff, 0xff, 0xff, 0, 0, 0, 2, 0x7b, 0x7d]
    ]) {
      assert.deepStrictEqual(decoded(Uint8Array.from(bytes), 3).ending, { _tag: "Garbled" })
    }
  })
})
