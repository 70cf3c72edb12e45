/**
 * Names that carry the process that made a thing: its id, and when it started, which together name it for good. What a
 * killed run has left behind is known by them, and what a run that goes on has made is left alone.
 */
import { isMainThread, threadId } from "node:worker_threads"
import { Effect, FileSystem, Option } from "effect"

const prefix = "piecework-bench-"

/** When a process started, in ticks since the machine did; `None` when there is no such process. Field 22 of its stat. */
const startOf = (pid: number): Effect.Effect<Option.Option<string>, never, FileSystem.FileSystem> =>
  FileSystem.FileSystem.use((fs) => fs.readFileString(`/proc/${pid}/stat`)).pipe(
    Effect.map((stat) => Option.fromUndefinedOr(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19])),
    Effect.orElseSucceed(() => Option.none<string>())
  )

/** What the names of things begin with that this process made, and this thread of it. */
export const ownPrefix = Effect.map(
  startOf(process.pid),
  (start) => `${prefix}${process.pid}-${Option.getOrElse(start, () => "0")}-${isMainThread ? "" : `t${threadId}-`}`
)

/** Who made the thing of this name; `None` for a name that is not the bench's. */
export const of = (name: string): Option.Option<{ readonly pid: number; readonly start: string }> => {
  const match = new RegExp(`^${prefix}(\\d+)-(\\d+)-`).exec(name)
  return match?.[1] === undefined || match[2] === undefined
    ? Option.none()
    : Option.some({ pid: Number(match[1]), start: match[2] })
}

/** Whether the bench made it, in a process that is no more. */
export const isGone = Effect.fnUntraced(function* (name: string) {
  const maker = of(name)
  if (Option.isNone(maker)) return false
  const start = yield* startOf(maker.value.pid)
  return Option.isNone(start) || start.value !== maker.value.start
})

/** Removes such folders. */
export const sweepFolders = Effect.fn("Maker.sweepFolders")(function* (parents: ReadonlyArray<string>) {
  const fs = yield* FileSystem.FileSystem
  for (const parent of parents) {
    const names = yield* Effect.orElseSucceed(fs.readDirectory(parent), () => [])
    for (const name of yield* Effect.filter(names, isGone)) {
      yield* Effect.ignore(fs.remove(`${parent}/${name}`, { recursive: true }))
    }
  }
})
