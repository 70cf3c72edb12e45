/**
 * Origins that a cache server answers for; whoever asks for another is refused with a 4xx, so that clients leave the cache alone for that
 * origin only. Entries are `name`, `name:port`, `*.suffix` (names below it, not itself), `*`, each with `https://` before it where the
 * origin is to be asked by TLS, whichever way the client asks the cache. Pure. Source: spec.md §7.1.
 */
import { isIP } from "node:net"
import type * as ContentUrl from "@piecework/domain/ContentUrl"
import { zoneOf } from "@piecework/sources/ReservedAddress"
import { Result, Schema } from "effect"
import { type Authority, authority, written } from "./RequestForm.ts"

export class AllowListError extends Schema.TaggedError<AllowListError>()("AllowListError", { entry: Schema.String }) {
  override get message(): string {
    return `"${this.entry}" is no origin; write name, name:port, *.suffix or *, with https:// before it for TLS.`
  }
}

export interface Entry {
  readonly protocol: "http:" | "https:"
  /** `Below`: the names below `host`. `All`: whatever is asked for, on any port. */
  readonly kind: "Exact" | "Below" | "All"
  readonly host: string
  /** `undefined`: the usual one of the protocol. */
  readonly port: number | undefined
}

/** The first that fits counts. */
export type AllowList = ReadonlyArray<Entry>

export const parseEntry = (text: string): Result.Result<Entry, AllowListError> => {
  const [, scheme, rest = ""] = /^(?:(https?):\/\/)?(.*?)\/?$/i.exec(text.trim()) ?? []
  const protocol = scheme?.toLowerCase() === "https" ? "https:" : "http:"
  if (rest === "*") return Result.succeed({ protocol, kind: "All", host: "", port: undefined })
  const isBelow = rest.startsWith("*.")
  const parsed = authority(isBelow ? rest.slice(2) : rest)
  if (parsed === undefined || (isBelow && isIP(parsed.host) !== 0))
    return Result.fail(new AllowListError({ entry: text }))
  return Result.succeed({ protocol, kind: isBelow ? "Below" : "Exact", ...parsed })
}

export const parse = (entries: ReadonlyArray<string>): Result.Result<AllowList, AllowListError> =>
  Result.all(entries.map(parseEntry))

/** The one that lets clients have files of this origin; `undefined`: none does. */
export const find = (list: AllowList, origin: Authority): Entry | undefined =>
  list.find((entry) => allows(entry, origin))

/** Whether what the URL leads to must not be this machine or its link, whatever its name resolves to: it was not named one by one. */
export const isGuarded = (list: AllowList, url: ContentUrl.ContentUrl): boolean => {
  const origin = authority(new URL(url).host)
  return origin === undefined || find(list, origin)?.kind !== "Exact"
}

const allows = (entry: Entry, { host, port }: Authority): boolean => {
  const usual = usualPort(entry.protocol)
  if (entry.kind !== "All" && (port ?? usual) !== (entry.port ?? usual)) return false
  if (entry.kind === "Exact") return host === entry.host
  // This machine and its link have to be named one by one: what answers there trusts whoever can reach it.
  if (zoneOf(host) !== "Elsewhere") return false
  return entry.kind === "All" || host.endsWith(`.${entry.host}`)
}

/** Where the origin has it. Path and query are not touched, so that it is asked for just what the client asked for. */
export const urlOf = ({ protocol }: Entry, { host, port }: Authority, path: string): ContentUrl.ContentUrl => {
  const shown = port === usualPort(protocol) ? undefined : port
  return `${protocol}//${written({ host, port: shown })}${path}` as ContentUrl.ContentUrl
}

const usualPort = (protocol: Entry["protocol"]): number => (protocol === "https:" ? 443 : 80)
