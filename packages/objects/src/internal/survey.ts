/** What lies on a drive: counted after a start, and listed. */
import {
  type IoFailure,
  type PieceSet,
  UseNote,
  bytesOf,
  checkFolder,
  io,
  isDeleted,
  removeFolder,
  statOf,
  unless
} from "@piecework/cache/Disk"
import type { Drive } from "@piecework/cache/Drive"
import { folderOf, type Lodging } from "@piecework/cache/Lodging"
import type { ContentUrl } from "@piecework/domain/ContentUrl"
import * as PieceLayout from "@piecework/domain/PieceLayout"
import { Effect, Option } from "effect"
import { hash } from "node:crypto"
import * as fs from "node:fs/promises"
import * as path from "node:path"
import type { ListedObject } from "../Objects.ts"
import { claimsIn } from "./DiskObject.ts"
import { readRecord } from "./records.ts"

/** What a file's folder and records take beside its data, on most file systems; bytes. */
export const overhead = 16 * 1024

/** Files looked at a time: the system's threads are for those who read meanwhile. */
const scans = 2

/** The name of a file's folder. */
export const nameOf = (url: ContentUrl): string => hash("sha256", url, "hex")

/** Counts what it takes, unless that is known. */
export const measure = Effect.fnUntraced(function* (drive: Drive, lodging: Lodging): Effect.fn.Return<void, IoFailure> {
  const data = yield* statOf(path.join(folderOf(drive.folder, lodging), "data"))
  if (lodging.bytes <= overhead) drive.resize(lodging, overhead + (data?.isFile() === true ? bytesOf(data) : 0))
})

/** The names of files on the drive. */
const namesOn = Effect.fnUntraced(function* (drive: Drive): Effect.fn.Return<ReadonlyArray<string>, IoFailure> {
  const root = path.join(drive.folder, "objects")
  const names: Array<string> = []
  for (const part of yield* readFolder(root)) {
    if (!/^[0-9a-f]{2}$/.test(part)) continue
    for (const name of yield* readFolder(path.join(root, part))) {
      if (/^[0-9a-f]{64}$/.test(name) && name.startsWith(part)) names.push(name)
    }
  }
  return names
})

/** Nothing where there is no folder; a link to one is none. */
const readFolder = (folder: string): Effect.Effect<ReadonlyArray<string>, IoFailure> =>
  Effect.andThen(
    checkFolder(folder),
    io((): Promise<ReadonlyArray<string>> => fs.readdir(folder))
  ).pipe(unless(["ENOENT", "ENOTDIR", "ELOOP"], [] as ReadonlyArray<string>))

/** What earlier processes left: files are counted, and what they did not end deleting is deleted. */
export const scan = Effect.fnUntraced(function* (drive: Drive) {
  const root = path.join(drive.folder, "objects")
  for (const name of yield* readFolder(root)) {
    if (isDeleted(name)) yield* Effect.ignore(removeFolder(path.join(root, name)))
  }
  const count = Effect.fnUntraced(function* (name: string) {
    if (drive.find("objects", name) !== undefined) return
    const use = yield* UseNote.read(folderOf(drive.folder, { kind: "objects", name }))
    if (drive.find("objects", name) === undefined) yield* measure(drive, drive.lodge("objects", name, use))
  })
  // One that cannot be read must not hide the others.
  yield* Effect.forEach(yield* namesOn(drive), (name) => Effect.catch(count(name), drive.report), {
    concurrency: scans,
    discard: true
  })
})

export const listOn = Effect.fnUntraced(function* (drive: Drive) {
  const describe = Effect.fnUntraced(function* (name: string) {
    const folder = folderOf(drive.folder, { kind: "objects", name })
    const facts = Option.getOrUndefined(yield* readRecord(folder))
    if (facts === undefined || nameOf(facts.url) !== name) return undefined
    const layout = PieceLayout.standard(facts.size)
    const held = yield* claimsIn(folder, layout.pieceCount)
    const { usedAt, uses } = drive.find("objects", name) ?? (yield* UseNote.read(folder))
    return { facts, heldBytes: bytesIn(held, layout), usedAt, uses, drive: drive.folder } satisfies ListedObject
  })
  const described = yield* Effect.forEach(
    yield* namesOn(drive),
    (name) => Effect.catch(describe(name), (failure) => Effect.as(drive.report(failure), undefined)),
    { concurrency: scans }
  )
  return described.filter((one) => one !== undefined)
})

const bytesIn = (held: PieceSet, layout: PieceLayout.PieceLayout): number => {
  let bytes = 0
  for (const piece of layout.indices()) if (held.has(piece)) bytes += layout.length(piece)
  return bytes
}
