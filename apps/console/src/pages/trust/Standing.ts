/** Whether a token or a device is good for something. Pure. */
import type { Credential } from "@piecework/trust/Credential"
import type { Tone } from "../../parts/Tag.tsx"

export interface Standing {
  readonly word: "Good" | "Revoked" | "Expired" | "Used up"
  readonly tone: Tone
}

/** `now` is epoch milliseconds. */
export const of = (one: Credential, now: number): Standing => {
  if (one.revokedAt !== null) return { word: "Revoked", tone: "error" }
  if (one.isAlive(now)) return { word: "Good", tone: "good" }
  return one.usesLeft === 0 ? { word: "Used up", tone: "none" } : { word: "Expired", tone: "warning" }
}

/** How long something shall be good, as a person chooses it; in seconds, and "" for ever. */
export const lifetimes = [
  { value: String(86_400), label: "a day" },
  { value: String(30 * 86_400), label: "30 days" },
  { value: String(365 * 86_400), label: "a year" },
  { value: "", label: "for ever" }
]

/** As a call wants it. */
export const lifetimeOf = (value: string): { readonly lifetimeSeconds?: number } =>
  value === "" ? {} : { lifetimeSeconds: Number(value) }
