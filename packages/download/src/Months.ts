/**
 * What this device downloaded and sent in this calendar month (`Sums`), by its own clock and time zone, all processes on one folder
 * together. The folder has a file for each month, `2026-11.log`, to which each process appends a line for what it counted since its
 * last one. An append is one call to the system, and nobody writes twice what was written once: so no locks are needed, a process that
 * is killed loses the seconds since its last line, and a line that was torn counts for nothing.
 *
 * What months that are still to come have counts as well: a clock that is set back changes nothing for the better. Whatever
 * in the folder is none of this is left alone, with one warning.
 */
import { Clock, Context, Effect, FileSystem, Layer, Path, type Scope, Semaphore } from "effect"
import * as Sums from "./Sums.ts"

export interface MonthlySum {
  /** "2026-11". */
  readonly month: string
  readonly sums: Sums.Sums
}

export class Months extends Context.Service<
  Months,
  {
    /** Counts what a counter says that only grows, beyond what it says now; until the scope closes, and then a last time. */
    readonly count: (counter: () => Sums.Sums) => Effect.Effect<void, never, Scope.Scope>
    /** So much more. In plain code. */
    readonly add: (more: Partial<Sums.Sums>) => void
    /** The sums as of the last look, with what was counted since. */
    readonly sum: () => MonthlySum
    /** Keeps what was counted, without a look at what others kept; as the layer does when it closes. */
    readonly keep: Effect.Effect<void>
    /** Keeps what was counted, and sees what other processes kept. What cannot be kept now is kept later. */
    readonly look: Effect.Effect<MonthlySum>
  }
>()("@piecework/download/Months") {
  static readonly layer = (folder: string): Layer.Layer<Months, never, FileSystem.FileSystem | Path.Path> =>
    Layer.effect(Months, make(folder))

  static readonly layerMemory: Layer.Layer<Months> = Layer.sync(Months, () => {
    const counters = counting()
    let sum: MonthlySum = { month: "", sums: Sums.none }
    const now = (): MonthlySum => ({ ...sum, sums: Sums.plus(sum.sums, counters.pending()) })
    return Months.of({
      count: counters.count,
      add: counters.add,
      keep: Effect.void,
      sum: now,
      look: Effect.map(Clock.currentTimeMillis, (at) => {
        const month = monthOf(at)
        if (month > sum.month) {
          // What was counted before anybody looked is of this month.
          if (sum.month !== "") counters.taken(counters.pending())
          sum = { month, sums: Sums.none }
        }
        return now()
      })
    })
  })
}

/** What was counted and is not taken yet: of counters that run, and added by hand. */
const counting = () => {
  const counters = new Set<{ readonly read: () => Sums.Sums; seen: Sums.Sums }>()
  let waiting = Sums.none
  const collect = (): void => {
    for (const counter of counters) {
      const now = counter.read()
      waiting = Sums.plus(waiting, Sums.minus(now, counter.seen))
      counter.seen = now
    }
  }
  return {
    count: (read: () => Sums.Sums): Effect.Effect<void, never, Scope.Scope> =>
      Effect.asVoid(
        Effect.acquireRelease(
          Effect.sync(() => {
            const counter = { read, seen: read() }
            counters.add(counter)
            return counter
          }),
          (counter) =>
            Effect.sync(() => {
              collect()
              counters.delete(counter)
            })
        )
      ),
    add: (more: Partial<Sums.Sums>): void => {
      waiting = Sums.plus(waiting, more)
    },
    pending: (): Sums.Sums => {
      collect()
      return waiting
    },
    taken: (sums: Sums.Sums): void => {
      waiting = Sums.minus(waiting, sums)
    }
  }
}

/** The calendar month in the device's time zone, so that text order is time order. */
export const monthOf = (epochMillis: number): string => {
  const date = new Date(epochMillis)
  return `${String(date.getFullYear()).padStart(4, "0")}-${String(date.getMonth() + 1).padStart(2, "0")}`
}

/** Of whole lines: what they sum up to, and how many are none of ours. Empty ones and torn ones count for nothing. */
export const read = (text: string): { readonly sums: Sums.Sums; readonly strange: number } => {
  const found: { [C in Sums.Column]: number } = { ...Sums.none }
  let strange = 0
  for (const line of text.split("\n")) {
    if (line === "") continue
    const more = Sums.decode(line)
    if (more === undefined) strange++
    else for (const [name, value] of Object.entries(more)) found[name as Sums.Column] += value
  }
  return { sums: found, strange }
}

/** Longest file that is read. A process that downloads and sends all month long writes 40 MB, one that only sends 8 MB. */
const longestFile = 268_435_456
/** Longest line that is read, in bytes: all columns take 300. */
const longestLine = 1024
const readAtOnce = 65_536
/** Files of months past that are kept, and files that are looked at. */
const kept = 12
const mostFiles = 256
const name = /^(\d{4}-\d{2})\.log$/

/** A file as far as it was read. */
interface Book {
  readonly offset: number
  readonly sums: Sums.Sums
}
const nothing: Book = { offset: 0, sums: Sums.none }

const make = Effect.fnUntraced(function* (folder: string) {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const books = new Map<string, Book>()
  const turn = yield* Semaphore.make(1)
  const counters = counting()
  let sum: MonthlySum = { month: monthOf(yield* Clock.currentTimeMillis), sums: Sums.none }
  const warned = new Set<string>()

  /** Once for each kind of trouble. */
  const warn = (what: string): Effect.Effect<void> =>
    Effect.suspend(() => {
      if (warned.has(what)) return Effect.void
      warned.add(what)
      return Effect.logWarning(`What is downloaded and sent in a month is counted in ${folder}: ${what}.`)
    })

  /** Reads on where it was left; one that became shorter is another file. */
  const readOn = Effect.fnUntraced(function* (month: string): Effect.fn.Return<Book> {
    const file = path.join(folder, `${month}.log`)
    const before = books.get(month) ?? nothing
    const info = yield* Effect.option(fs.stat(file))
    if (info._tag === "None") return nothing
    const size = Number(info.value.size)
    if (info.value.type !== "File" || size > longestFile) {
      yield* warn(`${month}.log is no such file, or too long, and is ignored`)
      return before
    }
    if (size === before.offset) return before
    const from = size < before.offset ? nothing : before
    return yield* readFrom(file, from, size).pipe(
      Effect.catch(() => Effect.as(warn(`${month}.log cannot be read`), before))
    )
  })

  const readFrom = Effect.fnUntraced(function* (file: string, from: Book, size: number) {
    const opened = yield* fs.open(file, { flag: "r", noFollow: true })
    yield* opened.seek(BigInt(from.offset), "start")
    const chunk = new Uint8Array(readAtOnce)
    let { offset, sums } = from
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
      sums = Sums.plus(sums, lines.sums)
      strange += lines.strange
      // A line is short: what is longer is none, and is not kept in memory.
      rest = text.length - end > longestLine ? "-" : text.slice(end)
      offset = at - (text.length - end)
    }
    if (strange > 0) yield* warn("what is no count there is ignored")
    return { offset, sums }
  }, Effect.scoped)

  const keep = Effect.fnUntraced(function* (month: string, more: Sums.Sums) {
    yield* fs.makeDirectory(folder, { recursive: true })
    const file = path.join(folder, `${month}.log`)
    const info = yield* Effect.option(fs.stat(file))
    const isOurs = info._tag === "None" || (info.value.type === "File" && Number(info.value.size) <= longestFile)
    if (!isOurs) return false
    const opened = yield* fs.open(file, { flag: "a", mode: 0o600, noFollow: true })
    // It begins on a line of its own, also behind one that was torn.
    yield* opened.write(Buffer.from(`\n${Sums.encode(more)}\n`, "latin1"))
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

  /** Writes what was counted since the last time: false when that cannot be. What one line cannot carry the next one does. */
  const write = Effect.fnUntraced(function* (now: string) {
    const more = Sums.inOneLine(counters.pending())
    if (Sums.isNone(more)) return
    // What was counted since the last look is of the month of that, but for seconds.
    const month = now > sum.month ? sum.month : now
    const isKept = yield* Effect.catch(keep(month, more), () =>
      Effect.as(warn("nothing can be written there, so this process counts for itself"), false)
    )
    // What could not be kept counts until its month is over.
    if (isKept || now > sum.month) counters.taken(more)
    if (isKept) sum = { ...sum, sums: Sums.plus(sum.sums, more) }
  })

  // One after the other and to its end: what was written and is not subtracted yet would be written again.
  const inTurn = <A>(effect: Effect.Effect<A>): Effect.Effect<A> => Effect.uninterruptible(turn.withPermit(effect))

  const look = inTurn(
    Effect.gen(function* () {
      const now = monthOf(yield* Clock.currentTimeMillis)
      yield* write(now)
      let sums = Sums.none
      for (const counted of yield* months(now)) {
        const book = yield* readOn(counted)
        books.set(counted, book)
        sums = Sums.plus(sums, book.sums)
      }
      sum = { month: now, sums }
      return { month: now, sums: Sums.plus(sums, counters.pending()) }
    })
  )

  // A command that is over need not read what others wrote.
  const keepUp = Effect.suspend(() =>
    Sums.isNone(counters.pending())
      ? Effect.void
      : inTurn(Effect.flatMap(Clock.currentTimeMillis, (now) => write(monthOf(now))))
  )
  yield* Effect.addFinalizer(() => keepUp)
  return Months.of({
    count: counters.count,
    add: counters.add,
    keep: keepUp,
    sum: () => ({ month: sum.month, sums: Sums.plus(sum.sums, counters.pending()) }),
    look
  })
})
