/** Files in memory: complete, and gone with the process. Bytes are copied in and out. */
import * as Bitfield from "@piecework/domain/Bitfield"
import type { ContentUrl } from "@piecework/domain/ContentUrl"
import * as PieceLayout from "@piecework/domain/PieceLayout"
import type { PieceIndex } from "@piecework/domain/PieceLayout"
import { type Lodged, leaving } from "@piecework/cache/DriveRules"
import { Clock, Effect, Option } from "effect"
import { ObjectError, PieceMissing } from "../ObjectError.ts"
import type { ObjectFacts } from "../ObjectFacts.ts"
import type { Objects } from "../Objects.ts"
import type { StoredObject } from "../StoredObject.ts"
import { checkFacts, checkSame, checkSpan } from "./limits.ts"

interface Kept extends Lodged {
  facts: ObjectFacts
  bytes: number
  usedAt: number
  uses: number
  isOpen: boolean
  openings: number
  readonly pieces: Map<PieceIndex, Uint8Array>
  held: Bitfield.Bitfield
  /** Whether it can still be found. */
  isThere: boolean
  readonly stored: StoredObject
}

/** `size`: the bytes that it may hold. */
export const makeMemory = (folder: string, size: number): Objects["Service"] => {
  const all = new Map<ContentUrl, Kept>()
  let used = 0

  const forget = (kept: Kept): void => {
    if (!kept.isThere) return
    kept.isThere = false
    all.delete(kept.facts.url)
    used -= kept.bytes
  }

  /** Whether so many bytes more fit, now that the least useful have left for them. */
  const hasRoom = (bytes: number, now: number): boolean => {
    const going = leaving({ lodged: all.values(), bytes: used + bytes - size, now })
    for (const kept of going) forget(kept)
    return used + bytes <= size
  }

  const make = (facts: ObjectFacts, now: number): Kept => {
    const layout = PieceLayout.standard(facts.size)
    const pieces = new Map<PieceIndex, Uint8Array>()
    const kept: Kept = {
      facts,
      bytes: 0,
      usedAt: now,
      uses: 0,
      isOpen: false,
      openings: 0,
      pieces,
      held: Bitfield.empty(layout.pieceCount),
      isThere: true,
      stored: {
        facts: () => kept.facts,
        layout,
        held: () => kept.held,
        put: Effect.fnUntraced(function* (piece, bytes) {
          const length = layout.length(piece)
          checkSpan(layout, piece, 0, Math.max(0, length))
          if (bytes.length < length) throw new RangeError(`${bytes.length} bytes for a piece of ${length}`)
          if (pieces.has(piece)) return
          const at = yield* Clock.currentTimeMillis
          // What cannot be found any more takes no room from others for long.
          if (kept.isThere && !hasRoom(length, at)) {
            return yield* new ObjectError({ at: kept.facts.url, reason: "Full", detail: `${length} bytes more` })
          }
          pieces.set(piece, bytes.slice(0, length))
          kept.held = Bitfield.add(kept.held, piece)
          kept.bytes += length
          if (kept.isThere) used += length
        }),
        read: Effect.fnUntraced(function* (piece, offset, target) {
          checkSpan(layout, piece, offset, target.length)
          const bytes = pieces.get(piece)
          if (bytes === undefined) return yield* new PieceMissing({ piece })
          target.set(bytes.subarray(offset, offset + target.length))
          kept.usedAt = yield* Clock.currentTimeMillis
        }),
        confirm: Effect.fnUntraced(function* (again) {
          checkSame(kept.facts, again)
          yield* checkFacts(again)
          kept.facts = again
        })
      }
    }
    return kept
  }

  const opened = (kept: Kept) =>
    Effect.acquireRelease(
      Effect.sync(() => {
        kept.openings++
        kept.isOpen = true
        return kept.stored
      }),
      () =>
        Effect.sync(() => {
          kept.openings--
          kept.isOpen = kept.openings > 0
        })
    )

  return {
    find: Effect.fnUntraced(function* (url) {
      const kept = all.get(url)
      if (kept === undefined) return Option.none()
      kept.uses++
      kept.usedAt = yield* Clock.currentTimeMillis
      return Option.some(yield* opened(kept))
    }),
    create: Effect.fnUntraced(function* (facts) {
      yield* checkFacts(facts)
      if (facts.size > size) {
        return yield* new ObjectError({ at: facts.url, reason: "TooLarge", detail: `${facts.size} of ${size} bytes` })
      }
      const before = all.get(facts.url)
      if (before !== undefined) forget(before)
      const kept = make(facts, yield* Clock.currentTimeMillis)
      all.set(facts.url, kept)
      return yield* opened(kept)
    }),
    remove: (url) =>
      Effect.sync(() => {
        const kept = all.get(url)
        if (kept !== undefined) forget(kept)
      }),
    list: Effect.sync(() =>
      [...all.values()].map(({ bytes, facts, usedAt, uses }) => ({
        facts,
        heldBytes: bytes,
        usedAt,
        uses,
        drive: folder
      }))
    ),
    drives: Effect.sync(() => [{ folder, size, used, problem: undefined }])
  }
}
