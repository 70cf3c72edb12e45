/**
 * What is remembered of a content beside its pieces, each by who alone writes it, so that nobody undoes what another wrote at the
 * same time:
 *
 * - `download`, JSON, by downloads: when it was complete, and what its policy says. The file's time is when it was last used;
 * - `wish`, JSON, by people: whether it is pinned, and when it expires;
 * - `use.<owner>`, empty: it is being downloaded or served. That of a process which is gone means nothing.
 *
 * None has to be there, as contents of older versions have none; one that is not what it should be counts as none.
 */
import type { ContentId } from "@piecework/domain/Content"
import { Clock, Effect, Option, Schema } from "effect"
import * as fs from "node:fs/promises"
import * as path from "node:path"
import type { ContentTerms } from "../CacheRules.ts"
import * as claims from "./claims.ts"
import { checkFolder, readSmall } from "./folders.ts"
import { type IoFailure, io, unless } from "./io.ts"
import { temporary } from "./names.ts"

/** Epoch milliseconds that a date can have. */
const Millis = Schema.Natural.check(Schema.isLessThanOrEqualTo(8.64e15))

const Download = Schema.Struct({
  completedAt: Schema.optionalKey(Millis),
  maxAge: Schema.optionalKey(Millis),
  expireAt: Schema.optionalKey(Millis),
  unfinishedFor: Schema.optionalKey(Millis)
})
type Download = typeof Download.Type

const Wish = Schema.Struct({ isPinned: Schema.Boolean, expiresAt: Schema.optionalKey(Millis) })
type Wish = typeof Wish.Type

/** Each has a hundred bytes or so; a larger one is none of ours. */
export const maxBytes = 4096

/** The files that outlive whoever wrote them. */
export const lasting = ["download", "wish"] as const

/** How long the mark of a process on another host, which cannot be asked, is believed; ms. */
const foreignMark = 86_400_000

const marks = /^use\.(.+)$/

export interface Note {
  /** Bytes that its pieces take on the disk. */
  readonly bytes: number
  /** When the download was complete, as far as anybody noted it down. */
  readonly completedAt: number | undefined
  /** When the last piece came. */
  readonly heldAt: number
  readonly usedAt: number
  readonly isPinned: boolean
  readonly expiresAt: number | undefined
  readonly policy: ContentTerms
  readonly isInUse: boolean
}

/** What others say of times, as a time that a date can have. */
const sound = (value: number | undefined): number | undefined =>
  value === undefined ? undefined : Math.min(8.64e15, Math.max(0, Math.round(value)))

const decodeDownload = Schema.decodeUnknownOption(Schema.fromJsonString(Download))
const decodeWish = Schema.decodeUnknownOption(Schema.fromJsonString(Wish))

export const make = (root: string) => {
  const folderOf = (id: ContentId) => path.join(root, id)

  const text = (id: ContentId, name: string) =>
    Effect.map(readSmall(folderOf(id), name, maxBytes), (bytes) =>
      bytes === undefined ? undefined : new TextDecoder().decode(bytes)
    )
  const download = (id: ContentId) =>
    Effect.map(text(id, "download"), (json) => Option.getOrUndefined(decodeDownload(json)))
  const wish = (id: ContentId) => Effect.map(text(id, "wish"), (json) => Option.getOrUndefined(decodeWish(json)))

  /** In the place of an older one, whole or not at all. A content that is gone has none. */
  const write = Effect.fnUntraced(function* (id: ContentId, name: string, value: Download | Wish, isForced: boolean) {
    yield* checkFolder(folderOf(id))
    const draft = path.join(folderOf(id), temporary(name))
    const put = async () => {
      const file = await fs.open(draft, "wx", 0o600)
      try {
        await file.writeFile(JSON.stringify(value))
        if (isForced) await file.sync()
      } finally {
        await file.close()
      }
      await fs.rename(draft, path.join(folderOf(id), name))
    }
    yield* io(put).pipe(Effect.tapError(() => Effect.ignore(io(() => fs.rm(draft, { force: true })))))
  })

  /** Whether one of the marks is of a process that lives; marks of those that do not are deleted. */
  const isMarked = Effect.fnUntraced(function* (id: ContentId, names: ReadonlyArray<string>, now: number) {
    let isInUse = false
    for (const name of names) {
      const owner = marks.exec(name)?.[1]
      const state = owner === undefined ? undefined : claims.stateOfOwner(owner)
      if (state === undefined) continue
      const file = path.join(folderOf(id), name)
      const isOver = state === "AskTime" && now - ((yield* timeOf(file)) ?? 0) > foreignMark
      if (state !== "Free" && !isOver) isInUse = true
      else yield* io(() => fs.rm(file, { force: true }))
    }
    return isInUse
  })

  const read = Effect.fnUntraced(function* (id: ContentId): Effect.fn.Return<Note, IoFailure> {
    const now = yield* Clock.currentTimeMillis
    const folder = folderOf(id)
    const names: ReadonlyArray<string> = yield* io(() => fs.readdir(folder)).pipe(unless(["ENOENT", "ENOTDIR"], []))
    const data = yield* statOf(path.join(folder, "data"))
    const heldAt = (yield* timeOf(path.join(folder, "held"))) ?? 0
    const hasDownload = names.includes("download")
    const said = hasDownload ? yield* download(id) : undefined
    const wished = names.includes("wish") ? yield* wish(id) : undefined
    const used = hasDownload ? yield* timeOf(path.join(folder, "download")) : undefined
    const { completedAt, ...policy } = said ?? {}
    return {
      bytes: data?.isFile() === true ? bytesOf(data) : 0,
      completedAt,
      heldAt,
      usedAt: Math.max(used ?? 0, heldAt),
      isPinned: wished?.isPinned ?? false,
      expiresAt: wished?.expiresAt,
      policy,
      isInUse: yield* isMarked(id, names, now)
    }
  })

  const touch = Effect.fnUntraced(function* (id: ContentId) {
    const now = (yield* Clock.currentTimeMillis) / 1000
    const file = path.join(folderOf(id), "download")
    const isThere = yield* io(() => fs.lutimes(file, now, now)).pipe(Effect.as(true), unless(["ENOENT"], false))
    if (!isThere) yield* write(id, "download", {}, false)
  })

  return {
    read,
    /** Says what is known of a download; without `completedAt` what was said of its end stays. */
    noteDownload: Effect.fnUntraced(function* (id: ContentId, said: ContentTerms & { readonly completedAt?: number }) {
      const before = yield* download(id)
      const { completedAt, expireAt, maxAge, unfinishedFor } = { ...before, ...said }
      const note = { completedAt, expireAt, maxAge, unfinishedFor }
      const kept = Object.entries(note).filter(([, value]) => value !== undefined)
      yield* write(id, "download", Object.fromEntries(kept.map(([name, value]) => [name, sound(value)])), false)
    }),
    /** Changes what a person wishes; what is `undefined` stays. */
    noteWish: Effect.fnUntraced(function* (
      id: ContentId,
      change: { readonly isPinned?: boolean; readonly expiresAt?: number | null }
    ) {
      const before = yield* wish(id)
      const expiresAt = change.expiresAt === undefined ? before?.expiresAt : (change.expiresAt ?? undefined)
      yield* write(
        id,
        "wish",
        { isPinned: change.isPinned ?? before?.isPinned ?? false, ...(expiresAt === undefined ? {} : { expiresAt }) },
        true
      )
    }),
    touch,
    /** Marks the content as in use; answers the way to take the mark back. */
    mark: Effect.fnUntraced(function* (id: ContentId) {
      yield* checkFolder(folderOf(id))
      const file = path.join(folderOf(id), `use.${claims.owner()}`)
      yield* io(() => fs.writeFile(file, "", { flag: "wx", mode: 0o600 }))
      return io(() => fs.rm(file, { force: true }))
    })
  }
}

export const statOf = (file: string) => io(() => fs.lstat(file)).pipe(unless(["ENOENT", "ENOTDIR"], undefined))

const timeOf = (file: string) => Effect.map(statOf(file), (stats) => stats?.mtimeMs)

/** What the file takes on the disk; its length where the system does not say. */
export const bytesOf = ({ blocks, size }: { readonly blocks: number; readonly size: number }): number =>
  Number.isFinite(blocks) && process.platform !== "win32" ? blocks * 512 : size
