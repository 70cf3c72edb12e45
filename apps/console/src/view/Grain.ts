/** How finely figures over time are asked for: the service answers so many rows of minutes, so longer times are of hours. Pure. */
import { maxRows } from "@piecework/cloud/CacheNodeAdminRpcs"

export type Grain = "Minute" | "Hour"

/** Milliseconds. */
export const lengths: Readonly<Record<Grain, number>> = { Minute: 60_000, Hour: 3_600_000 }

export const of = (hours: number): Grain => (hours * 60 <= maxRows ? "Minute" : "Hour")
