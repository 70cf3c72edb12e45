/** Which contents an agent tells the service of, in `offers.json` of the state folder, so that `status` can say whose turn it is. */
import { ContentId } from "@piecework/domain/Content"
import type { Seeding } from "@piecework/download/Seeder"
import { Effect, Schema } from "effect"
import * as AgentNote from "./AgentNote.ts"

const Offer = Schema.Struct({
  contentId: ContentId,
  why: Schema.Literals(["Asked", "Turn", "Waiting"]),
  /** Epoch milliseconds: when its turn begins, or may be over. */
  until: Schema.optionalKey(Schema.Finite)
})
export type Offer = typeof Offer.Type

const note = AgentNote.make("offers.json", "offers", Schema.Array(Offer))

/** Keeps the file as long as it runs, and takes it away at the end. */
export const keepUp = (root: string, seeding: Seeding): Effect.Effect<never> =>
  note.keepUp(
    root,
    Effect.sync(() =>
      seeding
        .contents()
        .map(({ contentId, offer: { until, why } }): Offer =>
          until === undefined ? { contentId, why } : { contentId, why, until }
        )
    )
  )

/** What an agent that runs offers; nothing when none does. */
export const read = note.read
