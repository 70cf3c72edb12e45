/**
 * Bytes, or bytes a second, by the kind of source: seven numbers in the order of `kinds`, so that a member's take little room and can be
 * added up in place. Members say them, so each is cut at 1 TiB: sums of 8,192 members are exact whatever they say.
 */
import type { JoinRequest } from "@piecework/cloud/ArrayRpcs"
import type { ByKind } from "./LiveView.ts"

export const kinds = ["origin", "cacheServer", "peers", "lan", "linkLocal", "group", "internet"] as const

export type Amounts = Array<number>

const most = 2 ** 40

export const none = (): Amounts => [0, 0, 0, 0, 0, 0, 0]

/** What a member says that it received since it began. From whom beside the origin and a cache server, older clients do not say. */
export const ofJoin = ({ downloaded, downloadedCache, downloadedCdn, downloadedPeers }: JoinRequest): Amounts => {
  const { group = 0, internet = 0, lan = 0, linkLocal = 0 } = downloadedPeers ?? {}
  const peers = Math.max(0, downloaded - downloadedCdn - downloadedCache)
  return [
    bounded(downloadedCdn),
    bounded(downloadedCache),
    bounded(peers),
    bounded(lan),
    bounded(linkLocal),
    bounded(group),
    bounded(internet)
  ]
}

export const bounded = (amount: number): number => Math.min(most, amount)

/** What was added between two looks, a second. Counters that went back began anew, and then nothing is known. */
export const ratesOf = (before: Amounts, after: Amounts, millis: number): Amounts => {
  const rates = none()
  for (let n = 0; n < rates.length; n++) {
    const more = (after[n] ?? 0) - (before[n] ?? 0)
    if (more > 0) rates[n] = bounded(Math.round((more * 1000) / millis))
  }
  return rates
}

/** Changes `sum`. */
export const add = (sum: Amounts, more: ReadonlyArray<number>, times: 1 | -1 = 1): void => {
  for (let n = 0; n < sum.length; n++) sum[n] = (sum[n] ?? 0) + times * (more[n] ?? 0)
}

export const total = (rate: ReadonlyArray<number>): number => (rate[0] ?? 0) + (rate[1] ?? 0) + (rate[2] ?? 0)

export const toByKind = (amounts: ReadonlyArray<number>): ByKind => {
  const at = (n: number) => Math.min(Number.MAX_SAFE_INTEGER, Math.max(0, amounts[n] ?? 0))
  return {
    origin: at(0),
    cacheServer: at(1),
    peers: at(2),
    lan: at(3),
    linkLocal: at(4),
    group: at(5),
    internet: at(6)
  }
}
