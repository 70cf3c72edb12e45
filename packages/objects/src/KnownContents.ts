/**
 * Which content the service said that a URL has: remembered on disk, so that what is held can be answered for while the service is away.
 * It says what the service said last, not that it would say so now: how long that is good for is the caller's to decide.
 *
 * All of it is in memory too, bounded by number and bytes; what was remembered or found least lately is forgotten first. A disk that
 * fails costs what is remembered after the next start, and nothing else: it is logged and never fails a caller.
 */
import { ContentId } from "@piecework/domain/Content"
import type { ContentUrl } from "@piecework/domain/ContentUrl"
import { Clock, Context, Effect, Layer, Option } from "effect"
import * as KnownLog from "./internal/KnownLog.ts"
import { headersProblemOf } from "./internal/limits.ts"

export interface KnownContent {
  readonly contentId: ContentId
  /** Bytes. */
  readonly size: number
  /** What its origin says of the file to clients, by lower-case name; at most 16 KiB in all. */
  readonly headers: ReadonlyMap<string, string>
}

/** One with the time at which it was last remembered, epoch milliseconds. */
export interface Remembered extends KnownContent {
  readonly rememberedAt: number
}

export class KnownContents extends Context.Service<
  KnownContents,
  {
    /** In the place of what was remembered of the URL. With headers past their bounds nothing is. */
    readonly remember: (url: ContentUrl, known: KnownContent) => Effect.Effect<void>
    readonly find: (url: ContentUrl) => Effect.Effect<Option.Option<Remembered>>
    readonly forget: (url: ContentUrl) => Effect.Effect<void>
  }
>()("@piecework/objects/KnownContents") {
  /** In the file `known` of this folder, which is made when missing. */
  static readonly layer = (folder: string): Layer.Layer<KnownContents> =>
    Layer.effect(KnownContents, Effect.flatMap(KnownLog.open(folder), make))

  static readonly layerMemory: Layer.Layer<KnownContents> = Layer.effect(
    KnownContents,
    Effect.suspend(() => make(KnownLog.none))
  )
}

/** Most URLs remembered. */
export const mostKnown = 16_384

/** Most bytes of what is remembered of them, as written down. */
export const mostBytes = 16 * 1024 * 1024

interface Entry {
  readonly known: Remembered
  readonly line: string
}

const make = Effect.fnUntraced(function* (log: KnownLog.KnownLog): Effect.fn.Return<KnownContents["Service"]> {
  /** In the order in which they were asked for. */
  const all = new Map<ContentUrl, Entry>()
  let bytes = 0

  const drop = (url: ContentUrl): boolean => {
    const before = all.get(url)
    if (before === undefined) return false
    bytes -= before.line.length
    return all.delete(url)
  }
  const keep = (url: ContentUrl, entry: Entry): void => {
    drop(url)
    all.set(url, entry)
    bytes += entry.line.length
    for (const oldest of all.keys()) {
      if (all.size <= mostKnown && bytes <= mostBytes) break
      drop(oldest)
    }
  }
  const live = { bytes: () => bytes, lines: () => [...all.values()].map(({ line }) => line) }

  for (const { line, url, known } of log.found) {
    if (known === undefined) drop(url)
    else if (headersProblemOf(known.headers) === undefined) keep(url, { known, line })
  }

  return KnownContents.of({
    remember: Effect.fn("KnownContents.remember")(function* (url, { contentId, headers, size }) {
      const problem = headersProblemOf(headers)
      if (problem !== undefined) {
        return yield* Effect.logWarning(`what the service knows is not remembered: ${problem}`, { url })
      }
      const rememberedAt = yield* Clock.currentTimeMillis
      const known = { contentId, size, headers, rememberedAt }
      const line = KnownLog.lineOf(url, known)
      keep(url, { known, line })
      yield* log.append(line, live)
    }),
    find: (url) =>
      Effect.sync(() => {
        const entry = all.get(url)
        if (entry === undefined) return Option.none()
        keep(url, entry)
        return Option.some(entry.known)
      }),
    forget: Effect.fn("KnownContents.forget")(function* (url) {
      if (drop(url)) yield* log.append(KnownLog.lineOf(url, undefined), live)
    })
  })
})
