/**
 * The settings in force: of each the value of the strongest provider that has a sound one, and what was wrong with the
 * others. A value that is no value of its setting is left out with a warning, and the next weaker provider's holds.
 */
import { Result } from "effect"
import { type Provider, providers, words } from "./Provider.ts"
import type { Setting } from "./Setting.ts"
import { find, type Name, names, settings, type ValueOf } from "./Settings.ts"

/** What one provider says, as it came: by name, in JSON's values or as text. */
export interface Said {
  readonly provider: Provider
  readonly values: { readonly [name: string]: unknown }
}

export interface Effective<N extends Name> {
  readonly value: ValueOf<N>
  readonly provider: Provider
}

export type Warning =
  | { readonly _tag: "Unknown"; readonly name: string; readonly provider: Provider; readonly nearest: Name | undefined }
  | {
      readonly _tag: "WrongType" | "OutOfRange"
      readonly name: Name
      readonly provider: Provider
      /** What was given, shortened. */
      readonly given: string
    }
  | { readonly _tag: "NotForServices"; readonly name: Name; readonly provider: Provider }
  | { readonly _tag: "Deprecated"; readonly name: Name; readonly provider: Provider }

export class Policy {
  readonly warnings: ReadonlyArray<Warning>
  private readonly said: ReadonlyMap<Name, { readonly value: unknown; readonly provider: Provider }>

  constructor(said: Policy["said"], warnings: ReadonlyArray<Warning>) {
    this.said = said
    this.warnings = warnings
  }

  get<N extends Name>(name: N): ValueOf<N> {
    return this.effective(name).value
  }

  /** The value, and who says it. */
  effective<N extends Name>(name: N): Effective<N> {
    const said = this.said.get(name)
    return (said ?? { value: settings[name].default, provider: "Default" }) as Effective<N>
  }

  /** With what another says of settings of which nobody stronger says anything here. */
  with(other: Policy): Policy {
    const said = new Map(this.said)
    for (const [name, one] of other.said) {
      const mine = said.get(name)
      if (mine === undefined || strength(mine.provider) <= strength(one.provider)) said.set(name, one)
    }
    return new Policy(said, [...this.warnings, ...other.warnings])
  }

  /** Whether somebody said it, be it what the default is. */
  isSet(name: Name): boolean {
    return this.said.has(name)
  }
}

/** Puts what the providers say together, in whatever order they come. */
export const resolve = (all: ReadonlyArray<Said>): Policy => {
  const said = new Map<Name, { readonly value: unknown; readonly provider: Provider }>()
  const warnings: Array<Warning> = []
  for (const { provider, values } of all.toSorted((a, b) => strength(a.provider) - strength(b.provider))) {
    for (const [given, raw] of Object.entries(values)) {
      const name = find(given)
      if (name === undefined) {
        warnings.push({ _tag: "Unknown", name: shortened(given), provider, nearest: nearestTo(given) })
        continue
      }
      const setting: Setting<unknown> = settings[name]
      if (setting.isLocal === true && services.has(provider)) {
        warnings.push({ _tag: "NotForServices", name, provider })
        continue
      }
      const decoded: Result.Result<unknown, "WrongType" | "OutOfRange"> = setting.kind.decode(raw)
      if (Result.isFailure(decoded)) {
        warnings.push({ _tag: decoded.failure, name, provider, given: shortened(raw) })
        continue
      }
      if (setting.deprecated !== undefined) warnings.push({ _tag: "Deprecated", name, provider })
      said.set(name, { value: decoded.success, provider })
    }
  }
  return new Policy(said, warnings)
}

/** Nothing said by anybody. */
export const defaults: Policy = new Policy(new Map(), [])

/** A warning as a sentence. */
export const sentence = (warning: Warning): string => {
  const where = words[warning.provider]
  switch (warning._tag) {
    case "Unknown": {
      const hint = warning.nearest === undefined ? "" : ` Did you mean ${warning.nearest}?`
      return `${warning.name} in ${where} is no setting, and is ignored.${hint}`
    }
    case "NotForServices":
      return `${warning.name} in ${where} is ignored: only the device itself may say it.`
    case "WrongType":
    case "OutOfRange": {
      const { kind, unit } = settings[warning.name] as Setting<unknown>
      const allowed = `${kind.allowed}${unit === undefined ? "" : ` ${unit}`}`
      return `${warning.name} in ${where} is ${warning.given}, and is ignored: it takes ${allowed}.`
    }
    case "Deprecated": {
      const { deprecated } = settings[warning.name] as Setting<unknown>
      const instead = deprecated?.instead === undefined ? "" : ` Use ${deprecated.instead}.`
      return `${warning.name} in ${where} is deprecated since ${deprecated?.since ?? "long ago"}.${instead}`
    }
  }
}

const services: ReadonlySet<Provider> = new Set(["KeyValueService", "ContentPolicy"])

const strength = (provider: Provider): number => providers.indexOf(provider)

/** A value in words: with its unit, or that there is none. */
export const shown = (policy: Policy, name: Name): string => {
  const value: unknown = policy.get(name)
  const { unit }: Setting<unknown> = settings[name]
  if (value === undefined) return "not set"
  if (value === "") return "empty"
  if (typeof value === "boolean") return value ? "yes" : "no"
  if (Array.isArray(value)) return value.length === 0 ? "none" : value.join(", ")
  if (typeof value === "object") return JSON.stringify(value)
  return unit === undefined ? String(value) : `${String(value)} ${unit}`
}

/** What was given, short enough for a sentence. */
const shortened = (raw: unknown): string => {
  const text = typeof raw === "string" ? raw : (JSON.stringify(raw) ?? String(raw))
  return text.length > 60 ? `${text.slice(0, 60)}…` : text
}

/** A setting whose name differs by a few letters at most. */
const nearestTo = (given: string): Name | undefined => {
  if (given.length > 60) return undefined
  const wanted = given.toLowerCase()
  const ranked = names
    .map((name) => ({ name, distance: distance(wanted, name.toLowerCase()) }))
    .toSorted((a, b) => a.distance - b.distance)
  const best = ranked[0]
  return best !== undefined && best.distance <= Math.max(2, wanted.length / 5) ? best.name : undefined
}

/** Insertions, deletions and replacements between two texts (Levenshtein). */
const distance = (a: string, b: string): number => {
  let row = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, replaced))
    }
    row = next
  }
  return row[b.length] ?? 0
}
