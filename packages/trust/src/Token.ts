/**
 * The secrets that the service hands out: `pwo_<id>_<secret>` for operators, `pws_…` for a session of theirs in a browser, `pwe_…` to
 * enrol devices with, `pwd_…` as a device's credential. The secret is 256 random bits, so what is kept of it is a plain SHA-256: nobody can go through the
 * candidates, with a slow hash or a fast one, and a slow one would only let callers keep the service busy.
 */
import { hash, randomBytes, timingSafeEqual } from "node:crypto"
import { Effect, Redacted } from "effect"

export type Kind = "Operator" | "Enrolment" | "Device" | "Session"

export const prefixes = { Operator: "pwo", Enrolment: "pwe", Device: "pwd", Session: "pws" } as const satisfies Record<
  Kind,
  string
>

/** Longest text that can be one of ours, in characters; all of them have 64. */
export const maxLength = 128

export interface Minted {
  /** 16 lower-case hex digits; no secret. */
  readonly id: string
  /** The whole token: shown once, and kept by nobody. */
  readonly text: Redacted.Redacted<string>
  readonly hash: string
}

/** What came in as a token. */
export interface Presented {
  /** `undefined` for a text that is no token of ours. */
  readonly named: { readonly kind: Kind; readonly id: string } | undefined
  /** Of the text, whatever it is. */
  readonly hash: string
}

/** A new secret; under the id of one that it takes the place of, when there is one. */
export const mint = (kind: Kind, id?: string): Effect.Effect<Minted> =>
  Effect.sync(() => {
    const name = id ?? randomBytes(8).toString("hex")
    const text = `${prefixes[kind]}_${name}_${randomBytes(32).toString("base64url")}`
    return { id: name, text: Redacted.make(text, { label: `${prefixes[kind]}_${name}` }), hash: hashOf(text) }
  })

/** Costs the same whatever the text is; of one that is too long only the beginning is looked at. */
export const present = (text: string): Presented => {
  const bounded = text.slice(0, maxLength)
  const match = text.length > maxLength ? null : form.exec(bounded)
  const kind = kinds[match?.[1] ?? ""]
  return {
    named: kind === undefined || match?.[2] === undefined ? undefined : { kind, id: match[2] },
    hash: hashOf(bounded)
  }
}

/** Base64url of the SHA-256. */
export const hashOf = (text: string): string => hash("sha256", text, "base64url")

/** Takes as long for hashes that differ in their first letter as for those that are the same. */
export const isSame = (one: string, other: string): boolean => {
  const [a, b] = [Buffer.from(one), Buffer.from(other)]
  return a.length === b.length && timingSafeEqual(a, b)
}

const form = /^(pw[oeds])_([0-9a-f]{16})_[\w-]{43}$/

const kinds: { readonly [prefix: string]: Kind } = { pwo: "Operator", pwe: "Enrolment", pwd: "Device", pws: "Session" }
