/** What a person is told of the cache servers of one download: which is asked, or why none is. */
import type { Provider } from "@piecework/cachehosts/CacheHost"
import { Schema } from "effect"

export const Reason = Schema.Literals([
  /** It is asked. */
  "Asked",
  "NoneKnown",
  "SwitchedOff",
  "OnVpn",
  "NotAllowed",
  "Banned",
  /** It failed, and the origin has its turn. */
  "Failed",
  /** It failed after its time was over, and is not asked again. */
  "Left",
  /** It refuses the content, and nobody else may be asked. */
  "Refused",
  /** Its bytes were not the published ones. */
  "BadPieces"
])
export type Reason = typeof Reason.Type

export interface CacheView {
  readonly reason: Reason
  /** `http://host[:port]`, of the one that is asked or was asked last; `undefined` when none was. */
  readonly host: string | undefined
  /** Where it was learnt from. */
  readonly provider: Provider | undefined
  /** What the last failure was, in words without a full stop. */
  readonly failure: string | undefined
  /** When that may change, in epoch milliseconds. */
  readonly until: number | undefined
  /** From then on the origin may be asked, in epoch milliseconds; `null` is never, `undefined` that it may be now. */
  readonly originFrom: number | null | undefined
}

/** In one sentence. `time` writes a moment, given in epoch milliseconds. */
export const sentence = (view: CacheView, time: (at: number) => string): string => {
  const { failure, host, originFrom, provider, reason, until } = view
  const name = host === undefined ? "The cache server" : `The cache server ${host}`
  const failed = failure === undefined ? "" : ` (${failure})`
  const till = until === undefined ? "" : ` until ${time(until)}`
  const waits =
    originFrom === undefined
      ? "the origin is asked"
      : originFrom === null
        ? "the settings say that the origin is never asked"
        : `the origin is asked from ${time(originFrom)} on`
  switch (reason) {
    case "Asked":
      return `${name} is asked${provider === undefined ? "" : `, ${learnt[provider]}`}${failure === undefined ? "" : `, again, after it failed${failed}`}.`
    case "NoneKnown":
      return "No cache server is known."
    case "SwitchedOff":
      return "No cache server is asked: the settings say that there is none."
    case "OnVpn":
      return "No cache server is asked: the device is on a VPN, and DODisallowCacheServerDownloadsOnVPN is set."
    case "NotAllowed":
      return "No cache server is asked: the settings let none of those that are known hear of this URL."
    case "Banned":
      return `${host === undefined ? "No cache server is" : `${name} is not`} asked${till}, since it failed${failed}; ${waits}.`
    case "Failed":
      return `${name} failed${failed}; ${waits}.`
    case "Left":
      return `${name} failed${failed} after the time that DODelayCacheServerFallback* gives it; ${waits} for the rest.`
    case "Refused":
      return `${name} refuses this content${failed}; ${waits}.`
    case "BadPieces":
      return `${name} is not asked again: its bytes are not the published ones; ${waits}.`
  }
}

const learnt: { readonly [P in Provider]: string } = {
  Policy: "which the settings name",
  Dhcp: "which DHCP names",
  Service: "which the service names",
  DnsSd: "which was found on the local network"
}
