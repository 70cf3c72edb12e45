/** Contents that are read, held against the bytes that they are. */
import { assert } from "@effect/vitest"
import type { ByteRanges, Downloader } from "@piecework/download"
import { World } from "@piecework/testkit"
import { MemoryNetwork } from "@piecework/transport"
import { Effect, Stream } from "effect"

export type Range = ByteRanges.ByteRange

/** All of the range, each chunk copied before the next is pulled. */
export const read = (content: Downloader.OpenContent, range?: Range) =>
  Effect.map(
    Stream.runFold(
      content.read(range),
      () => [] as Array<Uint8Array>,
      (chunks, chunk) => {
        assert.isAtMost(chunk.length, 1_048_576)
        assert.isAbove(chunk.length, 0)
        chunks.push(chunk.slice())
        return chunks
      }
    ),
    (chunks) => Buffer.concat(chunks)
  )

export const partOf = (all: Uint8Array, { length, offset }: Range) =>
  all.subarray(offset, length === undefined ? undefined : offset + length)

/** Reads the range, or all, which are just these bytes. */
export const expectRead = (content: Downloader.OpenContent, all: Uint8Array, range?: Range) =>
  Effect.map(read(content, range), (got) => {
    const wanted = partOf(all, range ?? { offset: 0 })
    const text = `${JSON.stringify(range)} is read`
    assert.strictEqual(got.length, wanted.length, text)
    assert.strictEqual(Buffer.compare(got, wanted), 0, text)
  })

/** A world whose origin is behind a line of so many bytes a second. */
export const behindLine = (rate: number, pieceSize = 4096) => {
  const lines = [MemoryNetwork.line(rate)]
  return World.make({ pieceSize, network: { link: (from) => (from === World.originHost ? { lines } : {}) } })
}

/** Random numbers that a seed repeats: xorshift. */
export const diceOf = (seed: number) => {
  let state = (Math.imul(seed, 0x9e3779b1) ^ 0x85ebca6b) >>> 0 || 1
  /** A whole number from 0 to just below `n`. */
  return (n: number): number => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) % n
  }
}

/** Some range of a file of that size: short or long, to the end or not. */
export const someRange = (below: (n: number) => number, size: number): Range => {
  const offset = below(size)
  if (below(5) === 0) return { offset }
  const most = size - offset
  return { offset, length: 1 + below(below(2) === 0 ? most : Math.min(most, 9000)) }
}
