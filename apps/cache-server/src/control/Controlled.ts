/** What a running cache server answers its administrator. */
import { CacheError } from "@piecework/cache/CacheError"
import { PieceCache } from "@piecework/cache/PieceCache"
import * as CacheFigures from "@piecework/cachenode/Figures"
import * as Bitfield from "@piecework/domain/Bitfield"
import { ContentId } from "@piecework/domain/Content"
import type { ContentUrl } from "@piecework/domain/ContentUrl"
import { PieceIndex } from "@piecework/domain/PieceLayout"
import * as CacheHost from "@piecework/cachehosts/CacheHost"
import { Fills } from "@piecework/fills/Fills"
import type { ObjectError } from "@piecework/objects/ObjectError"
import { KnownContents } from "@piecework/objects/KnownContents"
import { Objects } from "@piecework/objects/Objects"
import { Clock, Effect, Option } from "effect"
import { Live } from "../Live.ts"
import { version } from "../version.ts"
import { ControlError, type Controlled } from "./ControlServer.ts"
import type { Checked, Done, File, ServiceStatus } from "./Status.ts"

export interface ControlledOptions {
  /** Epoch milliseconds. */
  readonly startedAt: number
  /** "HOST:PORT" each. */
  readonly shown: { readonly http: string; readonly https: string | undefined; readonly peers: string | undefined }
  /** Contents that are served to peers. */
  readonly seeding: () => number
  readonly service: () => ServiceStatus | undefined
}

const hour = 3_600_000

export const make = Effect.fn("Controlled.make")(function* (options: ControlledOptions) {
  const cache = yield* PieceCache
  const figures = yield* CacheFigures.Figures
  const fills = yield* Fills
  const known = yield* KnownContents
  const live = yield* Live
  const objects = yield* Objects

  const status = Effect.gen(function* () {
    const now = yield* Clock.currentTimeMillis
    const { closed, name, origins, parents } = live.inForce()
    const { http, https, peers } = options.shown
    const service = options.service()
    return {
      version,
      name,
      pid: process.pid,
      startedAt: options.startedAt,
      isServing: closed === undefined,
      http,
      ...(https === undefined ? {} : { https }),
      ...(peers === undefined ? {} : { peers }),
      origins,
      parents: parents.map(CacheHost.nameOf),
      drives: (yield* objects.drives).map(({ folder, problem, size, used }) => ({
        folder,
        size: Number.isFinite(size) ? size : 0,
        used,
        ...(problem === undefined ? {} : { problem })
      })),
      connections: figures.connections(),
      seeding: options.seeding(),
      sinceStart: doneOf(figures.total()),
      lastHour: doneOf(CacheFigures.sum(figures.minutesSince(now - hour))),
      ...(service === undefined ? {} : { service })
    }
  })

  const list = Effect.gen(function* () {
    const contents = yield* cache.list
    const files: ReadonlyArray<File> = [
      ...(yield* objects.list).map(({ drive, facts, heldBytes, usedAt, uses }) => ({
        url: facts.url,
        size: facts.size,
        heldBytes,
        usedAt,
        uses,
        drive
      })),
      ...contents.map(({ contentId, contentSize, heldBytes }) => ({ contentId, size: contentSize, heldBytes }))
    ]
    return { files }
  }).pipe(Effect.mapError(failed))

  const forget = Effect.fnUntraced(function* (what: string | undefined) {
    const { files } = yield* list
    // A URL may be that of a content.
    const named = what as ContentUrl | undefined
    const behind = named === undefined ? Option.none() : yield* known.find(named)
    const id = Option.getOrUndefined(behind)?.contentId ?? what
    if (named !== undefined) yield* known.forget(named)
    const those = what === undefined ? files : files.filter(({ contentId, url }) => url === what || contentId === id)
    if (what !== undefined && those.length === 0) {
      return yield* new ControlError({ sentence: `${what.slice(0, 200)} is not kept.`, status: 404 })
    }
    for (const { contentId, url } of those) {
      if (url !== undefined) {
        yield* Effect.mapError(objects.remove(url as ContentUrl), failed)
        yield* fills.forget(url as ContentUrl)
      }
      if (contentId !== undefined) yield* Effect.mapError(cache.drop(ContentId.make(contentId)), failed)
    }
    return { files: those.length, bytes: those.reduce((sum, { heldBytes }) => sum + heldBytes, 0) }
  })

  /** One after the other: clients come first. */
  const check = Effect.gen(function* () {
    let found: Checked = { files: 0, pieces: 0, bytes: 0, damaged: 0 }
    const add = (more: Checked): void => {
      found = {
        files: found.files + more.files,
        pieces: found.pieces + more.pieces,
        bytes: found.bytes + more.bytes,
        damaged: found.damaged + more.damaged
      }
    }
    const buffer = new Uint8Array(new SharedArrayBuffer(pieceBytes))
    for (const { facts } of yield* objects.list) add(yield* Effect.scoped(checkObject(facts.url, buffer)))
    for (const content of yield* cache.list) {
      const phf = yield* cache.load(content.contentId)
      if (Option.isSome(phf)) add(yield* Effect.scoped(checkContent(content.heldPieces, phf.value)))
    }
    return found
  }).pipe(Effect.mapError(failed))

  const checkObject = Effect.fnUntraced(function* (url: ContentUrl, buffer: Uint8Array) {
    const opened = yield* objects.find(url)
    if (Option.isNone(opened)) return nothing
    const { held, layout, read } = opened.value
    const sum = { files: 1, pieces: 0, bytes: 0, damaged: 0 }
    for (let i = 0; i < layout.pieceCount; i++) {
      const piece = PieceIndex.make(i)
      if (!Bitfield.has(held(), piece)) continue
      const length = layout.length(piece)
      const isGood = yield* read(piece, 0, buffer.subarray(0, length)).pipe(
        Effect.as(true),
        Effect.catchTag("PieceMissing", () => Effect.succeed(false))
      )
      sum.pieces++
      sum.bytes += length
      if (!isGood) sum.damaged++
    }
    return sum
  })

  const checkContent = Effect.fnUntraced(function* (heldPieces: number, phf: Parameters<typeof cache.open>[0]) {
    const store = yield* cache.open(phf)
    const good = Bitfield.count(yield* store.verifyHeld)
    return {
      files: 1,
      pieces: heldPieces,
      bytes: Math.min(heldPieces * phf.layout.pieceSize, phf.layout.contentSize),
      damaged: Math.max(0, heldPieces - good)
    }
  })

  return { status, list, forget, check } satisfies Controlled
})

const failed = (error: ObjectError | CacheError) => new ControlError({ sentence: error.message, status: 500 })

const nothing: Checked = { files: 0, pieces: 0, bytes: 0, damaged: 0 }

/** Of the longest piece: files are cut the standard way. */
const pieceBytes = 1_048_576

const doneOf = (counts: CacheFigures.Counts): Done => {
  const hitRatio = CacheFigures.hitRatio(counts)
  const efficiency = CacheFigures.efficiency(counts)
  return {
    hits: counts.hits,
    misses: counts.misses,
    ...(hitRatio === undefined ? {} : { hitRatio }),
    bytesOut: counts.bytesOut,
    bytesFromOrigin: counts.bytesFromOrigin,
    bytesFromParents: counts.bytesFromParent,
    bytesFromPeers: counts.bytesFromPeers,
    ...(efficiency === undefined ? {} : { efficiency })
  }
}
