/**
 * The file of known contents: a line for each thing that was remembered or forgotten, the later ones counting. A line is 16 hex digits of
 * the SHA-256 of the rest, a space, and JSON; half a line, and one that rotted, are none. Once most of the lines count no more, those
 * that do are written to another file, which takes the place of the first with one step.
 */
import { type DiskFile, IoFailure, io, makeRoot, openFile, readSmall, unless } from "@piecework/cache/Disk"
import { ContentId } from "@piecework/domain/Content"
import * as ContentUrl from "@piecework/domain/ContentUrl"
import { Effect, Exit, Option, Schema, Scope, Semaphore } from "effect"
import { hash } from "node:crypto"
import * as fs from "node:fs/promises"
import * as path from "node:path"
import type { Remembered } from "../KnownContents.ts"

/** A longer file is none of ours: it is begun anew. */
const mostFileBytes = 256 * 1024 * 1024

/** Lines that count no more are borne with up to so many bytes, and as many as those that do. */
const mostDead = 1024 * 1024

const Line = Schema.Struct({
  url: ContentUrl.ContentUrl,
  known: Schema.optionalKey(
    Schema.Struct({
      contentId: ContentId,
      size: Schema.Natural,
      headers: Schema.Array(Schema.Tuple([Schema.String, Schema.String])),
      rememberedAt: Schema.Finite
    })
  )
})

const decodeLine = Schema.decodeUnknownOption(Schema.fromJsonString(Line))

export interface FoundLine {
  readonly line: string
  readonly url: ContentUrl.ContentUrl
  /** `undefined`: it was forgotten. */
  readonly known: Remembered | undefined
}

export interface KnownLog {
  /** What earlier processes wrote, in order. */
  readonly found: ReadonlyArray<FoundLine>
  /** Writes a line, or all that count when there are too many others. A disk that refuses is told in the log. */
  readonly append: (
    line: string,
    live: { readonly bytes: () => number; readonly lines: () => ReadonlyArray<string> }
  ) => Effect.Effect<void>
}

export const none: KnownLog = { found: [], append: () => Effect.void }

const checksum = (json: string): string => hash("sha256", json, "hex").slice(0, 16)

export const lineOf = (url: ContentUrl.ContentUrl, known: Remembered | undefined): string => {
  const json = JSON.stringify({
    url,
    ...(known === undefined ? {} : { known: { ...known, headers: [...known.headers] } })
  } satisfies typeof Line.Encoded)
  return `${checksum(json)} ${json}\n`
}

/** The whole lines of these bytes that are as they were written. */
export const parse = (text: string): ReadonlyArray<FoundLine> => {
  const found: Array<FoundLine> = []
  for (const line of text.split("\n")) {
    const json = line.slice(17)
    if (json === "" || line.slice(0, 17) !== `${checksum(json)} `) continue
    const decoded = Option.getOrUndefined(decodeLine(json))
    if (decoded === undefined) continue
    const { known, url } = decoded
    found.push({
      line: `${line}\n`,
      url,
      known: known === undefined ? undefined : { ...known, headers: new Map(known.headers) }
    })
  }
  return found
}

export const open = Effect.fnUntraced(function* (folder: string): Effect.fn.Return<KnownLog, never, Scope.Scope> {
  const scope = yield* Effect.scope
  const place = path.join(path.resolve(folder), "known")
  const turn = Semaphore.makeUnsafe(1)
  let file: { readonly file: DiskFile; readonly scope: Scope.Closeable } | undefined
  /** Where the next line goes. */
  let end = 0
  let isTold = false

  const close = Effect.suspend(() => {
    const before = file
    file = undefined
    return before === undefined ? Effect.void : Scope.close(before.scope, Exit.void)
  })

  const reopen = Effect.gen(function* () {
    yield* close
    const own = yield* Scope.fork(scope)
    const opened = yield* Scope.provide(openFile(place, "own"), own).pipe(
      Effect.onError((cause) => Scope.close(own, Exit.failCause(cause)))
    )
    file = { file: opened, scope: own }
    end = opened.size
    return opened
  })

  const rewrite = Effect.fnUntraced(function* (lines: ReadonlyArray<string>) {
    const draft = `${place}.new`
    yield* io(async () => {
      await fs.rm(draft, { force: true, recursive: true })
      const made = await fs.open(draft, "wx", 0o600)
      try {
        await made.writeFile(lines.join(""))
        // A name that leads to what is not written yet could cost all of it with the power.
        await made.sync()
      } finally {
        await made.close()
      }
      await fs.rename(draft, place)
    })
    yield* reopen
  })

  /** A failure is told once, until it works again. */
  const surely = (work: Effect.Effect<void, IoFailure>): Effect.Effect<void> =>
    Effect.matchEffect(work, {
      onSuccess: () => Effect.sync(() => void (isTold = false)),
      onFailure: ({ code }) => {
        const tell = isTold
          ? Effect.void
          : Effect.logWarning("what the service knows cannot be written down", { file: place, code })
        isTold = true
        return Effect.andThen(close, tell)
      }
    })

  const append: KnownLog["append"] = (line, live) =>
    turn
      .withPermit(
        surely(
          Effect.gen(function* () {
            const own = file?.file ?? (yield* reopen)
            const bytes = Buffer.from(line)
            const counting = live.bytes()
            if (end + bytes.length - counting > Math.max(mostDead, counting)) return yield* rewrite(live.lines())
            yield* own.write(bytes, end)
            end += bytes.length
          })
        )
      )
      .pipe(Effect.uninterruptible)

  const readAll = makeRoot(path.dirname(place)).pipe(
    Effect.andThen(readSmall(path.dirname(place), "known", mostFileBytes)),
    Effect.map((bytes) => new TextDecoder().decode(bytes ?? new Uint8Array(0)))
  )
  let found: ReadonlyArray<FoundLine> = []
  yield* surely(
    Effect.gen(function* () {
      const text = yield* readAll
      found = parse(text)
      const lines = found.map(({ line }) => line)
      // Half a line would spoil the next one; what is no file of ours makes way.
      if (text !== "" && lines.join("") === text) return
      yield* io(async () => {
        const stats = await fs.lstat(place)
        if (!stats.isFile()) await fs.rm(place, { recursive: true, force: true })
      }).pipe(unless(["ENOENT"], undefined))
      yield* rewrite(lines)
    })
  )
  return { found, append }
})
