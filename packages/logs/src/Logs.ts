/**
 * The log of a program while it runs: what is said by `Effect.log…` and `Journal` goes to the files of a folder, and to standard error
 * as far as the level asks for it. Entries wait for each other half a second, errors do not; all that waits is written when the
 * program ends, however it ends but for `kill -9`. A log that cannot be written stops nothing: standard error is told once.
 */
import { existsSync } from "node:fs"
import { threadId } from "node:worker_threads"
import {
  ByteSize,
  Cause,
  Clock,
  Duration,
  Effect,
  Exit,
  Latch,
  Layer,
  Logger,
  type LogLevel,
  References,
  Scope
} from "effect"
import * as Journal from "./Journal.ts"
import { ofEffect, upTo } from "./Level.ts"
import * as LogConfig from "./LogConfig.ts"
import { encode } from "./LogEntry.ts"
import * as LogFile from "./LogFile.ts"
import { verboseIn } from "./LogFolder.ts"
import * as LogText from "./LogText.ts"
import { entryOf, of, type Said, type Speaker } from "./Said.ts"

export const formats = ["text", "json"] as const
export type Format = (typeof formats)[number]

export interface Options {
  /** What the entries call it, like `agent`. */
  readonly program: string
  /** Where the files lie; none are written where there is none. */
  readonly folder: string | undefined
  /**
   * Of what is said on standard error; `text` leaves that as it is, `json` is a line as in the files for each entry, `logfmt` one of names
   * and values.
   */
  readonly format: Format | "logfmt"
  /** How much is kept; default what the environment says. */
  readonly config?: LogConfig.LogOptions | undefined
  /** What is said on standard error. Default what the fiber's own level lets through. */
  readonly minimum?: LogLevel.LogLevel | undefined
  /** Whether verbose entries are written when that is switched on, whatever `minimum` says; else by `minimum` alone. Default true. */
  readonly isSwitched?: boolean | undefined
  /** Entries that nobody wants to read. */
  readonly hides?: ((said: Logger.Options<unknown>) => boolean) | undefined
  /** Whether standard error is told when the files cannot be written. Default true. */
  readonly complains?: boolean | undefined
}

/** Runs the program with its log. What of it goes to standard error is what its `MinimumLogLevel` lets through. */
export const kept =
  (options: Options) =>
  <A, E, R>(program: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.scopedWith((scope) =>
      Effect.flatMap(Scope.provide(layerOf(options), scope), (layer) =>
        Effect.provide(Effect.onExit(program, ended), layer)
      )
    )

/** The same for programs that are layers; how they end they say themselves. */
export const layer = (options: Options): Layer.Layer<never> => Layer.unwrap(layerOf(options))

/** What a program fails with, standard error is told of by the program. */
const ended = (exit: Exit.Exit<unknown, unknown>): Effect.Effect<void> => {
  if (Exit.isSuccess(exit)) return Effect.void
  const { cause } = exit
  if (Cause.hasInterruptsOnly(cause)) return Journal.note(() => ["The program was told to stop."])
  const error = Cause.squash(cause)
  return Journal.note(
    () => (error instanceof Error ? ["The program failed:", {}, error] : ["The program failed."]),
    "Error"
  )
}

const layerOf = Effect.fnUntraced(function* (options: Options) {
  const minimum = options.minimum ?? (yield* References.MinimumLogLevel)
  const before = yield* Logger.CurrentLoggers
  const speaker = { program: options.program, processId: process.pid, threadId }
  const shown = upTo(minimum)
  const onScreen = options.format === "text" ? [...before] : [linesTo(speaker, options.format)]
  const isSwitched = options.folder !== undefined && options.isSwitched !== false
  const files =
    options.folder === undefined
      ? undefined
      : yield* keepFiles(options.folder, speaker, { ...options, verbose: isSwitched ? "Switched" : shown === 5 })
  const keepsVerbose = () => files?.isVerbose() === true
  const isVerbose = () => shown === 5 || keepsVerbose()
  const keeper: Journal.Keeper = { isVerbose, keepsVerbose, keep: files?.keep ?? (() => undefined) }
  const loggers = [
    ...onScreen.map((logger) => upToLevel(logger, shown)),
    ...(files === undefined ? [] : [files.logger])
  ]
  const { hides } = options
  return Layer.mergeAll(
    Logger.layer(hides === undefined ? loggers : loggers.map((logger) => unless(logger, hides))),
    // Who wants what is asked of each entry then: that changes while the program runs.
    Layer.succeed(References.MinimumLogLevel, isSwitched ? "Debug" : minimum),
    Layer.succeed(Journal.Journal, keeper)
  )
})

/** Writes to standard error. */
const linesTo = (speaker: Speaker, format: "json" | "logfmt"): Logger.Logger<unknown, void> => {
  const lineOf = format === "json" ? encode : LogText.logfmt
  return Logger.make((said) => void process.stderr.write(`${lineOf(entryOf(speaker, of(said)))}\n`))
}

const upToLevel = <A>(logger: Logger.Logger<unknown, A>, most: number): Logger.Logger<unknown, void> =>
  Logger.make((said) => {
    if (ofEffect(said.logLevel) <= most) logger.log(said)
  })

const unless = (
  logger: Logger.Logger<unknown, void>,
  hides: (said: Logger.Options<unknown>) => boolean
): Logger.Logger<unknown, void> =>
  Logger.make((said) => {
    if (!hides(said)) logger.log(said)
  })

/** In its scope: files, who writes what waits, and who looks whether verbose entries are wanted. */
const keepFiles = Effect.fnUntraced(function* (
  folder: string,
  speaker: Speaker,
  {
    complains = true,
    config: given,
    verbose
  }: Pick<Options, "complains" | "config"> & { readonly verbose: "Switched" | boolean }
) {
  // A setting that cannot be read is as good as none: nobody loses a download by it.
  const config = given ?? (yield* Effect.orElseSucceed(LogConfig.config, () => LogConfig.defaults))
  const clock = yield* Clock.Clock
  const now = () => clock.currentTimeMillisUnsafe()
  const keepMillis = Duration.toMillis(config.keep)
  const file = LogFile.make({
    folder,
    fileBytes: ByteSize.toNumberUnsafe(config.fileSize),
    files: config.files,
    fileAgeMillis: Duration.toMillis(config.fileAge),
    keepMillis,
    now,
    lost: (count, code) => encode(LogText.lost(speaker, new Date(now()), count, code))
  })
  // Also where the process ends without its scopes: after an error that nobody caught.
  const atExit = () => void file.flush()
  yield* Effect.acquireRelease(
    Effect.sync(() => process.on("exit", atExit)),
    () =>
      Effect.sync(() => {
        process.off("exit", atExit)
        file.close()
      })
  )
  const waits = yield* Latch.make(false)
  let hasSaid = false
  const flush = Effect.suspend(() => {
    const trouble = file.flush()
    const isNews = complains && trouble !== undefined && !hasSaid
    hasSaid = trouble !== undefined
    if (isNews) process.stderr.write(`${LogText.unwritable(speaker.program, folder, trouble)}\n`)
    return Effect.void
  })
  yield* Effect.forkScoped(
    Effect.forever(
      waits.await.pipe(
        Effect.andThen(waits.close),
        Effect.andThen(Effect.sleep(config.flushAfter)),
        Effect.andThen(flush),
        // What could not be written is tried again.
        Effect.andThen(Effect.suspend(() => (file.isWaiting() ? waits.open : Effect.void)))
      )
    )
  )
  const lookMillis = Duration.toMillis(config.lookEvery)
  let isOn = false
  let lookedAt = -Infinity
  /** Looked at when somebody has something to say, and not by a clock of its own: a program that is idle stays so. */
  const isVerbose = (): boolean => {
    if (verbose !== "Switched") return verbose
    const at = now()
    // A clock that was set back is looked at, too.
    if (at >= lookedAt && at - lookedAt < lookMillis) return isOn
    lookedAt = at
    return (isOn = existsSync(verboseIn(folder)))
  }

  const keep = (said: Said) => {
    const level = ofEffect(said.logLevel)
    if (level === 5 && !isVerbose()) return
    file.add(encode(entryOf(speaker, said)))
    // Whoever says an error may not live long.
    if (level <= 2) file.flush()
    else waits.openUnsafe()
  }
  const logger = Logger.make<unknown, void>((said) => {
    // Most of what is verbose nobody wants, and then it costs nothing more.
    if (ofEffect(said.logLevel) < 5 || isVerbose()) keep(of(said))
  })
  return { keep, logger, isVerbose }
})
