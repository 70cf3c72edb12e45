/** Numbers as people read them; those that all programs write alike are the domain's. */
import { count } from "@piecework/domain/Amount"

export { bytes, count } from "@piecework/domain/Amount"

/** 0.874 → "87.4 %"; "-" where there is none. */
export const share = (part: number | undefined): string => (part === undefined ? "-" : `${(100 * part).toFixed(1)} %`)

/** How long ago, from milliseconds: "12 seconds", "3 hours", "2 days". */
export const span = (millis: number): string => {
  const seconds = Math.max(0, Math.round(millis / 1000))
  if (seconds < 120) return count(seconds, "second")
  if (seconds < 7200) return count(Math.floor(seconds / 60), "minute")
  return seconds < 172_800 ? count(Math.floor(seconds / 3600), "hour") : count(Math.floor(seconds / 86_400), "day")
}
