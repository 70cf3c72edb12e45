/** What an error is called where its sentence is too long: in columns, filters and searches. */
import { Cause, Option } from "effect"
import { redact } from "./Redaction.ts"

/**
 * The number that Delivery Optimization has for the error, as `0x80d06811`; else the system's word for it, such as `ENOSPC`; else the
 * error's own tag, with its reason where it has one: `SourceError.NotFound`. Empty for what is no error.
 */
export const codeOf = (error: unknown): string => {
  let tag = ""
  let at = error
  for (let depth = 0; depth < 8 && typeof at === "object" && at !== null; depth++) {
    const found = numberOf(at) ?? systemWordOf(at)
    if (found !== undefined) return found
    if (tag === "") tag = tagOf(at)
    at = field(at, "cause") ?? field(at, "reason")
  }
  return redact(tag, 64)
}

/** Of what an effect ended with: the first of its failures, else of its defects. */
export const codeOfCause = (cause: Cause.Cause<unknown>): string => {
  if (cause.reasons.length === 0) return ""
  const failure = Option.getOrUndefined(Cause.findErrorOption(cause))
  return codeOf(failure ?? Cause.squash(cause)) || (Cause.hasInterruptsOnly(cause) ? "Interrupted" : "")
}

const numberOf = (error: object): string | undefined => {
  for (const name of ["doCode", "code"]) {
    const value = field(error, name)
    if (typeof value !== "number" || !Number.isInteger(value)) continue
    // A number of Delivery Optimization, with the sign or without; small numbers are of something else.
    const unsigned = value < 0 ? value + 2 ** 32 : value
    if (unsigned >= 2 ** 31 && unsigned < 2 ** 32) return `0x${unsigned.toString(16)}`
  }
  return undefined
}

const systemWordOf = (error: object): string | undefined => {
  const code = field(error, "code")
  return typeof code === "string" && /^[A-Z][A-Z0-9_]{1,63}$/.test(code) ? code : undefined
}

const tagOf = (error: object): string => {
  const tag = field(error, "_tag")
  const reason = field(error, "reason")
  const name = typeof tag === "string" ? tag : error instanceof Error ? error.name : ""
  return name !== "" && typeof reason === "string" && reason.length <= 40 ? `${name}.${reason}` : name
}

const field = (value: object, name: string): unknown => {
  try {
    return (value as { readonly [name: string]: unknown })[name]
  } catch {
    return undefined
  }
}
