/** What an agent says of why a download went as it did: the ledger of one that goes on, or that went through it. */
import { Schema } from "effect"
import { Rpc } from "effect/rpc"

const text = (most: number) => Schema.String.check(Schema.isMaxLength(most))

/** More downloads than an agent keeps the ledgers of. */
export const mostIds = 1024

/** A job, a content, a URL or a file; without a text the latest. */
export const Meant = Schema.Struct({
  text: Schema.optionalKey(text(4096)),
  /** Absolute: the text as a file. */
  path: Schema.optionalKey(text(4096))
})
export type Meant = typeof Meant.Type

export const Told = Schema.Struct({
  /** As `@piecework/ledger` writes it, which may be of another version. */
  ledger: text(65_536),
  isRunning: Schema.Boolean,
  /** Whole ids of which the text is a beginning, where it is no name by itself: with more than one nobody knows which is meant. */
  ids: Schema.optionalKey(Schema.Array(text(64)).check(Schema.isMaxLength(mostIds)))
})
export type Told = typeof Told.Type

/** `null`: it knows of no such download. */
export const Explain = Rpc.make("Explain", { payload: Meant, success: Schema.NullOr(Told) })
