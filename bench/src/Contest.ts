/** Several programs that do the same work, measured turn by turn, so that what else the machine does hits all alike. */
import { Effect, Option, Schema } from "effect"
import type { ProgramError } from "./Meter.ts"
import * as Statistics from "./Statistics.ts"
import type { Usage } from "./Usage.ts"

/** One run. CPU and memory are null where the system does not tell. */
export const Sample = Schema.Struct({
  /** From the start of the program to its exit, or until it has the file if it goes on then. */
  seconds: Schema.Finite,
  cpuSeconds: Schema.NullOr(Schema.Finite),
  peakRssBytes: Schema.NullOr(Schema.Finite),
  /** What the other end used meanwhile: the HTTP server, the seeder. Its peak is that of its whole life. */
  otherEnd: Schema.Struct({
    cpuSeconds: Schema.NullOr(Schema.Finite),
    peakRssBytes: Schema.NullOr(Schema.Finite)
  })
})
export interface Sample extends Schema.Schema.Type<typeof Sample> {}

export const Spread = Schema.Struct({ median: Schema.Finite, min: Schema.Finite, max: Schema.Finite })

/** What the runs of one program came to. */
export const Standing = Schema.Struct({
  installed: Schema.Boolean,
  /** How to get it when it is not there. */
  install: Schema.optionalKey(Schema.String),
  /** Why it was taken out of the contest. */
  failed: Schema.optionalKey(Schema.String),
  version: Schema.optionalKey(Schema.String),
  /** Whole process. */
  seconds: Schema.optionalKey(Spread),
  /** At the median. */
  mebibytesPerSecond: Schema.optionalKey(Schema.Finite),
  /** Medians. */
  cpuSecondsPerGib: Schema.optionalKey(Schema.Finite),
  otherEndCpuSecondsPerGib: Schema.optionalKey(Schema.Finite),
  /** Highest of all runs. */
  peakRssBytes: Schema.optionalKey(Schema.Finite),
  otherEndPeakRssBytes: Schema.optionalKey(Schema.Finite),
  runs: Schema.Array(Sample)
})
export interface Standing extends Schema.Schema.Type<typeof Standing> {}

export interface Contender<R> {
  readonly name: string
  readonly version: string
  /** One run, numbered from 1; cleans up after itself. */
  readonly run: (turn: number) => Effect.Effect<Sample, ProgramError, R>
}

/** By tool; Piecework's own under `piecework`. */
export const Standings = Schema.Record(Schema.String, Standing)
export type Standings = typeof Standings.Type

/** A program that is not there. */
export const absent = (install: string): Standing => ({ installed: false, install, runs: [] })

/**
 * Runs all contenders in turn, `turns` times, and answers their standings in their order. One that fails is out, and
 * the others go on. `note` hears of every run.
 */
export const hold = Effect.fn("Contest.hold")(function* <R>(options: {
  readonly contenders: ReadonlyArray<Contender<R>>
  readonly turns: number
  readonly bytes: number
  readonly note: (text: string) => Effect.Effect<void>
}) {
  const runs = options.contenders.map((): Array<Sample> => [])
  const failures = new Map<number, string>()
  for (let turn = 1; turn <= options.turns; turn++) {
    for (const [i, contender] of options.contenders.entries()) {
      if (failures.has(i)) continue
      const result = yield* contender.run(turn).pipe(
        Effect.map((sample) => {
          runs[i]?.push(sample)
          return `${sample.seconds.toFixed(2)} s`
        }),
        Effect.catch(({ message }) => {
          failures.set(i, message)
          return Effect.succeed(message)
        })
      )
      yield* options.note(`${contender.name}, run ${turn} of ${options.turns}: ${result}`)
    }
  }
  return options.contenders.map((contender, i) =>
    standing(contender.version, runs[i] ?? [], options.bytes, failures.get(i))
  )
})

/** Holds a contest of Piecework with those of the others that are installed; all have a standing. */
export const holdBeside = Effect.fnUntraced(function* <R1, R2>(options: {
  readonly piecework: Contender<R1>
  readonly others: ReadonlyArray<{
    readonly tool: string
    readonly install: string
    readonly contender: Option.Option<Contender<R2>>
  }>
  readonly turns: number
  readonly bytes: number
  readonly note: (text: string) => Effect.Effect<void>
}) {
  const present = options.others.flatMap(({ contender, tool }) =>
    Option.match(contender, { onNone: () => [], onSome: (some) => [{ tool, contender: some }] })
  )
  const [own, ...theirs] = yield* hold<R1 | R2>({
    ...options,
    contenders: [options.piecework, ...present.map(({ contender }) => contender)]
  })
  const standings: Standings = {
    ...(own === undefined ? {} : { piecework: own }),
    ...Object.fromEntries(
      options.others.map(({ install, tool }) => {
        const place = present.findIndex((one) => one.tool === tool)
        return [tool, theirs[place] ?? absent(install)]
      })
    )
  }
  return standings
})

/** The figures of some runs over `bytes` each. */
export const standing = (version: string, runs: ReadonlyArray<Sample>, bytes: number, failed?: string): Standing => {
  const gib = bytes / 1_073_741_824
  const known = (of: (sample: Sample) => number | null) => runs.map(of).filter((n) => n !== null)
  const perGib = (of: (sample: Sample) => number | null) => {
    const all = Statistics.spread(known(of))
    return all === undefined ? undefined : Statistics.round(all.median / gib, 3)
  }
  const highest = (of: (sample: Sample) => number | null) => Statistics.spread(known(of))?.max
  const spread = Statistics.spread(runs.map((run) => Statistics.round(run.seconds, 4)))
  const seconds = spread && { ...spread, median: Statistics.round(spread.median, 4) }
  return {
    installed: true,
    version,
    ...present("failed", failed),
    ...present("seconds", seconds),
    ...present("mebibytesPerSecond", seconds && Statistics.round(bytes / 1_048_576 / seconds.median, 1)),
    ...present(
      "cpuSecondsPerGib",
      perGib((run) => run.cpuSeconds)
    ),
    ...present(
      "otherEndCpuSecondsPerGib",
      perGib((run) => run.otherEnd.cpuSeconds)
    ),
    ...present(
      "peakRssBytes",
      highest((run) => run.peakRssBytes)
    ),
    ...present(
      "otherEndPeakRssBytes",
      highest((run) => run.otherEnd.peakRssBytes)
    ),
    runs
  }
}

const present = <K extends string, A>(key: K, value: A | undefined): { readonly [P in K]?: A } =>
  value === undefined ? {} : ({ [key]: value } as { readonly [P in K]: A })

/** What fell out of some contests, in sentences. */
export const failures = (contests: ReadonlyArray<Standings>): ReadonlyArray<string> =>
  contests
    .flatMap((standings) => Object.values(standings))
    .map(({ failed }) => failed)
    .filter((failed) => failed !== undefined)

/** How many times as fast as `other` at the median; null unless both ran to the end. */
export const ratio = (self: Standing, other: Standing): number | null =>
  self.failed !== undefined || other.failed !== undefined || !self.seconds || !other.seconds
    ? null
    : Statistics.round(other.seconds.median / self.seconds.median, 3)

/**
 * The same for what a large file took longer than a small one, each pair being small and large; null also when the
 * difference drowns in the noise.
 */
export const ratioBeyond = (
  self: readonly [small: Standing, large: Standing],
  other: readonly [small: Standing, large: Standing]
): number | null => {
  const [own, others] = [self, other].map(([small, large]) =>
    small.failed !== undefined || large.failed !== undefined || !small.seconds || !large.seconds
      ? 0
      : large.seconds.median - small.seconds.median
  )
  return own !== undefined && others !== undefined && own > 0 && others > 0 ? Statistics.round(others / own, 3) : null
}

/** A sample from a process and from what its other end had used before and after. */
export const sample = (
  measured: { readonly seconds: number; readonly usage: Option.Option<Usage> },
  before: Option.Option<Usage>,
  after: Option.Option<Usage>
): Sample => ({
  seconds: Statistics.round(measured.seconds, 4),
  ...orNull(measured.usage),
  otherEnd: {
    cpuSeconds:
      Option.isSome(before) && Option.isSome(after)
        ? Statistics.round(after.value.cpuSeconds - before.value.cpuSeconds, 3)
        : null,
    peakRssBytes: orNull(after).peakRssBytes
  }
})

const orNull = (usage: Option.Option<Usage>) =>
  Option.match(usage, {
    onNone: () => ({ cpuSeconds: null, peakRssBytes: null }),
    onSome: ({ cpuSeconds, peakRssBytes }) => ({ cpuSeconds: Statistics.round(cpuSeconds, 3), peakRssBytes })
  })
