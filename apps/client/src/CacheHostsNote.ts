/** Which cache servers an agent knows, in `cachehosts.json` of the state folder, for `status` and `config`: bans are the agent's own. */
import * as CacheHost from "@piecework/cachehosts/CacheHost"
import { CacheHosts, type KnownHost } from "@piecework/cachehosts/CacheHosts"
import * as Hosts from "@piecework/cachehosts/Hosts"
import type { Policy } from "@piecework/policy/Policy"
import { Effect, Option, Schema } from "effect"
import * as AgentNote from "./AgentNote.ts"

/** Printable, since people see it. */
const text = Schema.String.check(Schema.isPattern(/^[!-~]{1,300}$/))
const isText = Schema.is(text)

const Known = Schema.Struct({
  /** As `CacheHost.nameOf` has it. */
  name: text,
  provider: CacheHost.Provider,
  without: Schema.optionalKey(Schema.Literals(["SwitchedOff", "NotAllowed", "Outranked", "OnVpn"])),
  /** Epoch milliseconds. */
  bannedUntil: Schema.optionalKey(Schema.Finite),
  refusedOrigins: Schema.Array(Schema.Struct({ origin: text, until: Schema.Finite }))
})
/** A cache server as people and programs are told of it. */
export type Known = typeof Known.Type

const note = AgentNote.make("cachehosts.json", "cacheHosts", Schema.Array(Known))

/** Keeps the file as long as it runs, and takes it away at the end. */
export const keepUp = (root: string, hosts: CacheHosts["Service"]): Effect.Effect<never> =>
  note.keepUp(
    root,
    Effect.map(hosts.known, (known) => known.map(knownOf))
  )

/** What an agent that runs knows; nothing when none does. */
export const read = note.read

/** What this command knows by itself: without an agent there are no bans. */
export const byItself = (policy: Policy, said: Hosts.Said): ReadonlyArray<Known> =>
  Hosts.of(policy, said).known.map((one) => knownOf({ ...one, bannedUntil: undefined, refusedOrigins: new Map() }))

/** What an agent was told, as the rules take it. */
export const saidOf = (known: ReadonlyArray<Known>): Pick<Hosts.Said, "service" | "dnsSd"> => {
  const by = (provider: CacheHost.Provider) =>
    known.flatMap((one) => (one.provider === provider ? (CacheHost.parse(one.name) ?? []) : []))
  return {
    service: by("Service").map(({ host, port, protocol }) => ({ host, port, isTls: protocol === "https:" })),
    dnsSd: by("DnsSd")
  }
}

/** The bans that an agent told of, beside what is known anyway. */
export const withBans = (
  known: ReadonlyArray<Known>,
  agents: Option.Option<ReadonlyArray<Known>>
): ReadonlyArray<Known> => {
  const theirs = new Map(Option.getOrElse(agents, () => []).map((one) => [one.name, one]))
  return known.map((one) => {
    const { bannedUntil, refusedOrigins = [], without } = theirs.get(one.name) ?? {}
    return {
      ...one,
      refusedOrigins,
      ...(bannedUntil === undefined ? {} : { bannedUntil }),
      ...(one.without === undefined && without === "OnVpn" ? { without } : {})
    }
  })
}

const knownOf = ({ bannedUntil, cache, refusedOrigins, without }: KnownHost): Known => ({
  name: CacheHost.nameOf(cache),
  provider: cache.provider,
  ...(without === undefined ? {} : { without }),
  ...(bannedUntil === undefined ? {} : { bannedUntil }),
  refusedOrigins: [...refusedOrigins]
    .filter(([origin]) => isText(origin))
    .slice(0, mostOrigins)
    .map(([origin, until]) => ({ origin, until }))
})

/** Of one host, that people are told of. */
const mostOrigins = 64
