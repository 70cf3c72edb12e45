/**
 * What a setting is: a kind of value with its bounds, a default, and words for people. A value from outside is taken as it
 * is or not at all: one past its bounds is never bent to fit.
 */
import { Result } from "effect"

export type Unit = "s" | "KB/s" | "MB" | "GB" | "bytes" | "%"

/** Why a value from outside is none of this setting. */
export type Misfit = "WrongType" | "OutOfRange"

/** A kind of value. */
export interface Kind<A> {
  /** Takes numbers, texts, lists and objects as JSON has them; a text also where it stands for a number, as environments give it. */
  readonly decode: (raw: unknown) => Result.Result<A, Misfit>
  /** What is allowed, in words: "1 to 100". */
  readonly allowed: string
  /** The same as a JSON Schema (draft 2020-12). */
  readonly jsonSchema: { readonly [keyword: string]: unknown }
}

export interface Setting<A> {
  readonly kind: Kind<A>
  readonly unit?: Unit
  /** What holds when nobody says anything; `undefined` where that is a state of its own. */
  readonly default: A | undefined
  /** Windows 10 release, or "Win11"; "Piecework" for our own. */
  readonly since: string
  /** It is still taken, and its use is reported. */
  readonly deprecated?: { readonly since: string; readonly instead?: string }
  /** What it does, for the person who sets it. */
  readonly summary: string
  /** Only the device itself may say it, and no service: it names a place on the device. */
  readonly isLocal?: true
}

/** Whole numbers from `min` to `max`, both allowed. */
export const int = (min: number, max: number): Kind<number> => ({
  decode: (raw) => {
    const value = numberOf(raw)
    if (value === undefined || !Number.isInteger(value)) return Result.fail("WrongType")
    return value >= min && value <= max ? Result.succeed(value) : Result.fail("OutOfRange")
  },
  allowed: `${min} to ${max}`,
  jsonSchema: { type: "integer", minimum: min, maximum: max }
})

/** One of some numbers, each with its name. */
export const choice = <const N extends number>(names: { readonly [K in N]: string }): Kind<N> => {
  const values = Object.keys(names).map(Number) as Array<N>
  return {
    decode: (raw) => {
      const value = numberOf(raw)
      if (value === undefined) return Result.fail("WrongType")
      const found = values.find((one) => one === value)
      return found === undefined ? Result.fail("OutOfRange") : Result.succeed(found)
    },
    allowed: values.map((value) => `${value} (${names[value]})`).join(", "),
    jsonSchema: { oneOf: values.map((value) => ({ const: value, title: names[value] })) }
  }
}

/** 0 or 1; JSON's booleans, too. */
export const flag: Kind<boolean> = {
  decode: (raw) => {
    if (typeof raw === "boolean") return Result.succeed(raw)
    if (raw === "true" || raw === "false") return Result.succeed(raw === "true")
    const value = numberOf(raw)
    if (value === undefined) return Result.fail("WrongType")
    return value === 0 || value === 1 ? Result.succeed(value === 1) : Result.fail("OutOfRange")
  },
  allowed: "0 (no), 1 (yes)",
  jsonSchema: { enum: [0, 1, false, true] }
}

/** Longest text that is taken. */
const longestText = 4096

/** Text without line ends and other control characters, spaces around it taken away. */
export const text: Kind<string> = {
  decode: (raw) => {
    if (typeof raw !== "string") return Result.fail("WrongType")
    // oxlint-disable-next-line no-control-regex -- they are what must not get through
    if (raw.length > longestText || /[\u0000-\u001f\u007f]/.test(raw)) return Result.fail("OutOfRange")
    return Result.succeed(raw.trim())
  },
  allowed: "text",
  jsonSchema: { type: "string", maxLength: longestText }
}

/** Texts separated by commas, or a list of them; an empty text is an empty list, which is something else than none. */
export const list: Kind<ReadonlyArray<string>> = {
  decode: (raw) => {
    const parts = typeof raw === "string" ? raw.split(",") : raw
    if (!Array.isArray(parts)) return Result.fail("WrongType")
    if (parts.length > mostEntries) return Result.fail("OutOfRange")
    const entries: Array<string> = []
    for (const part of parts) {
      const entry = text.decode(part)
      if (Result.isFailure(entry)) return Result.fail(entry.failure)
      if (entry.success !== "") entries.push(entry.success)
    }
    return Result.succeed(entries)
  },
  allowed: "texts separated by commas",
  jsonSchema: {
    oneOf: [
      { type: "string", maxLength: longestText },
      { type: "array", items: { type: "string", maxLength: longestText }, maxItems: 64 }
    ]
  }
}

/** Most entries of a list. */
const mostEntries = 64

/** A part of each day, by the hours of the device's own clock, and what holds inside of it and outside. */
export interface Hours {
  /** 0 to 23; the hour in which it begins. */
  readonly from: number
  /** 0 to 23; the hour at whose beginning it is over. Before `from`, it is on the next day. */
  readonly to: number
  /** Percent of the bandwidth, 0 to 100; 0 is no limit of this kind. */
  readonly inside: number
  readonly outside: number
}

const hour = int(0, 23)
const percent = int(0, 100)

/** Four numbers: "8,17,50,0" as text or list, or an object with the names of `Hours`. */
export const hours: Kind<Hours> = {
  decode: (raw) => {
    const parts = partsOf(raw)
    if (parts === undefined || parts.length !== 4) return Result.fail("WrongType")
    const [from, to, inside, outside] = parts
    return Result.all({
      from: hour.decode(from),
      to: hour.decode(to),
      inside: percent.decode(inside),
      outside: percent.decode(outside)
    })
  },
  allowed: "from hour (0 to 23), to hour (0 to 23), percent inside, percent outside (0 to 100)",
  jsonSchema: {
    oneOf: [
      {
        type: "object",
        properties: {
          from: hour.jsonSchema,
          to: hour.jsonSchema,
          inside: percent.jsonSchema,
          outside: percent.jsonSchema
        },
        required: ["from", "to", "inside", "outside"],
        additionalProperties: false
      },
      {
        type: "array",
        prefixItems: [hour, hour, percent, percent].map((kind) => kind.jsonSchema),
        items: false,
        minItems: 4
      },
      { type: "string" }
    ]
  }
}

const partsOf = (raw: unknown): ReadonlyArray<unknown> | undefined => {
  if (typeof raw === "string") return raw.split(",")
  if (Array.isArray(raw)) return raw
  if (typeof raw !== "object" || raw === null) return undefined
  const named = raw as { readonly [name: string]: unknown }
  if (Object.keys(named).some((name) => !["from", "to", "inside", "outside"].includes(name))) return undefined
  return [named["from"], named["to"], named["inside"], named["outside"]]
}

/** A number, or the text of one; nothing else counts as a number. */
const numberOf = (raw: unknown): number | undefined => {
  if (typeof raw === "number") return Number.isFinite(raw) ? raw : undefined
  return typeof raw === "string" && /^\s*-?\d{1,15}\s*$/.test(raw) ? Number(raw) : undefined
}
