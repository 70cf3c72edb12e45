/**
 * Serves what the cache holds, for as long as its scope is open: joins the swarm of every content, lets peers in, and
 * looks at the cache again from time to time, so that what other processes fetched is served as well.
 */
import { type CachedContent, PieceCache } from "@piecework/cache/PieceCache"
import type { CacheError } from "@piecework/cache/CacheError"
import { Cloud } from "@piecework/cloud/Cloud"
import type { ContentId } from "@piecework/domain/Content"
import { PeerAddress } from "@piecework/domain/Peer"
import * as Bitfield from "@piecework/domain/Bitfield"
import { PeerHost } from "@piecework/peers/PeerHost"
import type { PeerSession } from "@piecework/peers/PeerSession"
import type { Scope as SwarmScope } from "@piecework/cloud/Fields"
import { Context, type Duration, Effect, FiberMap, Layer, Option, Ref, Schedule, type Scope } from "effect"
import { DownloadConfig } from "./DownloadConfig.ts"
import * as Membership from "./Membership.ts"
import { Records } from "./Records.ts"

export interface SeededContent {
  readonly contentId: ContentId
  readonly contentSize: number
  readonly heldBytes: number
  /** Peers connected now. */
  readonly peers: number
  /** Content bytes sent since the seeder started. */
  readonly sent: number
}

export interface Seeding {
  readonly contents: () => ReadonlyArray<SeededContent>
}

export interface SeederOptions {
  readonly scope: SwarmScope
  /** How often the cache is looked at. Default 10 s. */
  readonly rescan?: Duration.Input | undefined
}

export class Seeder extends Context.Service<
  Seeder,
  {
    /** Fails when the cache cannot be read at the start; later failures are logged and looked at again. */
    readonly start: (options: SeederOptions) => Effect.Effect<Seeding, CacheError, Scope.Scope>
  }
>()("@piecework/download/Seeder") {
  /** A `Cloud` in the context is told what is served; without one only peers that know us find it. */
  static readonly layer: Layer.Layer<Seeder, never, DownloadConfig | PeerHost | PieceCache | Records> = Layer.effect(
    Seeder,
    Effect.gen(function* () {
      const context = yield* Effect.context<DownloadConfig | PeerHost | PieceCache | Records>()
      const cloud = yield* Effect.serviceOption(Cloud)
      return Seeder.of({ start: (options) => Effect.provide(start(options, cloud), context) })
    })
  )
}

/** One content while it is served. */
interface Entry {
  /** What the cache's record said when it was opened; another number means that somebody else added to it. */
  readonly claimed: number
  readonly content: CachedContent
  readonly sessions: Set<PeerSession>
  /** Bytes sent by sessions that ended. */
  readonly sent: Ref.Ref<number>
}

const sentBy = (entry: Entry): number =>
  [...entry.sessions].reduce((sum, session) => sum + session.counters().sent, Ref.getUnsafe(entry.sent))

const start = Effect.fn("Seeder.start")(function* (options: SeederOptions, cloud: Option.Option<Cloud["Service"]>) {
  const cache = yield* PieceCache
  const serving = yield* FiberMap.make<ContentId, void>()
  const entries = new Map<ContentId, Entry>()

  const rescan = Effect.gen(function* () {
    const contents = new Map((yield* cache.list).map((content) => [content.contentId, content]))
    for (const [id, entry] of entries) {
      if (contents.get(id)?.heldPieces === entry.claimed) continue
      yield* FiberMap.remove(serving, id)
      entries.delete(id)
    }
    for (const [id, content] of contents) {
      if (entries.has(id) || content.heldPieces === 0) continue
      const entry: Entry = {
        claimed: content.heldPieces,
        content,
        sessions: new Set(),
        sent: yield* Ref.make(0)
      }
      entries.set(id, entry)
      yield* FiberMap.run(serving, id, serve(entry, options.scope, cloud))
    }
  })

  yield* rescan
  yield* rescan.pipe(
    Effect.catch((error) => Effect.logWarning(error.message)),
    Effect.repeat(Schedule.spaced(options.rescan ?? "10 seconds")),
    Effect.delay(options.rescan ?? "10 seconds"),
    Effect.forkScoped
  )
  return {
    contents: () =>
      [...entries.values()].map((entry) => ({
        contentId: entry.content.contentId,
        contentSize: entry.content.contentSize,
        heldBytes: entry.content.heldBytes,
        peers: entry.sessions.size,
        sent: sentBy(entry)
      }))
  }
})

/** How often what was sent is noted down. */
const noteEvery = "1 minute"

const serve = Effect.fnUntraced(
  function* (entry: Entry, scope: SwarmScope, cloud: Option.Option<Cloud["Service"]>) {
    const cache = yield* PieceCache
    const host = yield* PeerHost
    const records = yield* Records
    const config = yield* DownloadConfig
    const { contentId } = entry.content
    const phf = yield* cache.load(contentId)
    // Its hashes are damaged: nothing can be served until somebody fetches them again.
    if (Option.isNone(phf)) return yield* Effect.never
    const store = yield* cache.open(phf.value)

    yield* host.serve({
      phf: phf.value,
      store,
      onSession: (session) =>
        Effect.gen(function* () {
          entry.sessions.add(session)
          yield* session.closed
        }).pipe(
          Effect.ensuring(
            Effect.suspend(() => {
              entry.sessions.delete(session)
              return Ref.update(entry.sent, (sum) => sum + session.counters().sent)
            })
          )
        )
    })

    const noted = yield* Ref.make(0)
    const note = Effect.gen(function* () {
      const sum = sentBy(entry)
      const before = yield* Ref.getAndSet(noted, sum)
      yield* records.addSent(contentId, sum - before)
    }).pipe(Effect.catch((error) => Effect.logWarning(error.message)))
    yield* Effect.addFinalizer(() => note)
    yield* Effect.forkScoped(Effect.repeat(note, Schedule.spaced(noteEvery)))

    if (Option.isSome(cloud)) {
      const whereabouts = yield* cloud.value.whereabouts.pipe(
        Effect.tapError((error) => Effect.logDebug(error.message)),
        Effect.retry(Schedule.min([Schedule.exponential("1 second"), Schedule.spaced("1 minute")]))
      )
      yield* Effect.provideService(
        Membership.join({
          contentId,
          url: undefined,
          self: host.self,
          address: new PeerAddress({ host: config.reportedHost ?? host.address.host, port: host.address.port }),
          scope,
          groupId: config.groupId,
          peersWanted: 0,
          whereabouts,
          standing: Effect.sync(() => ({
            uploaded: sentBy(entry),
            downloaded: 0,
            fromOrigin: 0,
            fromCache: 0,
            left: missing(store.held(), entry)
          })),
          onHandout: () => Effect.void
        }),
        Cloud,
        cloud.value
      )
    }
    return yield* Effect.never
  },
  Effect.scoped,
  (effect, entry) =>
    Effect.catchTag(effect, "CacheError", (error) =>
      Effect.logWarning(error.message).pipe(Effect.annotateLogs({ content: entry.content.contentId }))
    )
)

/** Bytes of the content that are not held. */
const missing = (held: Bitfield.Bitfield, entry: Entry): number =>
  Bitfield.isFull(held) ? 0 : Math.max(1, entry.content.contentSize - entry.content.heldBytes)
