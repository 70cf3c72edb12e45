/**
 * Pieces that came from a file's servers, given to the content that the file turned out to be: each is hashed against what the service vouches
 * for, so what the servers had otherwise is seen here.
 */
import type { StoredContent } from "@piecework/cache/StoredContent"
import * as Bitfield from "@piecework/domain/Bitfield"
import type { Span } from "@piecework/domain/PieceLayout"
import type { Filled } from "@piecework/fills/Fills"
import { Effect } from "effect"
import * as Body from "./Body.ts"
import * as FilledBody from "./FilledBody.ts"

/** Same: all that was there is of the content. Other: something is not. Failed: a drive refuses. */
export type Donated = "Same" | "Other" | "Failed"

/** Gives what the one holds and the other does not. */
export const give = Effect.fn("Donation.give")(function* (filled: Filled, store: StoredContent) {
  const shelf = FilledBody.shelfOf(filled)
  if (shelf === undefined) return "Failed"
  const { layout } = store.phf
  let buffer: Uint8Array | undefined
  for (const piece of layout.indices()) {
    const span = layout.span(piece)
    if (Bitfield.has(store.held(), piece) || !Body.isHere(shelf, span)) continue
    // In shared memory it is hashed and written by another thread.
    buffer ??= new Uint8Array(new SharedArrayBuffer(layout.pieceSize))
    if (!(yield* readAll(shelf, span, buffer))) continue
    const put = yield* Effect.match(store.put(piece, buffer), {
      onSuccess: (): Donated => "Same",
      onFailure: ({ _tag }): Donated => (_tag === "PieceMismatch" ? "Other" : "Failed")
    })
    if (put !== "Same") return put
  }
  return "Same"
}) satisfies (filled: Filled, store: StoredContent) => Effect.Effect<Donated>

const readAll = Effect.fnUntraced(function* (
  { layout, read }: Body.Shelf,
  { length, offset }: Span,
  target: Uint8Array
) {
  for (let at = offset; at < offset + length;) {
    const index = Math.floor(at / layout.pieceSize)
    const piece = layout.index(index)
    if (piece._tag === "None") return false
    const inside = at - index * layout.pieceSize
    const size = Math.min(layout.length(piece.value) - inside, offset + length - at)
    if (!(yield* read(piece.value, inside, target.subarray(at - offset, at - offset + size)))) return false
    at += size
  }
  return true
})
