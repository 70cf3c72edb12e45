/**
 * How fast all downloads of one priority may be together. Absolute limits, shares of the measured line, and shares by the
 * hour limit the same thing: the lowest holds. Bytes from peers of the site do not count. Source: spec.md §1, §3.7.
 */
import type { ContentTerms } from "./ContentTerms.ts"
import type { Priority } from "./Facts.ts"
import type { Policy } from "./Policy.ts"
import type { Hours } from "./Setting.ts"
import type { Name } from "./Settings.ts"
import { kibibyte } from "./Units.ts"

export interface Limit {
  /** Bytes a second. */
  readonly rate: number
  /** The setting that says it. */
  readonly setting: Name
}

export interface Circumstances {
  /** 0 to 23, by the device's own clock. */
  readonly hour: number
  /** What the line has been seen to carry, in bytes a second; `undefined` before it was seen: shares limit nothing then. */
  readonly capacity: number | undefined
}

/** The lowest limit, or none. */
export const download = (policy: Policy, priority: Priority, now: Circumstances): Limit | undefined => {
  const names = namesOf[priority]
  const limits = [
    absolute(policy, names.absolute, "DOMaxDownloadBandwidth"),
    share(policy, names.share, "DOPercentageMaxDownloadBandwidth", now),
    hourly(policy, names.hours, now)
  ].filter((limit) => limit !== undefined)
  return lowest(limits)
}

/** How much of the line all downloads of the priority may take together at this hour, in percent; 100 without such a limit. */
export const percentOfLine = (policy: Policy, priority: Priority, hour: number): number => {
  const names = namesOf[priority]
  // Of a line of a hundred a share is its percentage.
  const now = { hour, capacity: 100 }
  const limits = [share(policy, names.share, "DOPercentageMaxDownloadBandwidth", now), hourly(policy, names.hours, now)]
  return Math.min(100, lowest(limits.filter((limit) => limit !== undefined))?.rate ?? 100)
}

/** For what is sent to peers beyond the site. */
export const upload = (policy: Policy): Limit | undefined => {
  const setting = "DOMaxUploadBandwidth"
  const rate = policy.get(setting)
  return rate === 0 ? undefined : { rate: rate * kibibyte, setting }
}

/** Below this rate from peers, in bytes a second, a background download takes more from HTTP; foreground ones have no floor. */
export const qosFloor = (policy: Policy): number => policy.get("DOMinBackgroundQos") * kibibyte

/**
 * The rate in bytes a second that somebody said a download has to have, whatever is leased; `undefined` where nobody did. The
 * default is no such word: behind a thin line all devices would be below it, and each would fetch a copy of its own.
 */
export const saidFloor = (policy: Policy, priority: Priority, terms: ContentTerms): number | undefined => {
  if (priority === "Background") return policy.isSet("DOMinBackgroundQos") ? qosFloor(policy) : undefined
  return terms.foregroundQos === undefined || terms.foregroundQos <= 0 ? undefined : terms.foregroundQos
}

/** Whether the hour lies in them. Hours that end when they begin are the whole day. */
export const includes = ({ from, to }: Hours, hour: number): boolean => {
  if (from === to) return true
  return from < to ? hour >= from && hour < to : hour >= from || hour < to
}

const namesOf = {
  Foreground: {
    absolute: "DOMaxForegroundDownloadBandwidth",
    share: "DOPercentageMaxForegroundBandwidth",
    hours: "DOSetHoursToLimitForegroundDownloadBandwidth"
  },
  Background: {
    absolute: "DOMaxBackgroundDownloadBandwidth",
    share: "DOPercentageMaxBackgroundBandwidth",
    hours: "DOSetHoursToLimitBackgroundDownloadBandwidth"
  }
} as const

type NamesOf = (typeof namesOf)[Priority]

/** The older setting speaks only where the newer is silent. */
const absolute = (policy: Policy, name: NamesOf["absolute"], older: "DOMaxDownloadBandwidth"): Limit | undefined => {
  const [setting, rate] = policy.isSet(name) ? [name, policy.get(name)] : [older, policy.get(older) ?? 0]
  return rate === 0 ? undefined : { rate: rate * kibibyte, setting }
}

const share = (
  policy: Policy,
  name: NamesOf["share"],
  older: "DOPercentageMaxDownloadBandwidth",
  now: Circumstances
): Limit | undefined => {
  const [setting, percent] = policy.isSet(name) ? [name, policy.get(name)] : [older, policy.get(older) ?? 0]
  return ofCapacity(percent, setting, now)
}

const hourly = (policy: Policy, setting: NamesOf["hours"], now: Circumstances): Limit | undefined => {
  const hours = policy.get(setting)
  if (hours === undefined) return undefined
  return ofCapacity(includes(hours, now.hour) ? hours.inside : hours.outside, setting, now)
}

const ofCapacity = (percent: number, setting: Name, { capacity }: Circumstances): Limit | undefined =>
  percent === 0 || capacity === undefined ? undefined : { rate: (capacity * percent) / 100, setting }

const lowest = (limits: ReadonlyArray<Limit>): Limit | undefined =>
  limits.reduce<Limit | undefined>(
    (least, limit) => (least === undefined || limit.rate < least.rate ? limit : least),
    undefined
  )
