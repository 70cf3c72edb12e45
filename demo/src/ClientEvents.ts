/**
 * What a client that was started with `--events` says: a line of JSON several times a second, and one with the result.
 * Only the fields that the demo needs; others may be there. Sizes are bytes.
 */
import { BytesBySource } from "@piecework/domain/SourceKind"
import { Schema } from "effect"

export const Progress = Schema.Struct({
  phase: Schema.String,
  mode: Schema.String,
  /** Missing while no source has said it. */
  fileBytes: Schema.optional(Schema.Natural),
  heldBytes: Schema.Natural,
  received: BytesBySource,
  sent: Schema.Natural,
  /** Peers connected now. */
  peers: Schema.Natural
})
export interface Progress extends Schema.Schema.Type<typeof Progress> {}

/** Bytes that came in and were of no use. */
export const Waste = Schema.Struct({ bad: Schema.Natural, duplicate: Schema.Natural, cancelled: Schema.Natural })

export const Outcome = Schema.Struct({
  path: Schema.String,
  fileBytes: Schema.Natural,
  mode: Schema.String,
  why: Schema.Struct({ reason: Schema.String, detail: Schema.optional(Schema.String) }),
  /** Their sum is `fileBytes`. */
  bytes: BytesBySource,
  waste: Waste,
  durationMillis: Schema.Natural
})
export interface Outcome extends Schema.Schema.Type<typeof Outcome> {}

/** One line. Lines with neither field are for somebody else. */
export const ClientEvent = Schema.fromJsonString(
  Schema.Struct({ progress: Schema.optional(Progress), result: Schema.optional(Outcome) })
)
export type ClientEvent = typeof ClientEvent.Type

export const wasted = (outcome: Outcome): number =>
  outcome.waste.bad + outcome.waste.duplicate + outcome.waste.cancelled
