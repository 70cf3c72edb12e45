/**
 * A part of a file to a client, at its speed. What lies here goes from the drive into a pooled buffer and from there to the system; what is
 * still on its way goes from the memory it arrives in. A client that goes away ends it.
 */
import type { ServerResponse } from "node:http"
import type { PieceIndex, Span } from "@piecework/domain/PieceLayout"
import { Effect, Result, Stream } from "effect"
import * as Body from "./Body.ts"
import type { Buffers, Share } from "./Buffers.ts"
import { type ClientGone, Outlet } from "./Outlet.ts"
import type { Pace } from "./Pace.ts"

export interface Delivery {
  readonly response: ServerResponse
  readonly buffers: Buffers
  readonly body: Body.Body
  readonly part: Span
  readonly pace: Pace
  /** Called with the bytes of each chunk that the system is given. */
  readonly onSent: (bytes: number) => void
}

/** Chunks on the way while the next is read. */
const underWay = 1

/** Ends when the system has the last byte. */
export const send = ({
  body,
  buffers,
  onSent,
  pace,
  part,
  response
}: Delivery): Effect.Effect<void, Body.BodyError | ClientGone> =>
  Effect.acquireUseRelease(
    Effect.sync(() => buffers.join()),
    Effect.fnUntraced(function* (share) {
      const outlet = new Outlet(response)
      const end = part.offset + part.length
      let from = body
      const place = { at: part.offset }
      const sent = (bytes: number) => {
        place.at += bytes
        pace.took(bytes)
        onSent(bytes)
      }
      for (;;) {
        const { at } = place
        if (at >= end) break
        const { shelf } = from
        const next: Body.Stretch =
          shelf === undefined ? { from: "Stream", end } : Body.stretch(shelf.layout, shelf.held(), at, end)
        if (next.from === "Shelf" && shelf !== undefined) {
          const wasThere = yield* readShelf(shelf, at, next.end, { outlet, pace, share, sent })
          if (wasThere) continue
        }
        const streamed = yield* Effect.result(
          readStream(from, { offset: at, length: next.end - at }, { outlet, pace, share, sent })
        )
        if (Result.isSuccess(streamed)) continue
        if (streamed.failure._tag !== "Moved") return yield* Effect.fail(streamed.failure)
        from = yield* from.next
      }
      yield* outlet.until(0)
    }),
    (share) => Effect.sync(() => share.leave())
  )

interface Way {
  readonly outlet: Outlet
  readonly pace: Pace
  readonly share: Share
  readonly sent: (bytes: number) => void
}

/** The rest of the piece that `at` lies in, up to `end`, in as many chunks as memory wants; false where it is not there any more. */
const readShelf = Effect.fnUntraced(function* (
  { layout, read }: Body.Shelf,
  from: number,
  end: number,
  { outlet, pace, sent, share }: Way
): Effect.fn.Return<boolean, ClientGone> {
  const piece = Math.floor(from / layout.pieceSize)
  const start = piece * layout.pieceSize
  for (let at = from; at < end;) {
    yield* pace.turn
    yield* outlet.until(underWay)
    const held = share.take(end - at) ?? (yield* afterAll(outlet, () => share.take(end - at)))
    const target = held.buffer.subarray(0, Math.min(held.buffer.length, end - at))
    if (!(yield* read(piece as PieceIndex, at - start, target))) {
      held.free()
      return false
    }
    outlet.write(target, held.free)
    sent(target.length)
    at += target.length
  }
  return true
})

const readStream = (
  body: Body.Body,
  part: Span,
  { outlet, pace, sent, share }: Way
): Effect.Effect<void, Body.BodyError | Body.Moved | ClientGone> =>
  Effect.acquireUseRelease(
    Effect.suspend(() => {
      const wanted = Math.min(part.length, body.chunk)
      const room = share.lease(wanted)
      return room === undefined ? afterAll(outlet, () => share.lease(wanted)) : Effect.succeed(room)
    }),
    ({ size }) =>
      Stream.runForEach(body.stream(part, size), (chunk) => {
        outlet.write(chunk, () => undefined)
        sent(chunk.length)
        // The chunk's memory is the stream's again with the next.
        return Effect.andThen(outlet.until(0), pace.turn)
      }),
    ({ free }) => Effect.sync(free)
  )

/** Once all that was sent is the system's, one's own part of the memory is free. */
const afterAll = <A>(outlet: Outlet, take: () => A | undefined): Effect.Effect<A, ClientGone> =>
  Effect.flatMap(outlet.until(0), () => {
    const taken = take()
    return taken === undefined ? Effect.die(new Error("A reader's own memory is not free.")) : Effect.succeed(taken)
  })
