/** The bytes of a file of which nobody vouches for the hashes, from the drive and from its servers. */
import type { Filled } from "@piecework/fills/Fills"
import { Effect, Stream } from "effect"
import * as Body from "./Body.ts"

/** `next`: where it goes on once it was surrendered. */
export const make = (
  filled: Filled,
  next: Effect.Effect<Body.Body, Body.BodyError> = movedToNowhere(filled)
): Body.Body => {
  let shelf: Body.Shelf | undefined
  return {
    // It gets its place on a drive while its first bytes go out.
    get shelf() {
      return (shelf ??= shelfOf(filled))
    },
    chunk: 262_144,
    stream: (part, chunk) =>
      Stream.mapError(filled.read(part, { chunk }), (error) =>
        error.reason === "Surrendered"
          ? new Body.Moved()
          : new Body.BodyError({ reason: "Broken", detail: error.message })
      ),
    next
  }
}

const movedToNowhere = ({ facts }: Filled) =>
  Effect.fail(new Body.BodyError({ reason: "Broken", detail: `${facts.url} was given up while it was read.` }))

export const shelfOf = ({ held, stored }: Filled): Body.Shelf | undefined =>
  stored === undefined
    ? undefined
    : {
        layout: stored.layout,
        held,
        // A drive that fails is no reason to fail: its server has the bytes.
        read: (piece, offset, target) =>
          Effect.matchEffect(stored.read(piece, offset, target), {
            onSuccess: () => Effect.succeed(true),
            onFailure: (error) => Effect.as(Effect.logDebug(error), false)
          })
      }

/** In the words of RFC 9211, section 2. */
export const cacheStatus = ({ isKept, outcome }: Filled): string => {
  const kept = isKept ? "; stored" : ""
  switch (outcome) {
    case "Hit":
      return "hit"
    case "Miss":
      return `fwd=uri-miss${kept}`
    case "Partial":
      return `fwd=partial${kept}`
    case "Revalidated":
      return "fwd=stale; fwd-status=304"
    case "Stale":
      return 'hit; detail="stale"'
  }
}
