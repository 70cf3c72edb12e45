/** `Fills` in memory: an origin that counts what it sends piece by piece, for as long as its gate is open. */
import * as Bitfield from "@piecework/domain/Bitfield"
import type { ContentUrl } from "@piecework/domain/ContentUrl"
import { type PieceIndex, standard } from "@piecework/domain/PieceLayout"
import { type Answered, FillError, Fills } from "@piecework/fills/Fills"
import type { StoredObject } from "@piecework/objects/StoredObject"
import { PieceMissing } from "@piecework/objects/ObjectError"
import { Deferred, Effect, Latch, Layer, Stream } from "effect"

export interface File {
  bytes: Uint8Array
  readonly headers?: Readonly<Record<string, string>>
}

export interface MemoryFills {
  readonly layer: Layer.Layer<Fills>
  readonly files: Map<string, File | Answered | FillError>
  /** URLs that were opened, in order. */
  readonly opened: Array<string>
  /** Bytes that the origin sent. */
  readonly sent: () => number
  /** Bytes that readers' streams handed out. */
  readonly streamed: () => number
  /** Pieces come while it is open. */
  readonly gate: Latch.Latch
  readonly surrendered: () => number
  /** Readers' streams that are open. */
  readonly reading: () => number
  /** What came along with requests that had it. */
  readonly vias: Array<string>
  /** URLs that were asked for although they might lead to this machine. */
  readonly unguarded: Array<string>
  readonly logins: Array<string>
  /** Pieces that the drive says it holds and cannot read. */
  readonly damaged: Set<number>
  /** The gate closes once the origin has sent so many bytes. */
  stopAt: number
}

export const make = (files: Readonly<Record<string, File | Answered | FillError>>): MemoryFills => {
  const map = new Map(Object.entries(files))
  const gate = Latch.makeUnsafe(true)
  const opened: Array<string> = []
  let sent = 0
  let streamed = 0
  let reading = 0
  const vias: Array<string> = []
  const unguarded: Array<string> = []
  const damaged = new Set<number>()
  const logins: Array<string> = []
  let surrendered = 0
  const fills = new Map<ContentUrl, Answered>()

  const counted = <A, E>(stream: Stream.Stream<A, E>): Stream.Stream<A, E> =>
    Stream.ensuring(
      Stream.suspend(() => {
        reading++
        return stream
      }),
      Effect.sync(() => void reading--)
    )

  const fill = (url: ContentUrl, { bytes, headers = {} }: File): Answered => {
    const layout = standard(bytes.length)
    const pieces = new Map<PieceIndex, Deferred.Deferred<void>>()
    let held = Bitfield.empty(layout.pieceCount)
    let isSurrendered = false
    const spanOf = (piece: PieceIndex) => layout.span(piece)
    const failed = (reason: FillError["reason"]) => new FillError({ url, reason, detail: reason })
    const fetch = (piece: PieceIndex): Effect.Effect<void, FillError> =>
      Effect.suspend(() => {
        const known = pieces.get(piece)
        if (known !== undefined) return Deferred.await(known)
        if (isSurrendered) return Effect.fail(failed("Surrendered"))
        const arrived = Deferred.makeUnsafe<void>()
        pieces.set(piece, arrived)
        const arrive = Effect.sync(() => {
          sent += spanOf(piece).length
          if (sent >= made.stopAt) gate.closeUnsafe()
          held = Bitfield.add(held, piece)
          Deferred.doneUnsafe(arrived, Effect.void)
        })
        return Effect.andThen(
          Effect.forkDetach(Effect.andThen(gate.await, arrive), { startImmediately: true }),
          Deferred.await(arrived)
        )
      })
    const stored: StoredObject = {
      facts: () => ({ url, size: bytes.length, headers: new Map(), confirmedAt: 0, freshUntil: 0 }),
      layout,
      held: () => held,
      put: () => Effect.void,
      confirm: () => Effect.void,
      read: (piece, offset, target) =>
        Effect.suspend(() => {
          if (!Bitfield.has(held, piece) || damaged.has(piece)) return Effect.fail(new PieceMissing({ piece }))
          const start = spanOf(piece).offset + offset
          target.set(bytes.subarray(start, start + target.length))
          return Effect.void
        })
    }
    return {
      _tag: "Filled",
      facts: {
        url,
        size: bytes.length,
        headers: new Map(Object.entries(headers)),
        confirmedAt: 0,
        freshUntil: Number.MAX_SAFE_INTEGER
      },
      outcome: "Miss",
      held: () => held,
      isKept: true,
      place: Effect.succeed(stored),
      stored,
      read: ({ length, offset }, { chunk = 262_144 } = {}) =>
        counted(
          Stream.unfold(offset, (at) =>
            Effect.gen(function* () {
              if (at >= offset + length) return undefined
              const piece = Math.floor(at / layout.pieceSize) as PieceIndex
              yield* fetch(piece)
              const end = Math.min(offset + length, (piece + 1) * layout.pieceSize, at + chunk)
              streamed += end - at
              return [bytes.subarray(at, end), end] as const
            })
          ).pipe(Stream.rechunk(1))
        ),
      surrender: Effect.suspend(() => {
        surrendered++
        isSurrendered = true
        fills.delete(url)
        // What was under way still comes.
        return Effect.forEach(pieces.values(), Deferred.await, { discard: true })
      })
    }
  }

  const layer = Layer.succeed(Fills, {
    open: ({ authorization, isGuarded, url, via }) =>
      Effect.suspend(() => {
        opened.push(url)
        if (isGuarded !== true) unguarded.push(url)
        if (via !== undefined && via.includes(",")) vias.push(via)
        if (authorization !== undefined) logins.push(authorization)
        const file = map.get(url)
        if (file === undefined) {
          return Effect.succeed<Answered>({ _tag: "Refused", status: 404, headers: new Map(), outcome: "Miss" })
        }
        if (file instanceof FillError) return Effect.fail(file)
        if ("_tag" in file) return Effect.succeed(file)
        const known = fills.get(url)
        if (known !== undefined) return Effect.succeed<Answered>({ ...known, outcome: "Hit" } as Answered)
        const made = fill(url, file)
        fills.set(url, made)
        return Effect.succeed(made)
      }),
    forget: () => Effect.void,
    received: () => ({ origin: sent, parent: 0 })
  })
  const made: MemoryFills = {
    stopAt: Infinity,
    layer,
    files: map,
    opened,
    sent: () => sent,
    streamed: () => streamed,
    gate,
    surrendered: () => surrendered,
    reading: () => reading,
    vias,
    unguarded,
    damaged,
    logins
  }
  return made
}
