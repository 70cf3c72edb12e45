/** How downloads end, counted where they do: by the mode they ran in, and why in another one than was asked for. A look at the end of each. */
import { DownloadMode, ModeReason } from "@piecework/domain/DownloadMode"
import { Cause, Effect, Exit, Metric } from "effect"
import type { Standing } from "./Standing.ts"

export const outcomes = ["completed", "failed", "stopped"] as const
export type Outcome = (typeof outcomes)[number]

export const outcomeOf = (exit: Exit.Exit<unknown, unknown>): Outcome => {
  if (Exit.isSuccess(exit)) return "completed"
  return Cause.hasInterruptsOnly(exit.cause) ? "stopped" : "failed"
}

/** "HttpOnly" as labels have it: "http-only". */
export const word = (name: string): string => name.replace(/(?<=[a-z0-9])(?=[A-Z])/g, "-").toLowerCase()

const downloads = Metric.counter("piecework_device_downloads_total", {
  description: "Downloads of files that have ended, by how, and by the mode they ran in.",
  incremental: true
})

const fallbacks = Metric.counter("piecework_device_fallbacks_total", {
  description: "Those of them that ran in another mode than was asked for, by the reason.",
  incremental: true
})

export const note = (
  exit: Exit.Exit<unknown, unknown>,
  { settled }: Pick<Standing, "settled">,
  asked: DownloadMode
): Effect.Effect<void> => {
  const mode = settled?.mode ?? asked
  const ended = Metric.withAttributes(downloads, { outcome: outcomeOf(exit), mode: word(mode) })
  const reason = settled?.why.reason
  return reason === undefined || reason === "Requested"
    ? Metric.update(ended, 1)
    : Effect.andThen(
        Metric.update(ended, 1),
        Metric.update(Metric.withAttributes(fallbacks, { reason: word(reason) }), 1)
      )
}

/** So that each is there before it counts anything. */
export const begin: Effect.Effect<void> = Effect.gen(function* () {
  for (const mode of DownloadMode.literals) {
    for (const outcome of outcomes) {
      yield* Metric.update(Metric.withAttributes(downloads, { outcome, mode: word(mode) }), 0)
    }
  }
  for (const reason of ModeReason.literals) {
    if (reason !== "Requested") yield* Metric.update(Metric.withAttributes(fallbacks, { reason: word(reason) }), 0)
  }
})
