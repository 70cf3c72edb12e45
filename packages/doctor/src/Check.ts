/**
 * A check of a device and how it ended. `Fail`: it keeps the device from what it is there for. `Warn`: it costs something, or may
 * pass. `Disabled`: it does not apply here, or cannot be told, because something else that fails stands before it.
 * Source: spec.md §8.6.
 */
import { Schema } from "effect"

/** All checks, in the order in which they are shown, with what they are called. */
export const titles = {
  mode: "download mode",
  "policy-files": "policy files",
  "policy-values": "values of settings",
  group: "group",
  rates: "limits of rate",
  delays: "delays of HTTP",
  "content-size": "smallest content for peers",
  slots: "contents offered",
  memory: "memory",
  "disk-size": "size of the disk",
  vpn: "VPN",
  battery: "battery",
  metered: "metered network",
  "monthly-cap": "monthly upload",
  node: "Node version",
  "open-files": "open files",
  "state-folder": "state folder",
  "state-files": "state files",
  "cache-folder": "cache folder",
  "free-space": "free space",
  inodes: "free inodes",
  network: "network interface",
  agent: "agent",
  port: "port for peers",
  reach: "peers reach this device",
  peers: "connections with peers",
  downloads: "downloads of late",
  log: "errors in the log",
  multicast: "multicast DNS",
  teredo: "Teredo",
  names: "host names",
  service: "service",
  tls: "certificate of the service",
  clock: "clock",
  enrolment: "enrolment",
  geo: "Geo",
  "external-ip": "external address",
  kv: "KeyValue",
  "content-policy": "ContentPolicy",
  discovery: "Discovery",
  array: "Array",
  ranges: "byte ranges",
  "cache-hosts": "cache servers",
  "cache-origin": "origins of cache servers"
} as const

export type CheckId = keyof typeof titles

export const ids = Object.keys(titles) as ReadonlyArray<CheckId>

export const isId = (text: string): text is CheckId => Object.hasOwn(titles, text)

export const Outcome = Schema.Literals(["Pass", "Fail", "Warn", "Disabled"])
export type Outcome = typeof Outcome.Type

export const Check = Schema.Struct({
  id: Schema.Literals(ids),
  title: Schema.String,
  outcome: Outcome,
  /** What was found, without the full stop. */
  sentence: Schema.String,
  /** What to do about it; empty for a check that passes. */
  hint: Schema.String
})
export type Check = typeof Check.Type

const make =
  (outcome: Outcome) =>
  (id: CheckId, sentence: string, hint = ""): Check => ({ id, title: titles[id], outcome, sentence, hint })

export const pass: (id: CheckId, sentence: string) => Check = make("Pass")
/** It does not apply here, or something else stands before it. */
export const disabled: (id: CheckId, sentence: string) => Check = make("Disabled")
export const fail: (id: CheckId, sentence: string, hint: string) => Check = make("Fail")
export const warn: (id: CheckId, sentence: string, hint: string) => Check = make("Warn")

/** What was to be looked at took longer than there was time. */
export const late = (id: CheckId): Check =>
  warn(
    id,
    "whether all is well here could not be found out in time",
    "Run piecework doctor again; a machine or a network that busy is slow for downloads, too."
  )
