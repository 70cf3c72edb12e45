/** The bytes of a content that the service vouches for: verified pieces from the drive, and from the swarm what is missing. */
import type { StoredContent } from "@piecework/cache/StoredContent"
import type { Span } from "@piecework/domain/PieceLayout"
import type { ContentError, Opened } from "@piecework/proxy/Contents"
import { Effect, Stream } from "effect"
import * as Body from "./Body.ts"
import { largest } from "./Buffers.ts"
import type { OpenContent, OpenContentError } from "./OpenContents.ts"

/** `otherwise`: where its bytes come from when the swarm cannot be had. */
export const make = (
  { store, swarm }: OpenContent,
  otherwise: Effect.Effect<Body.Body, Body.BodyError>
): Body.Body => ({
  shelf: shelfOf(store),
  chunk: largest,
  stream: (part, chunk) =>
    Stream.unwrap(
      Effect.map(Effect.mapError(swarm, moved), (opened) => Stream.mapError(read(opened, part, chunk), moved))
    ),
  next: otherwise
})

const moved = (error: ContentError | OpenContentError): Body.BodyError | Body.Moved =>
  error.reason === "Halted" ? new Body.BodyError({ reason: "Halted", detail: error.message }) : new Body.Moved()

/** A reader of the swarm has a buffer of a piece, or of all that it reads if that is less: who may have little reads little at a time. */
const read = (opened: Opened, { length, offset }: Span, chunk: number): Stream.Stream<Uint8Array, ContentError> =>
  chunk >= largest || chunk >= length
    ? opened.read({ offset, length })
    : Stream.range(0, Math.ceil(length / chunk) - 1).pipe(
        Stream.flatMap((i) => opened.read({ offset: offset + i * chunk, length: Math.min(chunk, length - i * chunk) }))
      )

export const shelfOf = (store: StoredContent): Body.Shelf => ({
  layout: store.phf.layout,
  held: store.held,
  // What is damaged comes again from the swarm.
  read: (piece, offset, target) =>
    Effect.matchEffect(store.read(piece, offset, target), {
      onSuccess: () => Effect.succeed(true),
      onFailure: (error) => Effect.as(Effect.logDebug(error), false)
    })
})
