/** Contents that a service knows, and a swarm that has them whole: both as slow, as absent or as wrong as a test wants. */
import { PieceCache } from "@piecework/cache/PieceCache"
import type { ContentUrl } from "@piecework/domain/ContentUrl"
import { standard } from "@piecework/domain/PieceLayout"
import * as Phf from "@piecework/hashing/Phf"
import { ContentError, Contents, type Knowledge } from "@piecework/proxy/Contents"
import { hash } from "node:crypto"
import * as Bitfield from "@piecework/domain/Bitfield"
import { Effect, Latch, Layer, Stream } from "effect"

const made = new WeakMap<Uint8Array, Phf.Phf>()

export const phfOf = (bytes: Uint8Array): Phf.Phf => {
  const before = made.get(bytes)
  if (before !== undefined) return before
  const layout = standard(bytes.length)
  const digests = Buffer.concat(
    [...layout.indices()].map((piece) => {
      const { length, offset } = layout.span(piece)
      return hash("sha256", bytes.subarray(offset, offset + length), "buffer")
    })
  )
  const phf = Phf.make({ contentSize: bytes.length, digests: new Uint8Array(digests) })
  made.set(bytes, phf)
  return phf
}

export interface MemoryContents {
  readonly layer: Layer.Layer<Contents | PieceCache>
  /** The service answers while it is open. */
  readonly service: Latch.Latch
  /** What it says of URLs that are no contents of these. */
  readonly said: Map<string, Knowledge>
  readonly asked: () => number
  /** Bytes that the swarm sent. */
  readonly sent: () => number
  readonly opened: () => number
}

export const make = (contents: ReadonlyMap<string, Uint8Array>): MemoryContents => {
  const service = Latch.makeUnsafe(true)
  const said = new Map<string, Knowledge>()
  let asked = 0
  let sent = 0
  let opened = 0
  const layer = Layer.effect(
    Contents,
    Effect.gen(function* () {
      const cache = yield* PieceCache
      return Contents.of({
        known: (url: ContentUrl) =>
          Effect.andThen(
            Effect.andThen(
              Effect.sync(() => void asked++),
              service.await
            ),
            Effect.sync((): Knowledge => {
              const known = said.get(url)
              if (known !== undefined) return known
              const bytes = contents.get(url)
              if (bytes === undefined) return { _tag: "Unknown" }
              return { _tag: "Known", contentId: phfOf(bytes).contentId, size: bytes.length }
            })
          ),
        open: ({ url }) =>
          Effect.gen(function* () {
            opened++
            const bytes = contents.get(url)
            if (bytes === undefined) return yield* new ContentError({ url, reason: "Failed", detail: "nobody has it" })
            const failed = ({ message }: { readonly message: string }) =>
              new ContentError({ url, reason: "Failed", detail: message })
            const phf = phfOf(bytes)
            const store = yield* Effect.mapError(cache.open(phf), failed)
            const { layout } = phf
            return {
              size: bytes.length,
              read: ({ length, offset }) =>
                Stream.unfold(offset, (at) =>
                  Effect.gen(function* () {
                    if (at >= offset + length) return undefined
                    const piece = Math.floor(at / layout.pieceSize)
                    const index = [...layout.indices()][piece]
                    const span = index === undefined ? undefined : layout.span(index)
                    if (index === undefined || span === undefined) return undefined
                    if (!Bitfield.has(store.held(), index)) {
                      sent += span.length
                      yield* Effect.mapError(
                        store.put(index, bytes.subarray(span.offset, span.offset + span.length)),
                        failed
                      )
                    }
                    const end = Math.min(offset + length, span.offset + span.length)
                    return [bytes.subarray(at, end), end] as const
                  })
                ).pipe(Stream.rechunk(1))
            }
          })
      })
    })
  ).pipe(Layer.provideMerge(PieceCache.layerMemory))
  return { layer, service, said, asked: () => asked, sent: () => sent, opened: () => opened }
}
