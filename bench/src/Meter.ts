/**
 * Runs programs and measures each as a whole process: from its start to its exit, with its start-up, its threads and
 * its exit in the figures. Time is taken from the outside by the same clock for all; CPU and memory come from wait4
 * where the `time` program is installed, else from samples of /proc, which miss at most the last hundredth of a second.
 */
import {
  Clock,
  Context,
  Deferred,
  Effect,
  Fiber,
  FileSystem,
  Layer,
  Option,
  Path,
  Ref,
  Schedule,
  Schema,
  Scope,
  Stream
} from "effect"
import { ChildProcess, ChildProcessSpawner } from "effect/process"
import * as Usage from "./Usage.ts"

/** A program did not do what it was started for. */
export class ProgramError extends Schema.TaggedError<ProgramError>()("ProgramError", {
  name: Schema.String,
  reason: Schema.Literals(["NotStarted", "Failed", "TimedOut", "Unintelligible", "WrongBytes"]),
  /** Of a program that failed. */
  exitCode: Schema.optionalKey(Schema.Int),
  /** The last that it wrote to standard error, or what is wrong with what it did. */
  detail: Schema.String,
  cause: Schema.optionalKey(Schema.Defect())
}) {
  override get message(): string {
    const detail = this.detail.trim() === "" ? "" : `: ${this.detail.trim()}`
    switch (this.reason) {
      case "NotStarted":
        return `${this.name} could not be started${detail}`
      case "Failed":
        return `${this.name} ended before its work was done${this.exitCode === undefined ? "" : ` (exit code ${this.exitCode})`}${detail}`
      case "TimedOut":
        return `${this.name} was not done in time${detail}`
      case "Unintelligible":
        return `${this.name} wrote something that the bench does not understand${detail}`
      case "WrongBytes":
        return `${this.name} did not do what is measured${detail}`
    }
  }
}

export interface Invocation {
  /** For people: "curl". */
  readonly name: string
  readonly command: string
  readonly args: ReadonlyArray<string>
}

export interface Measured {
  /** From the start of the process to its exit. */
  readonly seconds: number
  /** `None` where the system does not tell. */
  readonly usage: Option.Option<Usage.Usage>
  readonly stdout: string
}

/** A process that goes on running while others are measured. */
export interface Daemon {
  readonly name: string
  readonly pid: number
  /** The first line of its standard output; waits for it. */
  readonly firstLine: Effect.Effect<string, ProgramError>
  /** Fails when it ends. */
  readonly ended: Effect.Effect<never, ProgramError>
  /** Ends it with SIGTERM; the last line of its standard output. */
  readonly lastLine: Effect.Effect<string, ProgramError>
  /** What it has used since it started. */
  readonly usage: Effect.Effect<Option.Option<Usage.Usage>>
}

export class Meter extends Context.Service<
  Meter,
  {
    /** Where CPU and memory figures come from. */
    readonly method: "wait4" | "proc" | "none"
    /** Runs to the end, or for `limitMillis`. Fails unless the exit code is 0. */
    readonly run: (invocation: Invocation, limitMillis: number) => Effect.Effect<Measured, ProgramError>
    /** Starts a process that is ended with the scope. */
    readonly start: (invocation: Invocation) => Effect.Effect<Daemon, ProgramError, Scope.Scope>
  }
>()("@piecework/bench/Meter") {
  static readonly layer = Layer.effect(
    Meter,
    Effect.suspend(() => make)
  )
}

/** Characters of standard error that are kept. */
const keptStderr = 2000

const make = Effect.gen(function* () {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const spawner = yield* ChildProcessSpawner.ChildProcessSpawner
  const timings = path.join(yield* fs.makeTempDirectoryScoped({ prefix: "piecework-bench-time-" }), "time")

  /** In a group of its own, so that ending `time` ends what it measures. */
  const spawn = Effect.fnUntraced(function* (invocation: Invocation) {
    const stderr = yield* Ref.make("")
    const error = (reason: ProgramError["reason"], more?: { readonly exitCode?: number; readonly cause?: unknown }) =>
      Effect.flatMap(Ref.get(stderr), (detail) => new ProgramError({ name: invocation.name, reason, detail, ...more }))
    const handle = yield* ChildProcess.make(invocation.command, invocation.args, {
      killSignal: "SIGTERM",
      forceKillAfter: "10 seconds",
      stdin: "ignore",
      detached: true
    }).pipe(
      Effect.provideService(ChildProcessSpawner.ChildProcessSpawner, spawner),
      Effect.catch((cause) => error("NotStarted", { cause }))
    )
    yield* handle.stderr.pipe(
      Stream.decodeText,
      Stream.runForEach((text) => Ref.update(stderr, (before) => (before + text).slice(-keptStderr))),
      Effect.ignore,
      Effect.forkScoped
    )
    return { handle, error }
  })

  const ofProcess = (pid: number): Effect.Effect<Option.Option<Usage.Usage>> =>
    Effect.zipWith(
      fs.readFileString(`/proc/${pid}/stat`),
      fs.readFileString(`/proc/${pid}/status`),
      Usage.fromProc
    ).pipe(Effect.orElseSucceed(() => Option.none<Usage.Usage>()))

  /** Runs a program as it is, for its time and output; `watch` goes on beside it. */
  const timed = (invocation: Invocation, limitMillis: number, watch: (pid: number) => Effect.Effect<void>) =>
    Effect.scoped(
      Effect.gen(function* () {
        const before = yield* Clock.currentTimeNanos
        const { handle, error } = yield* spawn(invocation)
        yield* Effect.forkScoped(watch(handle.pid))
        const outcome = Effect.all([Stream.mkString(Stream.decodeText(handle.stdout)), handle.exitCode], {
          concurrency: "unbounded"
        })
        const [stdout, exitCode] = yield* outcome.pipe(
          Effect.catch((cause) => error("Failed", { cause })),
          Effect.timeoutOrElse({ duration: limitMillis, orElse: () => error("TimedOut") })
        )
        const seconds = Number((yield* Clock.currentTimeNanos) - before) / 1e9
        if (exitCode !== 0) return yield* error("Failed", { exitCode })
        return { seconds, stdout }
      })
    )

  const runWithTime: Meter["Service"]["run"] = Effect.fn("Meter.run")(function* (invocation, limitMillis) {
    const { name, command, args } = invocation
    const wrapped = { name, command: "time", args: ["-f", Usage.timeFormat, "-o", timings, command, ...args] }
    const measured = yield* timed(wrapped, limitMillis, () => Effect.void)
    const usage = yield* fs.readFileString(timings).pipe(
      Effect.map(Usage.fromTime),
      Effect.orElseSucceed(() => Option.none<Usage.Usage>())
    )
    return { ...measured, usage }
  })

  const runWithSamples: Meter["Service"]["run"] = Effect.fn("Meter.run")(function* (invocation, limitMillis) {
    const last = yield* Ref.make(Option.none<Usage.Usage>())
    const measured = yield* timed(invocation, limitMillis, (pid) =>
      ofProcess(pid).pipe(
        Effect.flatMap((usage) => Ref.update(last, (before) => Option.orElse(usage, () => before))),
        Effect.repeat(Schedule.spaced("10 millis"))
      )
    )
    return { ...measured, usage: yield* Ref.get(last) }
  })

  const start: Meter["Service"]["start"] = Effect.fn("Meter.start")(function* (invocation) {
    const { handle, error } = yield* spawn(invocation)
    const first = yield* Deferred.make<string>()
    const last = yield* Ref.make("")
    // Read to the end: a full pipe must not stop it.
    const read = yield* handle.stdout.pipe(
      Stream.decodeText,
      Stream.splitLines,
      Stream.runForEach((line) => Effect.andThen(Deferred.succeed(first, line), Ref.set(last, line))),
      Effect.ignore,
      Effect.forkScoped
    )
    // What it says on standard error may come a little after the end of its output.
    const ended = Fiber.join(read).pipe(Effect.andThen(Effect.sleep("100 millis")), Effect.andThen(error("Failed")))
    return {
      name: invocation.name,
      pid: handle.pid,
      ended,
      firstLine: Effect.raceFirst(Deferred.await(first), ended),
      lastLine: handle.kill({ killSignal: "SIGTERM", forceKillAfter: "10 seconds" }).pipe(
        Effect.catch((cause) => error("Failed", { cause })),
        Effect.andThen(Fiber.join(read)),
        Effect.andThen(Ref.get(last))
      ),
      usage: ofProcess(handle.pid)
    }
  })

  const probe: Invocation = { name: "time", command: "true", args: [] }
  const hasTime = yield* runWithTime(probe, 5000).pipe(
    Effect.map(({ usage }) => Option.isSome(usage)),
    orFalse
  )
  const hasProc = Option.isSome(yield* ofProcess(process.pid))
  return Meter.of({
    method: hasTime ? "wait4" : hasProc ? "proc" : "none",
    run: hasTime ? runWithTime : runWithSamples,
    start
  })
})

/** The first line of a process as a value; waits for it at most `limitMillis`. */
export const announcement = <A>(
  daemon: Daemon,
  schema: Schema.Decoder<A>,
  limitMillis = 60_000
): Effect.Effect<A, ProgramError> => {
  const error = (reason: ProgramError["reason"], detail: string, cause?: unknown) =>
    new ProgramError({ name: daemon.name, reason, detail, ...(cause === undefined ? {} : { cause }) })
  return daemon.firstLine.pipe(
    Effect.timeoutOrElse({ duration: limitMillis, orElse: () => Effect.fail(error("TimedOut", "it said nothing")) }),
    Effect.flatMap((line) =>
      Schema.decodeUnknownEffect(Schema.fromJsonString(schema))(line).pipe(
        Effect.mapError((cause) => error("Unintelligible", line.slice(0, 200), cause))
      )
    )
  )
}

const orFalse = Effect.orElseSucceed(() => false)
