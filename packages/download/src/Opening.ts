/**
 * Opens a content to be read while it arrives. What it is decides how, as for a download (`FirstLook`): of a content that the services vouch
 * for each reader gets verified pieces from the cache, into which the swarm brings what is read first; of any other each reader has
 * a request at the origin. A content that the cache has whole is read from there, and nobody is asked for anything.
 */
import * as Bitfield from "@piecework/domain/Bitfield"
import type { PieceIndex } from "@piecework/domain/PieceLayout"
import { total } from "@piecework/domain/SourceKind"
import * as ContentTerms from "@piecework/policy/ContentTerms"
import { LivePolicy, also } from "@piecework/policy/LivePolicy"
import { CurrentPriority, Shaper } from "@piecework/shaping/Shaper"
import type { OriginKind } from "@piecework/sources/Origin"
import * as Spans from "@piecework/telemetry/Spans"
import { Clock, Duration, Effect, Exit, Latch, RcMap, Result, Scope, Stream } from "effect"
import * as Accounts from "./Accounts.ts"
import * as ByteRanges from "./ByteRanges.ts"
import type { ByteRange } from "./ByteRanges.ts"
import * as Connections from "./Connections.ts"
import * as ContentReader from "./ContentReader.ts"
import { CurrentLedger } from "./CurrentLedger.ts"
import { DownloadConfig } from "./DownloadConfig.ts"
import { type DownloadError, HaltedError, ModeError, NoSourceError } from "./DownloadError.ts"
import { type OpenRequest, priorityOf } from "./DownloadRequest.ts"
import * as FirstLook from "./FirstLook.ts"
import * as Keeping from "./Keeping.ts"
import * as Meter from "./Meter.ts"
import type { OpenContent } from "./OpenContent.ts"
import * as OriginReader from "./OriginReader.ts"
import * as Origins from "./Origins.ts"
import type { Place } from "./Readers.ts"
import { settle, type Shared } from "./Shared.ts"
import * as Recording from "./Recording.ts"
import { Standing } from "./Standing.ts"
import * as Storage from "./Storage.ts"
import * as SwarmDownload from "./SwarmDownload.ts"
import * as Terms from "./Terms.ts"
import * as Told from "./Told.ts"

type Found<T extends FirstLook.Found["_tag"]> = Extract<FirstLook.Found, { _tag: T }>

/** What is being opened. */
interface Opened {
  readonly accounts: Accounts.Accounts
  readonly request: OpenRequest
  readonly shared: Shared
  readonly keeping: Keeping.Keeping
  readonly origins: Origins.Origins
  readonly meter: Meter.Meter
  readonly standing: Standing
  /** Epoch milliseconds. */
  readonly began: number
  readonly recording: Recording.Recording
}

export const open = Effect.fn("Downloader.open")(function* (request: OpenRequest, shared: Shared) {
  const { mode } = request
  const meter = yield* Connections.metered(() => standing.contentId ?? request.url)
  const began = yield* Clock.currentTimeMillis
  const standing = new Standing({ request, began, meter, shaper: yield* Shaper })
  // First, so that these end last.
  const accounts = yield* Accounts.make(request, standing, request.path ?? "")
  const keeping = yield* Keeping.make(shared.keeper, { beside: request.path })
  const scope = yield* Scope.fork(yield* Effect.scope)
  const asked = { ...request, asker: request.asker ?? { door: "open" as const } }
  const recording = yield* Scope.provide(Recording.begin(asked, began, standing), scope)
  const origins = yield* Effect.provideService(
    Origins.make(request, meter, began, shared.cacheHosts),
    CurrentLedger,
    recording.recorder
  )
  standing.cache = origins.cache
  const opened: Opened = { accounts, request, shared, keeping, origins, meter, standing, began, recording }

  const opening = Effect.gen(function* () {
    if (mode === "Bypass") return yield* new ModeError({ mode: "bypass" })
    if (origins.problem !== undefined) return yield* origins.problem
    const looked = yield* FirstLook.take(request, shared.cloud, origins, standing, true)
    const found = yield* FirstLook.asChecked(request, looked)
    return yield* found._tag === "Swarm" ? fromSwarm(opened, found) : overHttp(opened, found)
  })
  const span = yield* Spans.scoped(Spans.names.download, Told.options(request, standing)).pipe(Scope.provide(scope))
  return yield* (
    span === undefined ? opening : Effect.withParentSpan(opening, span, { captureStackTrace: false })
  ).pipe(
    Scope.provide(scope),
    Effect.provideService(CurrentLedger, recording.recorder),
    Effect.onExit((exit) => (Exit.isFailure(exit) ? recording.ended(exit) : Effect.void)),
    // What could not be opened ends here and now, not with the scope of the caller.
    Effect.onError((cause) => Scope.close(scope, Exit.failCause(cause)))
  )
})

const overHttp = Effect.fnUntraced(function* (opened: Opened, found: Found<"Simple">) {
  const { accounts, meter, origins, request, standing } = opened
  const { first, why } = found
  const { origin, probe } = first
  standing.settle({ mode: "Simple", why })
  standing.fileBytes = probe.size
  yield* standing.enter("Fetching")
  let requested = 0
  let handedOut = 0
  standing.asked = () => ({ requested, held: handedOut })
  yield* Effect.addFinalizer(() =>
    Effect.sync(() => accounts.ended(probe.size !== undefined && handedOut > 0 && handedOut >= probe.size))
  )
  const patience = Duration.fromInputUnsafe((yield* DownloadConfig).noProgressTimeout)
  let isTaken = false

  const read = (range: ByteRange | undefined): Stream.Stream<Uint8Array, DownloadError> =>
    Stream.suspend(() => {
      const { size } = probe
      if (range === undefined && size === 0) return Stream.empty
      const span = spanOf(range, size ?? Infinity)
      if (Result.isFailure(span)) return Stream.fail(span.failure)
      const { end, start } = span.success
      requested += end === Infinity ? 0 : end - start
      const onRead = (kind: OriginKind, bytes: number) => {
        // Of a file without a known end as much is asked for as there is.
        if (end === Infinity) requested += bytes
        handedOut += bytes
        meter.kept(kind, bytes, true)
      }
      const isAnother = isTaken || start > 0
      isTaken ||= !isAnother
      const until = end === Infinity ? undefined : end
      return OriginReader.stream({ origin, probe, isAnother, start, end: until, patience, onRead })
    }).pipe(Stream.provideService(CurrentPriority, priorityOf(request)))

  return {
    size: probe.size,
    contentId: undefined,
    get facts() {
      return origins.facts()
    },
    progress: () => standing.progress(),
    read
  } satisfies OpenContent
})

const fromSwarm = Effect.fnUntraced(function* (opened: Opened, found: Found<"Swarm">) {
  const { accounts, keeping, meter, origins, request, shared, standing } = opened
  const { phf, policies } = found
  const { contentId, layout } = phf
  const isWhole = request.isWhole ?? true
  const policy = yield* LivePolicy
  const settled = settle(request, found, policy.current())
  standing.settle(settled)
  standing.isOf(phf)
  yield* accounts.named(contentId)
  // Room is made for what is fetched in any case.
  const part = isWhole ? undefined : ByteRanges.partOf([], layout)
  const { noteComplete, store } = yield* keeping.open(phf, policies, part)
  const readers = yield* RcMap.get(shared.contents, contentId)
  const terms = Terms.of(policies)
  const ledger = opened.recording.recorder
  ledger.sized(layout.pieceCount, layout.pieceSize)
  yield* standing.enter("Fetching")

  /** Pieces that the meter knows of, and those that were asked for, by index. */
  const counted = new Uint8Array(layout.pieceCount)
  const asked = new Uint8Array(isWhole ? 0 : layout.pieceCount)
  const sums = { requested: isWhole ? layout.contentSize : 0, held: 0 }
  standing.asked = () => sums
  const count = (piece: PieceIndex) => {
    if (counted[piece] === 1) return false
    counted[piece] = 1
    sums.held += layout.length(piece)
    return true
  }
  const countCached = (piece: PieceIndex) => {
    if (!count(piece)) return
    meter.kept("LocalCache", layout.length(piece), true)
    ledger.found(piece)
  }
  const places = new Set<Place>()
  let failure: DownloadError | undefined
  const onReading = (place: Place) => {
    // It may have failed while the reader came.
    place.failure ??= failure
    if (isWhole) return
    const { count: ahead, first } = place
    for (let piece = first; piece < first + ahead; piece++) {
      if (asked[piece] === 1) continue
      asked[piece] = 1
      sums.requested += layout.length(piece as PieceIndex)
    }
  }

  const fail = (error: DownloadError) => {
    failure ??= error
    for (const place of places) {
      place.failure = failure
      place.wake?.()
    }
  }

  /** Noted down as a download is, once all of it is here. */
  const note = Effect.gen(function* () {
    yield* noteComplete
    const now = yield* Clock.currentTimeMillis
    const result = standing.result(phf, request.path ?? "", now)
    if (total(result.bytes) === result.bytes.LocalCache) return
    yield* accounts.complete(result, now)
    accounts.ended(true)
  })
  // Of one that is read in parts nobody says when the last has come.
  if (!isWhole) {
    yield* Effect.addFinalizer(() => (Bitfield.count(store.held()) === layout.pieceCount ? note : Effect.void))
  }

  const session = Effect.gen(function* () {
    const held = yield* Effect.mapError(store.verifyHeld, Storage.fromCache)
    for (const piece of Bitfield.pieces(held)) countCached(piece)
    const { began } = opened
    const { cloud, halts } = shared
    const swarm = yield* SwarmDownload.start({
      began,
      cloud,
      halts,
      held,
      meter,
      mode: settled.mode,
      origins,
      store,
      terms,
      url: request.url,
      priority: priorityOf(request),
      readers,
      onKept: (piece) => void count(piece),
      ...(isWhole ? {} : { wanted: Bitfield.empty(layout.pieceCount), isLasting: true })
    }).pipe(Effect.provideService(LivePolicy, also(policy, ContentTerms.said(terms))))
    standing.swarm = swarm
    yield* swarm.complete
    yield* standing.enter("Done")
    yield* opened.recording.ended(Exit.void)
    yield* note
  })
  const swarmScope = yield* Scope.fork(yield* Effect.scope)
  /** Open once a reader misses something, and from the beginning where all is to be fetched. */
  const missing = yield* Latch.make(isWhole && Bitfield.count(store.held()) < layout.pieceCount)
  const fetching = Effect.andThen(
    missing.await,
    isWhole
      ? readers.inTurn(Scope.provide(session, swarmScope))
      : // Another download has the turn in between, and brings what is read meanwhile.
        Effect.forever(readers.meanwhile(Effect.scoped(session)))
  )
  const halted = Effect.andThen(
    shared.halts.halted(contentId, () => true),
    Effect.fail(new HaltedError({ url: request.url }))
  )
  yield* Effect.raceFirst(Effect.andThen(fetching, Effect.never), halted).pipe(
    Effect.catch((error) => {
      fail(error)
      return opened.recording.ended(Exit.fail(error))
    }),
    // A bug must not look like bytes that do not come.
    Effect.catchDefect((defect) =>
      Effect.map(Effect.logError("a content that is read failed in an unforeseen way", defect), () =>
        fail(
          new NoSourceError({ url: request.url, reason: "Defect", detail: "an unforeseen failure, which was logged" })
        )
      )
    ),
    // It serves nobody any more.
    Effect.andThen(Scope.close(swarmScope, Exit.void)),
    Effect.forkScoped
  )

  const read = (range: ByteRange | undefined): Stream.Stream<Uint8Array, DownloadError> =>
    Stream.suspend(() => {
      if (failure !== undefined) return Stream.fail(failure)
      const span = spanOf(range, layout.contentSize)
      if (Result.isFailure(span)) return Stream.fail(span.failure)
      return ContentReader.stream({
        store,
        readers,
        places,
        span: span.success,
        onReading,
        onMissing: () => missing.openUnsafe(),
        onRead: countCached
      })
    })

  return {
    size: layout.contentSize,
    contentId,
    get facts() {
      return origins.facts()
    },
    progress: () => standing.progress(),
    read
  } satisfies OpenContent
})

/** The range as a place in a file of that size, which may be infinite while nobody said it. */
const spanOf = (range: ByteRange | undefined, size: number) =>
  range === undefined
    ? Result.succeed<ByteRanges.Span>({ start: 0, end: size })
    : Result.map(ByteRanges.resolve([range], size), ([span]) => span ?? { start: 0, end: size })
