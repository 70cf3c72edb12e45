/**
 * How many bytes Internet peers were sent in this calendar month, by the device's own clock and time zone, by all processes
 * on one folder. It has a file for each month, `2026-11.log`, to which each process appends a line `123456;` for what it
 * sent since its last one. An append is one call to the system, and nobody writes twice what was written once: so no locks
 * are needed, a process that is killed loses the seconds since its last line, and a line that was torn counts for nothing.
 *
 * What months that are still to come have counts as well: a clock that is set back changes nothing for the better. Whatever
 * in the folder is none of this is left alone, with one warning.
 */
import { Clock, Context, Effect, FileSystem, Layer, Path, Semaphore } from "effect"

export interface MonthlySum {
  /** "2026-11". */
  readonly month: string
  /** Bytes. */
  readonly sent: number
}

export class MonthlyUploads extends Context.Service<
  MonthlyUploads,
  {
    /** So many bytes more were sent; kept with the next `look`. In plain code. */
    readonly add: (bytes: number) => void
    /** The sum as of the last look, with what was added since. */
    readonly sum: () => MonthlySum
    /** Keeps what was added, and sees what other processes kept. What cannot be kept now is kept later. */
    readonly look: Effect.Effect<MonthlySum>
  }
>()("@piecework/download/MonthlyUploads") {
  static readonly layer = (folder: string): Layer.Layer<MonthlyUploads, never, FileSystem.FileSystem | Path.Path> =>
    Layer.effect(MonthlyUploads, make(folder))

  static readonly layerMemory: Layer.Layer<MonthlyUploads> = Layer.sync(MonthlyUploads, () => {
    let sum: MonthlySum = { month: "", sent: 0 }
    const look = Effect.map(Clock.currentTimeMillis, (now) => {
      const month = monthOf(now)
      if (month > sum.month) sum = { month, sent: sum.month === "" ? sum.sent : 0 }
      return sum
    })
    return MonthlyUploads.of({
      add: (bytes) => {
        sum = { ...sum, sent: sum.sent + bytes }
      },
      sum: () => sum,
      look
    })
  })
}

/** The calendar month in the device's time zone, so that text order is time order. */
export const monthOf = (epochMillis: number): string => {
  const date = new Date(epochMillis)
  return `${String(date.getFullYear()).padStart(4, "0")}-${String(date.getMonth() + 1).padStart(2, "0")}`
}

/** Of whole lines: what they sum up to, and how many are none of ours. Empty ones and torn ones count for nothing. */
export const read = (text: string): { readonly sum: number; readonly strange: number } => {
  let sum = 0
  let strange = 0
  for (const line of text.split("\n")) {
    if (line === "" || /^\d{1,13}$/.test(line)) continue
    const bytes = /^\d{1,13};$/.test(line) ? Number(line.slice(0, -1)) : Number.POSITIVE_INFINITY
    if (bytes > mostAtOnce) strange++
    else sum += bytes
  }
  return { sum, strange }
}

/** What one line may say, in bytes: 1 TiB in some seconds is nobody's line. */
const mostAtOnce = 2 ** 40
/** Longest file that is read. A process that sends all month long writes 6 MB. */
const longestFile = 67_108_864
const readAtOnce = 65_536
/** Files of months past that are kept, and files that are looked at. */
const kept = 12
const mostFiles = 256
const name = /^(\d{4}-\d{2})\.log$/

/** A file as far as it was read. */
interface Book {
  readonly offset: number
  readonly sum: number
}

const make = Effect.fnUntraced(function* (folder: string) {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const books = new Map<string, Book>()
  const turn = yield* Semaphore.make(1)
  let pending = 0
  let sum: MonthlySum = { month: monthOf(yield* Clock.currentTimeMillis), sent: 0 }
  const warned = new Set<string>()

  /** Once for each kind of trouble. */
  const warn = (what: string): Effect.Effect<void> =>
    Effect.suspend(() => {
      if (warned.has(what)) return Effect.void
      warned.add(what)
      return Effect.logWarning(`What Internet peers were sent is counted in ${folder}: ${what}.`)
    })

  /** Reads on where it was left; one that became shorter is another file. */
  const readOn = Effect.fnUntraced(function* (month: string): Effect.fn.Return<Book> {
    const file = path.join(folder, `${month}.log`)
    const before = books.get(month) ?? { offset: 0, sum: 0 }
    const info = yield* Effect.option(fs.stat(file))
    if (info._tag === "None") return { offset: 0, sum: 0 }
    const size = Number(info.value.size)
    if (info.value.type !== "File" || size > longestFile) {
      yield* warn(`${month}.log is no such file, or too long, and is ignored`)
      return before
    }
    if (size === before.offset) return before
    const from = size < before.offset ? { offset: 0, sum: 0 } : before
    return yield* readFrom(file, from, size).pipe(
      Effect.catch(() => Effect.as(warn(`${month}.log cannot be read`), before))
    )
  })

  const readFrom = Effect.fnUntraced(function* (file: string, from: Book, size: number) {
    const opened = yield* fs.open(file, { flag: "r", noFollow: true })
    yield* opened.seek(BigInt(from.offset), "start")
    const chunk = new Uint8Array(readAtOnce)
    let { offset, sum: counted } = from
    let at = offset
    let rest = ""
    let strange = 0
    while (at < size) {
      const length = Number(yield* opened.read(chunk))
      if (length === 0) break
      at += length
      const text = rest + Buffer.from(chunk.subarray(0, length)).toString("latin1")
      // What stands behind the last end of a line may still be written on.
      const end = text.lastIndexOf("\n") + 1
      const lines = read(text.slice(0, end))
      counted += lines.sum
      strange += lines.strange
      // A line is short: what is longer is none, and is not kept in memory.
      rest = text.length - end > 64 ? "-" : text.slice(end)
      offset = at - (text.length - end)
    }
    if (strange > 0) yield* warn("what is no count there is ignored")
    return { offset, sum: counted }
  }, Effect.scoped)

  const keep = Effect.fnUntraced(function* (month: string, bytes: number) {
    yield* fs.makeDirectory(folder, { recursive: true })
    const file = path.join(folder, `${month}.log`)
    const info = yield* Effect.option(fs.stat(file))
    const isOurs = info._tag === "None" || (info.value.type === "File" && Number(info.value.size) <= longestFile)
    if (!isOurs) return false
    const opened = yield* fs.open(file, { flag: "a", mode: 0o600, noFollow: true })
    // It begins on a line of its own, also behind one that was torn.
    yield* opened.write(Buffer.from(`\n${bytes};\n`, "latin1"))
    return true
  }, Effect.scoped)

  /** Of the months that have a file, this one and later ones; the oldest others go. */
  const months = Effect.fnUntraced(function* (now: string) {
    const names = yield* Effect.orElseSucceed(fs.readDirectory(folder), (): Array<string> => [])
    const found = names
      .flatMap((file) => name.exec(file)?.[1] ?? [])
      .toSorted()
      .slice(-mostFiles)
    const past = found.filter((month) => month < now)
    for (const month of past.slice(0, -kept)) yield* Effect.ignore(fs.remove(path.join(folder, `${month}.log`)))
    return found.filter((month) => month >= now)
  })

  // One after the other and to its end: what was written and is not subtracted yet would be written again.
  const look = Effect.gen(function* () {
    const now = monthOf(yield* Clock.currentTimeMillis)
    const bytes = pending
    // What was added since the last look was sent in the month of that, but for seconds.
    const month = now > sum.month ? sum.month : now
    let isKept = false
    if (bytes > 0) {
      isKept = yield* Effect.catch(keep(month, bytes), () =>
        Effect.as(warn("nothing can be written there, so this process counts for itself"), false)
      )
    }
    let sent = 0
    for (const counted of yield* months(now)) {
      const book = yield* readOn(counted)
      books.set(counted, book)
      sent += book.sum
    }
    // What could not be kept counts until its month is over.
    if (isKept || now > sum.month) pending -= bytes
    sum = { month: now, sent }
    return { month: now, sent: sent + pending }
  }).pipe(turn.withPermit, Effect.uninterruptible)

  yield* Effect.addFinalizer(() => (pending > 0 ? look : Effect.void))
  return MonthlyUploads.of({
    add: (bytes) => {
      pending += bytes
    },
    sum: () => ({ month: sum.month, sent: sum.sent + pending }),
    look
  })
})
