/**
 * Files by their URL as clients want them: what is kept is read from the drive, what is missing is fetched once for all who read it,
 * and is handed out while it arrives.
 */
import type { Bitfield } from "@piecework/domain/Bitfield"
import type { ContentUrl } from "@piecework/domain/ContentUrl"
import type { Span } from "@piecework/domain/PieceLayout"
import type { ObjectFacts } from "@piecework/objects/ObjectFacts"
import type { StoredObject } from "@piecework/objects/StoredObject"
import { BufferPool } from "@piecework/hashing/BufferPool"
import * as BufferPoolConfig from "@piecework/hashing/BufferPoolConfig"
import { Objects } from "@piecework/objects/Objects"
import { HttpClient } from "@piecework/sources/HttpClient"
import { Clock, Context, Effect, FiberSet, Layer, type Scope, type Stream, type Tracer } from "effect"
import type { FillError } from "./FillError.ts"
import { FillsConfig } from "./FillsConfig.ts"
import { Desk } from "./internal/Desk.ts"
import { ReadMemory } from "./internal/ReadMemory.ts"
import { Shop } from "./internal/Shop.ts"
import { Upstreams } from "./Upstreams.ts"

export { FillError } from "./FillError.ts"

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
  /** On its drive; `undefined` while its place there is made, and where no drive has room, so that it passes through. */
  readonly stored: StoredObject | undefined
  /** False once it is known that no drive takes more of it. */
  readonly isKept: boolean
  /** Waits until it is known whether a drive takes it: `stored` is what it will be then. */
  readonly place: Effect.Effect<StoredObject | undefined>
  /**
   * The bytes of the part in order, while they arrive; each chunk is valid until the next is pulled. Any number of readers, each at its
   * own speed; what is missing is fetched while somebody reads it, and a little ahead.
   */
  readonly read: (part: Span, options?: ReadOptions) => Stream.Stream<Uint8Array, FillError>
  /**
   * Ends the fetching after the pieces under way, for good: readers that want more fail with `Surrendered`. Over once nothing is
   * under way any more, neither from servers nor to the drive; whoever does not wait for that changes nothing.
   */
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
  /** Who had the request before, as Via says it: told to servers, so that a request that goes in a circle is seen. */
  readonly via?: string | undefined
  /** In which trace servers are asked for it, where that has to be. */
  readonly inside?: Tracer.AnySpan | undefined
  /** Its client named the origin, and not the operator: then it may not be this machine or its link, whatever its name resolves to. */
  readonly isGuarded?: boolean | undefined
  /** The client's own login: it goes to the origin with a request for this client alone, and the answer passes. */
  readonly authorization?: string | undefined
}

export class Fills extends Context.Service<
  Fills,
  {
    /** Answers as soon as there is something to say: for a file that is here at once, else with the head of its server's answer. */
    readonly open: (wanted: Wanted) => Effect.Effect<Answered, FillError, Scope.Scope>
    /** Who asks next is answered anew, also about a file that is open or was refused; whoever reads it goes on. */
    readonly forget: (url: ContentUrl) => Effect.Effect<void>
    /** Bytes that came from servers of files so far, by where: a live counter. */
    readonly received: () => { readonly origin: number; readonly parent: number }
  }
>()("@piecework/fills/Fills") {
  static readonly layer: Layer.Layer<Fills, never, HttpClient | Objects | Upstreams | FillsConfig> = Layer.effect(
    Fills,
    Effect.suspend(() => make)
  )
}

const make = Effect.gen(function* () {
  const config = yield* FillsConfig
  const clock = yield* Clock.Clock
  const scope = yield* Effect.scope
  // Of its own: readers that are slow must not keep downloads from their memory.
  const buffers = Layer.provide(
    Layer.fresh(BufferPool.layer),
    BufferPoolConfig.layer({ slots: Math.max(fewestBuffers, config.pieceBuffers) })
  )
  const shop = new Shop({
    config,
    client: yield* HttpClient,
    upstreams: yield* Upstreams,
    pool: Context.get(yield* Layer.build(buffers), BufferPool),
    memory: new ReadMemory(config.readMemory),
    now: () => clock.currentTimeMillisUnsafe(),
    scope,
    run: yield* FiberSet.makeRuntime<never, void>()
  })
  const desk = new Desk(shop, yield* Objects)
  return Fills.of({
    open: Effect.fn("Fills.open")((wanted: Wanted) => desk.open(wanted)),
    forget: (url) => Effect.sync(() => desk.forget(url)),
    received: () => shop.received()
  })
})

/** One that arrives, one that is kept, and one that slow readers hold back, with one to spare. */
const fewestBuffers = 4
