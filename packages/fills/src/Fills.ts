/**
 * Files by their URL as clients want them: what is kept is read from the drive, what is missing is fetched once for all who read it,
 * and is handed out while it arrives.
 */
import type { Bitfield } from "@piecework/domain/Bitfield"
import type { ContentUrl } from "@piecework/domain/ContentUrl"
import type { Span } from "@piecework/domain/PieceLayout"
import type { ObjectFacts } from "@piecework/objects/ObjectFacts"
import type { StoredObject } from "@piecework/objects/StoredObject"
import { Context, type Effect, Schema, type Scope, type Stream } from "effect"

export class FillError extends Schema.TaggedError<FillError>()("FillError", {
  url: Schema.String,
  reason: Schema.Literals([
    /** No server of the file, parents included, answers. */
    "Unreachable",
    /** It did not answer in time, or stopped sending. */
    "TimedOut",
    /** What it says makes no sense: lengths, ranges, encodings. */
    "BadAnswer",
    /** Its server has another file now; what was read so far is of the old one. */
    "Changed",
    /** The reading goes on elsewhere: see `Filled.surrender`. */
    "Surrendered",
    "Failed"
  ]),
  detail: Schema.String
}) {
  override get message(): string {
    return `${this.url} could not be had: ${this.detail}.`
  }
}

/** Where an answer's bytes come from, in the words of RFC 9211. */
export type Outcome = "Hit" | "Miss" | "Partial" | "Revalidated" | "Stale"

/** Of bytes: what is read, and how much at a time. */
export interface ReadOptions {
  /** Bytes handed out at a time, at most. Default 262,144. */
  readonly chunk?: number | undefined
}

/** A file that can be answered for. */
export interface Filled {
  readonly _tag: "Filled"
  readonly facts: ObjectFacts
  readonly outcome: Outcome
  readonly held: () => Bitfield
  /** On its drive; `undefined` where no drive has room, so that it passes through. */
  readonly stored: StoredObject | undefined
  /**
   * The bytes of the part in order, while they arrive; each chunk is valid until the next is pulled. Any number of readers, each at its
   * own speed; what is missing is fetched while somebody reads it, and a little ahead.
   */
  readonly read: (part: Span, options?: ReadOptions) => Stream.Stream<Uint8Array, FillError>
  /** Ends the fetching after the pieces under way, for good: readers that want more fail with `Surrendered`. */
  readonly surrender: Effect.Effect<void>
}

/** What its server said instead of giving the file: kept for a while, so that it is not asked each time. */
export interface Refused {
  readonly _tag: "Refused"
  readonly status: number
  readonly headers: ReadonlyMap<string, string>
  readonly outcome: Outcome
}

/** What may not be kept (private, no-store, a length that nobody knows, not a file): as it comes, for this client alone. */
export interface Passing {
  readonly _tag: "Passing"
  readonly status: number
  readonly headers: ReadonlyMap<string, string>
  /** Bytes of the body, when its server said so. */
  readonly length: number | undefined
  /** The body of the answer to the very request that was made; to be read once. */
  readonly body: Stream.Stream<Uint8Array, FillError>
}

export type Answered = Filled | Refused | Passing

export interface Wanted {
  readonly url: ContentUrl
  /** The part that is wanted, which is what is fetched first; `undefined`: all of it. `length` absent: to the end; negative `offset`: the last bytes. */
  readonly part?: { readonly offset: number; readonly length?: number | undefined } | undefined
  /** HEAD: nothing is fetched. */
  readonly isHead?: boolean | undefined
}

export class Fills extends Context.Service<
  Fills,
  {
    /** Answers as soon as there is something to say: for a file that is here at once, else with the head of its server's answer. */
    readonly open: (wanted: Wanted) => Effect.Effect<Answered, FillError, Scope.Scope>
    /** Bytes that came from servers of files so far, by where: a live counter. */
    readonly received: () => { readonly origin: number; readonly parent: number }
  }
>()("@piecework/fills/Fills") {}
