/**
 * How the rooms say what administrators look for in the log, at no cost while nobody keeps one: what is said is made only if it is wanted.
 * Warnings and errors are said as everywhere, by `Effect.logWarning` and the like.
 */
import { Cause, Clock, Context, Effect, type Fiber, LogLevel, References } from "effect"
import { placeOf, type Said as Spoken } from "./Said.ts"

/** Who keeps the log of this program; nobody, unless `Logs` says otherwise. */
export const Journal: Context.Reference<Keeper | undefined> = Context.Reference<Keeper | undefined>(
  "@piecework/logs/Journal",
  { defaultValue: () => undefined }
)

export interface Keeper {
  /** Whether verbose entries are written just now, or said on standard error. */
  readonly isVerbose: () => boolean
  /** Whether they are written. */
  readonly keepsVerbose: () => boolean
  /** Writes to the files alone. */
  readonly keep: (said: Spoken) => void
}

/** A sentence, what belongs to it by name, and the errors that it is about. */
export type Said = readonly [
  text: string,
  notes?: { readonly [name: string]: unknown },
  ...errors: ReadonlyArray<Error>
]

/** For whoever looks closely: written only after `piecework log verbose on`, or where the level is debug. */
export const verbose = (said: () => Said): Effect.Effect<void> =>
  Effect.withFiber((fiber) => {
    if (!isVerbose(fiber)) return Effect.void
    const [text, notes = {}, ...errors] = said()
    return Effect.logDebug(text, notes, ...errors)
  })

/** For the files alone: nobody who watches a download wants to read it in between. */
export const note = (said: () => Said, level: "Info" | "Warn" | "Error" = "Info"): Effect.Effect<void> =>
  Effect.withFiber((fiber) => kept(fiber, level, said))

/** The same, where verbose entries are wanted. */
export const verboseNote = (said: () => Said): Effect.Effect<void> =>
  Effect.withFiber((fiber) =>
    fiber.getRef(Journal)?.keepsVerbose() === true ? kept(fiber, "Debug", said) : Effect.void
  )

/** Takes what may be said; where that turns out to be nothing new, it answers `undefined`. */
export type Pen = (said: () => Said | undefined) => void

/** For plain code, also when the fiber is elsewhere: what is said by the function is written as `verboseNote` would. */
export const pen: Effect.Effect<Pen> = Effect.withFiber((fiber) => {
  const keeper = fiber.getRef(Journal)
  if (keeper === undefined) return Effect.succeed(() => undefined)
  const clock = fiber.getRef(Clock.Clock)
  const place = placeOf(fiber)
  return Effect.succeed((said: () => Said | undefined) => {
    const message = keeper.keepsVerbose() ? said() : undefined
    if (message !== undefined) keeper.keep(spoken("Debug", message, clock, place))
  })
})

const isVerbose = (fiber: Fiber.Fiber<unknown, unknown>): boolean => {
  const keeper = fiber.getRef(Journal)
  if (keeper !== undefined) return keeper.isVerbose()
  return LogLevel.isLessThanOrEqualTo(fiber.getRef(References.MinimumLogLevel), "Debug")
}

const kept = (fiber: Fiber.Fiber<unknown, unknown>, logLevel: LogLevel.Severity, said: () => Said) => {
  fiber.getRef(Journal)?.keep(spoken(logLevel, said(), fiber.getRef(Clock.Clock), placeOf(fiber)))
  return Effect.void
}

const spoken = (
  logLevel: LogLevel.Severity,
  message: Said,
  clock: Clock.Clock,
  place: ReturnType<typeof placeOf>
): Spoken => ({
  cause: Cause.empty,
  date: new Date(clock.currentTimeMillisUnsafe()),
  logLevel,
  message,
  ...place
})
