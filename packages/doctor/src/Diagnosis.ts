/** All checks of what was found, and what they come to. */
import * as Check from "./Check.ts"
import * as DeviceChecks from "./DeviceChecks.ts"
import type { Findings } from "./Findings.ts"
import * as PastChecks from "./PastChecks.ts"
import * as NetworkChecks from "./NetworkChecks.ts"
import * as ServiceChecks from "./ServiceChecks.ts"
import * as ServingChecks from "./ServingChecks.ts"
import * as SettingsChecks from "./SettingsChecks.ts"
import * as StorageChecks from "./StorageChecks.ts"

/** Which part of the findings a check looks at. */
export const partOf = {
  mode: "settings",
  "policy-files": "settings",
  "policy-values": "settings",
  group: "settings",
  rates: "settings",
  delays: "settings",
  "content-size": "settings",
  slots: "settings",
  memory: "device",
  "disk-size": "device",
  vpn: "device",
  battery: "device",
  metered: "device",
  "monthly-cap": "device",
  node: "device",
  "open-files": "device",
  network: "device",
  "state-folder": "storage",
  "state-files": "storage",
  "cache-folder": "storage",
  "free-space": "storage",
  inodes: "storage",
  agent: "serving",
  port: "serving",
  reach: "serving",
  peers: "past",
  downloads: "past",
  log: "past",
  teredo: "serving",
  multicast: "lan",
  names: "names",
  service: "service",
  tls: "service",
  clock: "service",
  enrolment: "service",
  geo: "service",
  "external-ip": "service",
  kv: "service",
  "content-policy": "service",
  discovery: "service",
  array: "service",
  ranges: "ranges",
  "cache-hosts": "caches",
  "cache-origin": "caches"
} as const satisfies { readonly [I in Check.CheckId]: keyof Findings }

/** Every check, in the order of `Check.ids`; `now` is epoch milliseconds. */
export const of = (found: Findings, now: number): ReadonlyArray<Check.Check> => {
  const { caches, device, lan, names, past, ranges, service, serving, settings, storage } = found
  const made = [
    ...SettingsChecks.all(settings),
    ...(device === undefined ? [] : DeviceChecks.all(device, settings)),
    ...(storage === undefined ? [] : StorageChecks.all(storage)),
    ...(serving === undefined ? [] : ServingChecks.all(serving, settings)),
    ...(service === undefined ? [] : ServiceChecks.all(service, settings)),
    ...(past === undefined ? [] : PastChecks.all(past)),
    ...(names === undefined ? [] : [NetworkChecks.names(names)]),
    ...(lan === undefined ? [] : [NetworkChecks.multicast(lan)]),
    ...(ranges === undefined ? [] : [NetworkChecks.ranges(ranges, names)]),
    ...(caches === undefined ? [] : NetworkChecks.caches(caches, names, now))
  ]
  const byId = new Map(made.map((check) => [check.id, check]))
  return Check.ids.map((id) => byId.get(id) ?? Check.late(id))
}

/** Whether nothing fails; warnings are no failures. */
export const isSound = (checks: ReadonlyArray<Check.Check>): boolean =>
  checks.every(({ outcome }) => outcome !== "Fail")

const count = (n: number, one: string): string => `${n} ${one}${n === 1 ? "" : "s"}`

/** Each once: much may have had no time for one reason. */
const sentences = (checks: ReadonlyArray<Check.Check>): string =>
  [...new Set(checks.map(({ sentence }) => sentence))].join("; ")

/** The first line: how many fail, and what. */
export const verdict = (checks: ReadonlyArray<Check.Check>): string => {
  const by = (outcome: Check.Outcome) => checks.filter((check) => check.outcome === outcome)
  const [failing, warning, off] = [by("Fail"), by("Warn"), by("Disabled")]
  const total = count(checks.length - off.length, "check")
  if (failing.length > 0) {
    return `${failing.length} of ${total} ${failing.length === 1 ? "fails" : "fail"}: ${sentences(failing)}.`
  }
  if (warning.length > 0) {
    return `None of ${total} fails, and ${warning.length} ${warning.length === 1 ? "warns" : "warn"}: ${sentences(warning)}.`
  }
  return `None of ${total} fails.`
}
