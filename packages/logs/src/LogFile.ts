/**
 * Writes lines to the files of a log folder. Plain code, since loggers are, and since the last lines are written while the process ends.
 *
 * Any number of processes append to one file: each writes whole lines in one go, behind a line end, so half a line that a killed process
 * left spoils no other. Lines wait in memory for `flush`, at most `most` bytes of them while nothing can be written; what is lost then is
 * counted, and said in the next line that is written.
 */
import {
  closeSync,
  constants,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  statSync,
  unlinkSync,
  writeSync
} from "node:fs"
import { join } from "node:path"
import * as LogFolder from "./LogFolder.ts"

export interface LogFileOptions extends LogFolder.Limits {
  readonly folder: string
  readonly fileAgeMillis: number
  /** Epoch milliseconds. */
  readonly now: () => number
  /** The line that says how many could not be written, and why. */
  readonly lost: (count: number, code: string) => string
}

export interface LogFile {
  /** Keeps a line for the next flush; when there are many, flushes. */
  readonly add: (line: string) => void
  /** Writes what waits. Answers the system's word for why it could not, and `undefined` when it could. */
  readonly flush: () => string | undefined
  /** Lines wait to be written. */
  readonly isWaiting: () => boolean
  /** Writes what waits, and lets the file go. */
  readonly close: () => void
}

/** Bytes that are written in one go, at least. */
const batch = 65_536

/** Bytes that wait while nothing can be written. */
const most = 262_144

/** Its owner writes, its group may read; nobody else. */
const fileMode = 0o640
const folderMode = 0o750

const { O_APPEND, O_CREAT, O_NOFOLLOW, O_WRONLY } = constants

export const make = (options: LogFileOptions): LogFile => {
  const { folder, now } = options
  let fd: number | undefined
  let waiting: Array<string> = []
  let bytes = 0
  let lost = 0
  let trouble: string | undefined

  const letGo = () => {
    if (fd === undefined) return
    const old = fd
    fd = undefined
    closeSync(old)
  }

  /** The file to write so many bytes to. */
  const open = (more: number): number => {
    let names: ReadonlyArray<string>
    try {
      names = readdirSync(folder)
    } catch (cause) {
      if (codeOf(cause) !== "ENOENT") throw cause
      // Not what is above it: that is its program's to make, as it wants it.
      mkdirSync(folder, { mode: folderMode })
      names = []
    }
    const numbers = LogFolder.numbersIn(names)
    for (let number = numbers.at(-1) ?? 1; ; number++) {
      const flags = O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW
      const opened = openSync(join(folder, LogFolder.fileName(number)), flags, fileMode)
      if (isFull(opened, more)) {
        closeSync(opened)
        continue
      }
      fd = opened
      sweep([...new Set([...numbers, number])])
      return opened
    }
  }

  /** Also one that somebody deleted, whose bytes nobody would see. */
  const isFull = (file: number, more: number): boolean => {
    const { birthtimeMs, nlink, size } = fstatSync(file)
    // A file system that knows no birth says the last change.
    return nlink === 0 || (size > 0 && (size + more > options.fileBytes || now() - birthtimeMs > options.fileAgeMillis))
  }

  const sweep = (numbers: ReadonlyArray<number>) => {
    const files = numbers.flatMap((number) => {
      try {
        const { mtimeMs, size } = statSync(join(folder, LogFolder.fileName(number)))
        return [{ number, bytes: size, writtenAt: mtimeMs }]
      } catch {
        // Somebody else has deleted it meanwhile.
        return []
      }
    })
    for (const number of LogFolder.surplus(files, options, now())) {
      try {
        unlinkSync(join(folder, LogFolder.fileName(number)))
      } catch {
        // The same; or it stays, and goes another time.
      }
    }
  }

  /** What was written of it waits no more; half a line that a full disk left is damage, which readers count. */
  const write = () => {
    const said = lost === 0 ? waiting : [options.lost(lost, trouble ?? "EIO"), ...waiting]
    const text = Buffer.from(`\n${said.join("\n")}\n`)
    let file = fd ?? open(text.length)
    if (isFull(file, text.length)) {
      letGo()
      file = open(text.length)
    }
    let done = 0
    try {
      while (done < text.length) {
        const n = writeSync(file, text, done)
        if (n === 0) throw new Error("nothing was written")
        done += n
      }
    } finally {
      // Behind the first line end each one ends a line.
      let ends = 0
      for (let at = text.indexOf(0x0a, 1); at > 0 && at < done; at = text.indexOf(0x0a, at + 1)) ends++
      const lines = ends - (ends > 0 && lost > 0 ? 1 : 0)
      if (ends > 0) lost = 0
      waiting = waiting.slice(lines)
      bytes = waiting.reduce((sum, line) => sum + line.length + 1, 0)
    }
  }

  const flush = (): string | undefined => {
    if (waiting.length === 0 && lost === 0) return undefined
    try {
      write()
      trouble = undefined
    } catch (cause) {
      trouble = codeOf(cause) ?? "EIO"
      // Perhaps another file can be written to.
      try {
        letGo()
      } catch {
        fd = undefined
      }
    }
    return trouble
  }

  return {
    add: (line) => {
      if (bytes + line.length > most) {
        lost++
        return
      }
      waiting.push(line)
      bytes += line.length + 1
      if (bytes >= batch && trouble === undefined) flush()
    },
    flush,
    isWaiting: () => waiting.length > 0 || lost > 0,
    close: () => {
      flush()
      try {
        letGo()
      } catch {
        fd = undefined
      }
    }
  }
}

const codeOf = (cause: unknown): string | undefined =>
  typeof cause === "object" && cause !== null && "code" in cause && typeof cause.code === "string"
    ? cause.code
    : undefined
