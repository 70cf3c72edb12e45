/**
 * Reads the entries of a log folder, those of all its processes, while they go on writing. What is no entry is counted and left out; of a
 * line that is longer than any entry no more is kept in memory than of others.
 */
import { constants } from "node:fs"
import { type FileHandle, open, readdir } from "node:fs/promises"
import { join } from "node:path"
import { StringDecoder } from "node:string_decoder"
import { Effect, Schema } from "effect"
import type { Level } from "./Level.ts"
import { decode, type LogEntry, maxLine } from "./LogEntry.ts"
import { fileName, numbersIn } from "./LogFolder.ts"

/** The folder cannot be read. */
export class LogReadError extends Schema.TaggedError<LogReadError>()("LogReadError", {
  folder: Schema.String,
  /** The system's word. */
  code: Schema.String
}) {
  override get message(): string {
    if (this.code === "ENOENT") return `There is no log in ${this.folder}; nothing was logged there yet.`
    if (this.code === "ENOTDIR") return `There is no log in ${this.folder}, which is a file, or lies under one.`
    if (this.code === "EACCES") return `The log in ${this.folder} may not be read by this user.`
    return `The log in ${this.folder} cannot be read (${this.code}).`
  }
}

export interface Wanted {
  /** Entries that matter less are left out. */
  readonly level: Level
  /** Epoch milliseconds; older entries are left out. */
  readonly since?: number | undefined
}

export interface Look {
  /** In the order of their time. */
  readonly entries: ReadonlyArray<LogEntry>
  /** Lines that were no entries, so far. */
  readonly damaged: number
  /** Nothing more is there for now. */
  readonly isEnd: boolean
}

export interface LogReader {
  /** What was written since the last look, at most some of it. */
  readonly more: Effect.Effect<Look, LogReadError>
  /** What is held back for its order, when nothing more is waited for now. */
  readonly rest: () => ReadonlyArray<LogEntry>
  /** Lines that have no end yet: of a process that is writing, or that was killed when it was. */
  readonly unfinished: () => number
}

export interface Options {
  readonly folder: string
  readonly wanted: Wanted
  /**
   * Milliseconds by which a process may be later than another with an entry of the same time; within them entries are put into order. Default
   * ten seconds; 0 where entries are to be seen at once.
   */
  readonly disorder?: number | undefined
}

/** A pipe of that name, which is none of ours, is not waited for. */
const readable = constants.O_RDONLY | constants.O_NONBLOCK

/** Bytes of a look. */
const chunk = 1_048_576

/** Where reading one file stands. */
interface Place {
  /** Bytes. */
  offset: number
  readonly decoder: StringDecoder
  /** Of a line whose end was not there yet. */
  begun: string
  /** What is left of a line that was too long already. */
  isSkipping: boolean
}

export const make = ({ disorder = 10_000, folder, wanted }: Options): LogReader => {
  const places = new Map<number, Place>()
  let damaged = 0
  let held: Array<{ readonly at: number; readonly entry: LogEntry }> = []

  const take = (line: string) => {
    if (line === "") return
    const entry = decode(line)
    if (entry === undefined) {
      damaged++
      return
    }
    if (entry.Level > wanted.level) return
    const at = Date.parse(entry.TimeCreated)
    if (wanted.since === undefined || at >= wanted.since) held.push({ at, entry })
  }

  const feed = (place: Place, text: string) => {
    const lines = text.split("\n")
    const last = lines.pop() ?? ""
    for (const [n, line] of lines.entries()) {
      if (n > 0) take(line)
      else if (place.isSkipping) place.isSkipping = false
      else take(place.begun + line)
    }
    const begun = lines.length > 0 ? last : place.begun + last
    if (!place.isSkipping && begun.length > maxLine) {
      damaged++
      place.isSkipping = true
    }
    place.begun = place.isSkipping ? "" : begun
  }

  /** Answers the bytes that were read. */
  const readOne = async (number: number, most: number): Promise<number> => {
    const place = places.get(number) ?? { offset: 0, decoder: new StringDecoder("utf8"), begun: "", isSkipping: false }
    places.set(number, place)
    let file: FileHandle
    try {
      file = await open(join(folder, fileName(number)), readable)
    } catch (cause) {
      // It was deleted in between, as old files are.
      if (codeOf(cause) === "ENOENT") return 0
      throw cause
    }
    try {
      if (!(await file.stat()).isFile()) return 0
      const buffer = Buffer.allocUnsafe(Math.min(most, 65_536))
      let all = 0
      while (all < most) {
        const { bytesRead } = await file.read(buffer, 0, Math.min(buffer.length, most - all), place.offset)
        if (bytesRead === 0) break
        place.offset += bytesRead
        all += bytesRead
        feed(place, place.decoder.write(buffer.subarray(0, bytesRead)))
      }
      return all
    } finally {
      await file.close()
    }
  }

  const readMore = async (): Promise<boolean> => {
    const numbers = numbersIn(await readdir(folder))
    for (const number of places.keys()) if (!numbers.includes(number)) places.delete(number)
    let left = chunk
    for (const number of numbers) {
      left -= await readOne(number, left)
      if (left <= 0) return false
    }
    return true
  }

  /** Those that no later one can come before, in order. */
  const settled = (until: number): ReadonlyArray<LogEntry> => {
    held.sort((a, b) => a.at - b.at)
    const end = held.findIndex(({ at }) => at > until)
    const out = held.splice(0, end === -1 ? held.length : end)
    return out.map(({ entry }) => entry)
  }

  return {
    more: Effect.tryPromise({
      try: readMore,
      catch: (cause) => new LogReadError({ folder, code: codeOf(cause) ?? "EIO" })
    }).pipe(
      Effect.map((isEnd) => {
        const newest = held.reduce((most, { at }) => Math.max(most, at), Number.NEGATIVE_INFINITY)
        return { entries: settled(newest - disorder), damaged, isEnd }
      })
    ),
    rest: () => settled(Number.POSITIVE_INFINITY),
    unfinished: () => [...places.values()].filter(({ begun }) => begun !== "").length
  }
}

/** All of them that are there now, each told to `each`; answers how many lines were damaged. */
export const forEach = Effect.fn("LogReader.forEach")(function* <E, R>(
  options: Options,
  each: (entry: LogEntry) => Effect.Effect<void, E, R>
) {
  const reader = make(options)
  while (true) {
    const look = yield* reader.more
    for (const entry of look.entries) yield* each(entry)
    if (!look.isEnd) continue
    for (const entry of reader.rest()) yield* each(entry)
    return look.damaged + reader.unfinished()
  }
})

const codeOf = (cause: unknown): string | undefined =>
  typeof cause === "object" && cause !== null && "code" in cause && typeof cause.code === "string"
    ? cause.code
    : undefined
