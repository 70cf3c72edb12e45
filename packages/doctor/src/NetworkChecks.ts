/** What else is on the network: names, the local network, origins, proxies and cache servers. */
import { type Check, disabled, fail, pass, warn } from "./Check.ts"
import type { CacheHost, Lan, Names, RangeAnswer, Ranges } from "./Findings.ts"

export const names = ({ hosts }: Names): Check => {
  if (hosts.length === 0) return disabled("names", "no server is called by a name")
  const failed = hosts.filter(({ why }) => why !== undefined)
  return failed.length === 0
    ? pass("names", `${hosts.map(({ host }) => host).join(", ")} ${hosts.length === 1 ? "resolves" : "resolve"}`)
    : fail(
        "names",
        failed.map(({ host, isFor, why }) => `${host} (${isFor}) does not resolve: ${why ?? ""}`).join("; "),
        "Check the spelling, and the name server of this device (resolvectl status, /etc/resolv.conf)."
      )
}

export const multicast = ({ isHeard, isUsed, neighbours }: Lan): Check => {
  const hint =
    "Let UDP port 5353 to and from 224.0.0.251 through the firewall of this device; some WLANs have to be told not to filter multicast."
  if (isHeard) {
    const heard =
      neighbours === 0 ? "nobody else answered" : `${neighbours} other${neighbours === 1 ? "" : "s"} answered`
    return pass("multicast", `what this device tells the local network comes back; ${heard}`)
  }
  return isUsed
    ? fail(
        "multicast",
        "what this device tells the local network is not heard, so neighbours do not find each other",
        hint
      )
    : warn(
        "multicast",
        "what this device tells the local network is not heard, so cache servers are not found there",
        hint
      )
}

export const ranges = ({ answer, direct, proxy, url }: Ranges, resolved: Names | undefined): Check => {
  if (url === undefined || answer === undefined) {
    return disabled("ranges", "nothing was downloaded here yet; name a file to try with by --url")
  }
  const host = URL.canParse(url) ? new URL(url).hostname : url
  if (resolved?.hosts.some((one) => one.host === host && one.why !== undefined) === true) {
    return disabled("ranges", `the name of ${host} does not resolve`)
  }
  const by = proxy === undefined ? "" : ` by the proxy ${proxy}`
  if (answer._tag === "Part") return pass("ranges", `${host} sends the part that was asked for (206)${by}`)
  if (proxy !== undefined && direct?._tag === "Part") {
    return fail(
      "ranges",
      `the proxy ${proxy} ${toldBy(answer)} for a part of a file of ${host}, which sends it (206) without the proxy`,
      "Let the proxy pass ranges (Squid: range_offset_limit 0), or name the origin in no_proxy."
    )
  }
  return fail("ranges", `${host} ${toldBy(answer)}${by} for a part of ${url}`, hintOf(answer))
}

const toldBy = (answer: RangeAnswer): string => {
  switch (answer._tag) {
    case "Part":
      return "sends 206"
    case "Whole":
      return "sends the whole file"
    case "Page":
      return "sends a page for people"
    case "Status":
      return `answers ${answer.status}`
    case "Failed":
      return `does not answer (${answer.why})`
  }
}

const hintOf = (answer: RangeAnswer): string => {
  switch (answer._tag) {
    case "Page":
      return "Sign in at the network with a browser: a captive portal may be in the way. Else the URL is not that of a file."
    case "Status":
      return "Check the URL; 401 and 403 want a login, which piecework get takes with --header."
    case "Failed":
      return "Check whether the origin can be reached from here, and the proxy if there is one."
    default:
      return "Let the origin serve ranges: without them nothing can be shared between sources, and what breaks off begins anew."
  }
}

export const caches = (
  all: ReadonlyArray<CacheHost>,
  resolved: Names | undefined,
  now: number
): ReadonlyArray<Check> => {
  const isLost = ({ name }: CacheHost) =>
    resolved?.hosts.some(({ host, why }) => why !== undefined && new URL(name).hostname === host) === true
  const hosts = all.filter((host) => !isLost(host))
  if (hosts.length === 0 && all.length > 0) {
    const why = "no name of a cache server resolves"
    return [disabled("cache-hosts", why), disabled("cache-origin", why)]
  }
  if (hosts.length === 0) {
    return [disabled("cache-hosts", "none is known"), disabled("cache-origin", "no cache server is known")]
  }
  const used = hosts.filter(({ unused }) => unused === undefined)
  if (used.length === 0) {
    const sentence = hosts.map(({ name, unused }) => `${name}: ${unused ?? ""}`).join("; ")
    return [disabled("cache-hosts", sentence), disabled("cache-origin", "no cache server is used")]
  }
  return [reached(used, now), origins(used)]
}

const failedBy = ({ health }: CacheHost): string | undefined => {
  switch (health._tag) {
    case "Answers":
      return undefined
    case "Status":
      return health.status >= 500 ? `answers ${health.status}` : undefined
    case "Failed":
      return `does not answer (${health.why})`
  }
}

const reached = (hosts: ReadonlyArray<CacheHost>, now: number): Check => {
  const failed = hosts.flatMap((host) => {
    const why = failedBy(host)
    return why === undefined ? [] : [{ ...host, why }]
  })
  const hint =
    "Check whether the cache server runs and its port can be reached from here; else take it from DOCacheHost, or from what the service says."
  if (failed.length > 0) {
    const sentence = failed.map(({ by, name, why }) => `${name} (by ${by}) ${why}`).join("; ")
    const isAll = failed.length === hosts.length && failed.some(({ isListed }) => isListed)
    return isAll ? fail("cache-hosts", sentence, hint) : warn("cache-hosts", sentence, hint)
  }
  const banned = hosts.find(({ bannedUntil }) => bannedUntil !== undefined && bannedUntil > now)
  return banned === undefined
    ? pass(
        "cache-hosts",
        `${hosts.map(({ by, name }) => `${name} (by ${by})`).join(", ")} ${hosts.length === 1 ? "answers" : "answer"}`
      )
    : warn(
        "cache-hosts",
        `the agent does not ask ${banned.name} for another ${Math.max(1, Math.round(((banned.bannedUntil ?? now) - now) / 60_000))} minutes, since it failed`,
        "It answers now, so the agent will come back to it; a restart of the agent forgets the ban."
      )
}

const origins = (hosts: ReadonlyArray<CacheHost>): Check => {
  const asked = hosts.filter(({ health, origin }) => health._tag !== "Failed" && origin !== undefined)
  if (asked.length === 0) return disabled("cache-origin", "no file to try with, or no cache server that answers")
  const refusing = asked.find(({ origin }) => origin !== undefined && origin >= 400 && origin < 500)
  if (refusing !== undefined) {
    return fail(
      "cache-origin",
      `${refusing.name} refuses the origin of the last file (HTTP ${refusing.origin ?? 0})`,
      "Let the cache server serve that origin (piecework-cache serve --origin HOST)."
    )
  }
  const broken = asked.find(({ origin }) => origin !== undefined && origin >= 500)
  return broken === undefined
    ? pass("cache-origin", "the last file's origin is served")
    : warn(
        "cache-origin",
        `${broken.name} does not get the file from its origin (HTTP ${broken.origin ?? 0})`,
        "Check whether the cache server reaches the origin, and by which proxy."
      )
}
