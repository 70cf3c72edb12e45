/** The cache servers that are known, as a table for people and as rows for programs. */
import { dateOf } from "@piecework/download/Status"
import type { Known } from "../CacheHostsNote.ts"
import * as Amount from "./Amount.ts"
import { words } from "./CacheHostsExplained.ts"
import * as Table from "./Table.ts"

export const render = (known: ReadonlyArray<Known>, now: number): string =>
  Table.render(
    ["CACHE SERVER", "NAMED BY", "STATE"],
    known.map((one) => [one.name, words[one.provider], stateOf(one, now)])
  )

/** `now` is epoch milliseconds. */
export const forPrograms = (known: ReadonlyArray<Known>, now: number) =>
  known.map((one) => ({
    CacheHost: one.name,
    Provider: one.provider,
    State: stateOf(one, now),
    Without: one.without ?? null,
    BannedUntil: one.bannedUntil === undefined || one.bannedUntil <= now ? null : dateOf(one.bannedUntil),
    RefusedOrigins: one.refusedOrigins
      .filter(({ until }) => until > now)
      .map(({ origin, until }) => ({ Origin: origin, Until: dateOf(until) }))
  }))

const stateOf = ({ bannedUntil, refusedOrigins, without }: Known, now: number): string => {
  if (without !== undefined) return reasons[without]
  if (bannedUntil !== undefined && bannedUntil > now)
    return `not reached, asked again in ${inSeconds(bannedUntil, now)}`
  const refused = refusedOrigins.filter(({ until }) => until > now)
  return refused.length === 0
    ? "may be asked"
    : `may be asked, but not for ${refused.map(({ origin }) => origin).join(", ")}`
}

const inSeconds = (until: number, now: number): string => Amount.span((until - now) / 1000)

const reasons: { readonly [W in NonNullable<Known["without"]>]: string } = {
  SwitchedOff: "not asked: the settings say that there is none",
  NotAllowed: "not asked: CacheHostListedOnly or CacheHostTlsOnly forbids it",
  Outranked: "not asked: a stronger provider names others",
  OnVpn: "not asked: the device is on a VPN"
}
