/** A device at which nothing is wrong, of which tests change one thing. */
import type { Check, CheckId } from "@piecework/doctor/Check"
import * as Diagnosis from "@piecework/doctor/Diagnosis"
import type * as Findings from "@piecework/doctor/Findings"
import * as Eligibility from "@piecework/policy/Eligibility"
import type { Facts } from "@piecework/policy/Facts"
import * as Policy from "@piecework/policy/Policy"
import type { DownloadMode } from "@piecework/domain/DownloadMode"

export const now = Date.UTC(2026, 10, 22, 12)
export const day = 86_400_000

export const desktop: Facts = { memory: 2 ** 34, disk: 2 ** 39, vpn: false, power: "Mains", isMetered: false }

export const policyOf = (values: Readonly<Record<string, unknown>>) =>
  Policy.resolve([{ provider: "MachineFile", values }])

/** Judged by the same rules as on a device. */
export const deviceOf = (
  facts: Partial<Facts>,
  policy: Policy.Policy = Policy.defaults,
  more: Partial<Findings.Device> = {},
  mode: DownloadMode = "Lan"
): Findings.Device => {
  const all = { ...desktop, ...facts }
  const month = more.month ?? { month: "2026-11", sent: 0 }
  const to = (kind: "Lan" | "Internet") => Eligibility.uploading(policy, all, { to: kind, sentThisMonth: month.sent })
  return {
    facts: all,
    standing: { peering: Eligibility.peering(policy, mode, all), near: to("Lan"), far: to("Internet") },
    interfaces: [{ name: "eth0", addresses: ["192.168.1.11"] }],
    month,
    node: { version: "24.21.0", needed: "22.19", isEnough: true },
    openFiles: { most: 20_000, used: 30 },
    ...more
  }
}

export const certificate: Findings.Certificate = {
  flaw: undefined,
  from: now - 10 * day,
  to: now + 80 * day,
  issuer: "CA",
  names: ["service.example"]
}

const roles = ["geo", "kv", "content-policy", "discovery", "array"] as const

export const service: Findings.Service = {
  url: "https://service.example:7670",
  way: { _tag: "Reached", date: now, certificate },
  now,
  roles: roles.map((role) => ({ role, error: undefined })),
  externalIps: ["203.0.113.7", "203.0.113.7"],
  ownAddresses: ["127.0.0.1", "192.168.1.11"],
  leavesFrom: "192.168.1.11",
  isLocal: false,
  proxy: undefined,
  enrolment: { device: "lab-17" }
}

const disk: Findings.Disk = { holds: "cache", total: 1e12, free: 5e11, leastFree: 5e10, filesFree: 1e6 }

export const storage: Findings.Storage = {
  state: { path: "/var/lib/piecework", is: "Usable", detail: undefined },
  cache: { path: "/var/lib/piecework/cache", is: "Usable", detail: undefined },
  drive: undefined,
  disks: [{ ...disk, holds: "state" }, disk],
  damaged: []
}

export const settingsOf = (
  values: Readonly<Record<string, unknown>> = {},
  more: Partial<Findings.Settings> = {}
): Findings.Settings => ({
  policy: policyOf(values),
  mode: "Lan",
  files: [{ path: "/etc/piecework/policy.json", flaw: undefined }],
  groups: [],
  hour: 12,
  capacity: 1e7,
  offers: { offered: 2, waiting: 0 },
  ...more
})

export const serving: Findings.Serving = {
  agent: { _tag: "Runs", pid: 7, version: "0.1.0", peers: "0.0.0.0:7680" },
  port: { _tag: "Listening", port: 7680 },
  reach: { _tag: "Reached", address: "192.168.1.11", isSeen: true }
}

export const cacheHost: Findings.CacheHost = {
  name: "http://cache.example",
  by: "the settings",
  isListed: true,
  unused: undefined,
  bannedUntil: undefined,
  health: { _tag: "Answers" },
  origin: 206
}

export const healthy: Findings.Findings = {
  device: deviceOf({}),
  storage,
  settings: settingsOf(),
  serving,
  service,
  names: { hosts: [{ host: "service.example", isFor: "the service", why: undefined }] },
  ranges: { url: "http://origin.example/file", proxy: undefined, answer: { _tag: "Part" }, direct: undefined },
  caches: [cacheHost],
  lan: { isUsed: false, isHeard: true, neighbours: 3 },
  past: {
    peers: { known: 3, connected: 2, why: undefined },
    ended: 12,
    failed: 1,
    why: "The origin has no such file.",
    errors: []
  }
}

/** What fails and warns of it. */
export const troubles = (found: Partial<Findings.Findings>): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Diagnosis.of({ ...healthy, ...found }, now)
      .filter(({ outcome }) => outcome === "Fail" || outcome === "Warn")
      .map(({ id, outcome }) => [id, outcome])
  )

export const checkOf = (found: Partial<Findings.Findings>, id: CheckId): Check => {
  const check = Diagnosis.of({ ...healthy, ...found }, now).find((one) => one.id === id)
  if (check === undefined) throw new Error(`there is no check ${id}`)
  return check
}
