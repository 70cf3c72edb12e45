/** `piecework config`: the settings in force, and who says them. */
import { CacheKeeper } from "@piecework/cache/CacheKeeper"
import { termsOf } from "@piecework/cache/CacheRules"
import { Host } from "@piecework/host/Host"
import type * as Eligibility from "@piecework/policy/Eligibility"
import * as Policy from "@piecework/policy/Policy"
import { words } from "@piecework/policy/Provider"
import type { Setting } from "@piecework/policy/Setting"
import { find, type Name, names, settings } from "@piecework/policy/Settings"
import * as Ending from "@piecework/terminal/Ending"
import { Failure } from "@piecework/terminal/Failure"
import { Output } from "@piecework/terminal/Output"
import { Effect, Option } from "effect"
import { Command, Flag } from "effect/cli"
import * as CachePlace from "../CachePlace.ts"
import * as DevicePolicy from "../DevicePolicy.ts"
import { exitCodes } from "../ExitCode.ts"
import { defaultRoot } from "../StateFolder.ts"
import * as CacheExplained from "../view/CacheExplained.ts"
import { withStored } from "./existing.ts"
import * as options from "./options.ts"

const explain = Flag.String("explain").pipe(
  Flag.withDescription("everything about one setting"),
  Flag.withMetavar("NAME"),
  Flag.optional
)

export const config = Command.make(
  "config",
  { policy: options.policy, explain, state: options.state, json: options.json },
  Effect.fn("config")(function* (input) {
    yield* Ending.forPrograms(input.json)
    const output = yield* Output
    const policy = yield* DevicePolicy.load({ policy: input.policy })
    const one = Option.isSome(input.explain) ? yield* named(input.explain.value) : undefined
    if (input.json) {
      const shown = (one === undefined ? names : [one]).map((name) => forPrograms(policy, name))
      return yield* output.line(JSON.stringify(one === undefined ? shown : shown[0], null, 2))
    }
    if (one === undefined) return yield* output.line(table(policy))
    // That it is not there is told where it matters.
    const place = yield* Effect.orElseSucceed(CachePlace.named(policy), () => undefined)
    const folder = place ?? Option.getOrElse(input.state, () => defaultRoot(process.env))
    const verdict = yield* Effect.provide(DevicePolicy.peering(policy, folder), Host.layer())
    const cache = CacheExplained.names.has(one) ? yield* cacheHere(input, policy, one) : []
    return yield* output.line([explained(policy, one), ...here(one, verdict), ...cache].join("\n"))
  })
).pipe(
  Command.withDescription("Show the settings in force, and where each comes from"),
  Command.withExamples([
    { command: "piecework config", description: "All settings" },
    { command: "piecework config --explain DODownloadMode", description: "One of them, in full" }
  ])
)

/** What a setting of the cache does to the one of this device; nothing where there is none yet. */
const cacheHere = (input: { readonly state: Option.Option<string> }, policy: Policy.Policy, name: Name) =>
  Effect.gen(function* () {
    const keeper = yield* CacheKeeper
    const disk = yield* keeper.space
    return CacheExplained.here(name, termsOf(policy, disk?.total), disk, yield* keeper.list, keeper.directory)
  }).pipe(withStored(input.state, policy))

const named = (text: string): Effect.Effect<Name, Failure> => {
  const name = find(text)
  return name === undefined
    ? Effect.fail(new Failure({ sentence: `${text} is no setting; see piecework config.`, code: exitCodes.usage }))
    : Effect.succeed(name)
}

const forPrograms = (policy: Policy.Policy, name: Name) => {
  const { default: usual, deprecated, kind, since, summary, unit }: Setting<unknown> = settings[name]
  const { provider, value } = policy.effective(name)
  return {
    name,
    value: value ?? null,
    provider,
    default: usual ?? null,
    ...(unit === undefined ? {} : { unit }),
    allowed: kind.allowed,
    since,
    ...(deprecated === undefined ? {} : { deprecated }),
    summary,
    carriedOut: DevicePolicy.carriedOut.has(name)
  }
}

const table = (policy: Policy.Policy): string => {
  const rows = names.map((name) => {
    const { provider } = policy.effective(name)
    const isIdle = policy.isSet(name) && !DevicePolicy.carriedOut.has(name)
    return [name, shown(policy, name), `${words[provider]}${isIdle ? ", not carried out by this version" : ""}`]
  })
  const head = ["SETTING", "VALUE", "SAID BY"]
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]?.length ?? 0)))
  return [head, ...rows]
    .map((row) =>
      row
        .map((cell, i) => cell.padEnd(widths[i] ?? 0))
        .join("  ")
        .trimEnd()
    )
    .join("\n")
}

const explained = (policy: Policy.Policy, name: Name): string => {
  const { deprecated, kind, since, summary, unit }: Setting<unknown> = settings[name]
  const { provider } = policy.effective(name)
  return [
    `${name} is ${shown(policy, name)}, by ${words[provider]}.`,
    summary,
    `It takes ${kind.allowed}${unit === undefined ? "" : ` ${unit}`}; without a word from anybody it is ${shown(Policy.defaults, name)}. Since ${since}.`,
    ...(deprecated === undefined
      ? []
      : [
          `Deprecated since ${deprecated.since}.${deprecated.instead === undefined ? "" : ` Use ${deprecated.instead}.`}`
        ]),
    ...(DevicePolicy.carriedOut.has(name) ? [] : ["This version of piecework does not carry it out."])
  ].join("\n")
}

/** What the setting does to this device now: told of those that decide whether it has peers. */
const here = (name: Name, verdict: Eligibility.Verdict): ReadonlyArray<string> => {
  const against = verdict.filter(({ setting }) => setting === name)
  if (against.length > 0) return against.map(({ sentence }) => `This device has no peers now: ${sentence}.`)
  if (!decidesPeering.has(name)) return []
  return [
    verdict.length === 0 ? "This device may have peers now." : "It is not what keeps this device from having peers."
  ]
}

const decidesPeering: ReadonlySet<Name> = new Set([
  "DODownloadMode",
  "DOMinRAMAllowedToPeer",
  "DOMinDiskSizeAllowedToPeer",
  "DOAllowVPNPeerCaching"
])

/** A value in words: with its unit, or that there is none. */
const shown = (policy: Policy.Policy, name: Name): string => {
  const value: unknown = policy.get(name)
  const { unit }: Setting<unknown> = settings[name]
  if (value === undefined) return "not set"
  if (typeof value === "boolean") return value ? "yes" : "no"
  if (Array.isArray(value)) return value.length === 0 ? "none" : value.join(", ")
  if (typeof value === "object") return JSON.stringify(value)
  return unit === undefined ? String(value) : `${String(value)} ${unit}`
}
