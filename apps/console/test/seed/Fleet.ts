/**
 * A fleet that never was: what its devices would have reported in the last four weeks, to look at pages with. The same seed and the same
 * moment make the same reports. Offices differ: one has many neighbours, one a cache server, one forgot to switch peers on.
 */
import * as ReportRpcs from "@piecework/cloud/ReportRpcs"
import { ContentId } from "@piecework/domain/Content"
import { DeviceId } from "@piecework/domain/Peer"

/** What one device says in one go, and the address it says it from. */
export interface Batch {
  readonly externalIp: string
  readonly request: ReportRpcs.ReportRequest
}

interface Site {
  readonly ip: string
  readonly city: string
  readonly country: string
  readonly isp: string
  readonly devices: number
  readonly mode: 0 | 1 | 2 | 3
  readonly group?: string
  /** Shares of what is fetched, from the LAN, from the group elsewhere, from the Internet and from a cache server; the rest is the origin's. */
  readonly shares: readonly [lan: number, group: number, internet: number, cache: number]
}

export const sites: ReadonlyArray<Site> = [
  {
    ip: "203.0.113.10",
    city: "Bonn",
    country: "DE",
    isp: "Rheinnetz",
    devices: 26,
    mode: 2,
    group: "5cba30cf-0d3b-4b1a-9d4a-5f3a1d1f0a01",
    shares: [0.82, 0.06, 0, 0]
  },
  {
    ip: "198.51.100.20",
    city: "Lyon",
    country: "FR",
    isp: "Rhone Telecom",
    devices: 14,
    mode: 1,
    shares: [0.38, 0, 0, 0.49]
  },
  {
    ip: "192.0.2.30",
    city: "Austin",
    country: "US",
    isp: "Lone Star Fiber",
    devices: 9,
    mode: 3,
    shares: [0.2, 0, 0.12, 0]
  },
  { ip: "192.0.2.77", city: "Osaka", country: "JP", isp: "Kansai Net", devices: 5, mode: 0, shares: [0, 0, 0, 0] }
]

const mebibyte = 1_048_576

/** Paths, sizes in MiB, who asks for them, and how often in proportion. */
const contents = [
  ["os/feature-update-26h2.img", 4600, "updates", 3],
  ["os/cumulative-2026-11.msu", 780, "updates", 9],
  ["apps/office-suite-18.4.pkg", 2200, "software", 4],
  ["apps/browser-131.msi", 140, "software", 8],
  ["models/vision-large-v3.safetensors", 6100, "models", 2],
  ["games/asteroid-miner.pak", 9300, "classroom", 1],
  ["images/lab-workstation.wim", 5200, "", 2],
  ["containers/build-base-2026.11.tar", 1900, "builds", 5]
] as const

/** Numbers from 0 to 1 that look like chance; mulberry32, which is public domain. */
const chance = (seed: number) => {
  let state = seed
  return (): number => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}

const day = 86_400_000

/** What the devices report, each its own in batches of 60 events or fewer. `now` is epoch milliseconds. */
export const batches = (seed: number, now: number): ReadonlyArray<Batch> => {
  const next = chance(seed)
  const hex = (digits: number) => Array.from({ length: digits }, () => Math.floor(next() * 16).toString(16)).join("")
  const ids = contents.map(() => ContentId.make(`DO-${hex(42)}A`))
  const pick = (): number => {
    let at = next() * contents.reduce((sum, [, , , weight]) => sum + weight, 0)
    return Math.max(
      0,
      contents.findIndex(([, , , weight]) => (at -= weight) < 0)
    )
  }

  /** What one download says of itself, from its start to its end. */
  const download = (site: Site, deviceMode: Site["mode"], time: number): ReadonlyArray<ReportRpcs.ReportEvent> => {
    const which = pick()
    const [path, size, caller] = contents[which] ?? contents[0]
    const fileID = ids[which]
    const fileSize = size * mebibyte + Math.floor(next() * mebibyte)
    const fails = next() < 0.025
    const fetched = fails ? Math.floor(fileSize * next() * 0.5) : fileSize
    // The first device of a site has no neighbours that could give.
    const luck = deviceMode === 0 || next() < 0.12 ? 0 : 0.75 + next() * 0.3
    const [lan, group, internet, cache] = site.shares
    const part = (of: number) => Math.floor(fetched * Math.min(0.97, of * luck))
    const wasted = next() < 0.1 ? Math.floor(next() * 4 * mebibyte) : 0
    const bytes = {
      bytesFromPeers: part(lan),
      bytesFromGroupPeers: part(group),
      bytesFromIntPeers: part(internet),
      bytesFromCacheServer: deviceMode === 0 ? 0 : part(cache)
    }
    const others = Object.values(bytes).reduce((sum, n) => sum + n, 0)
    const identity = {
      jobID: hex(32),
      ...(fileID === undefined ? {} : { fileID }),
      fileSize,
      cdnUrl: `https://files.example/${path}`,
      background: next() < 0.7,
      downloadMode: deviceMode,
      downloadModeReason: "Requested" as const,
      ...(site.group === undefined ? {} : { groupID: site.group }),
      ...(caller === "" ? {} : { predefinedCallerName: caller })
    }
    const totalTimeMs = Math.floor((fetched / (8 + next() * 50)) * 0.001) + 400
    const outcome = {
      ...bytes,
      bytesFromCDN: Math.max(0, fetched - others) + wasted,
      bytesFromLinkLocalPeers: 0,
      bytesFromLocalCache: 0,
      bytesWasted: wasted,
      lanConnectionCount: luck === 0 ? 0 : 1 + Math.floor(next() * 8),
      linkLocalConnectionCount: 0,
      groupConnectionCount: bytes.bytesFromGroupPeers > 0 ? 2 : 0,
      internetConnectionCount: bytes.bytesFromIntPeers > 0 ? 3 : 0,
      ...(deviceMode === 0 ? {} : { numPeers: next() < 0.06 ? 0 : 4 + Math.floor(next() * 20) }),
      totalTimeMs
    }
    const named = (at: number) => ({ eventId: ReportRpcs.EventId.make(hex(32)), time: at })
    const start = { ...ReportRpcs.DownloadStarted.make({ ...identity, ...named(time) }) }
    const end = time + totalTimeMs
    return fails
      ? [
          start,
          ReportRpcs.FailureCdnCommunication.make({
            ...identity,
            ...named(end - 1),
            errorCode: "HttpStatus",
            errorCount: 1 + Math.floor(next() * 4),
            httpStatusCode: 503
          }),
          ReportRpcs.DownloadCanceled.make({ ...identity, ...outcome, ...named(end), reasonCode: "OriginUnavailable" })
        ]
      : [start, ReportRpcs.DownloadCompleted.make({ ...identity, ...outcome, ...named(end) })]
  }

  return sites.flatMap((site) =>
    Array.from({ length: site.devices }).flatMap(() => {
      const deviceId = DeviceId.make(hex(32))
      const mode = next() < 0.06 ? 0 : site.mode
      const events = Array.from({ length: 27 }, (_, n) => n).flatMap((daysAgo) => {
        const weekday = new Date(now - daysAgo * day).getUTCDay()
        const isBusy = weekday !== 0 && weekday !== 6
        return next() < (isBusy ? 0.55 : 0.12)
          ? download(site, mode, now - daysAgo * day - Math.floor(next() * 0.5 * day) - day / 50)
          : []
      })
      return chunks(events, 60).map(([first, ...others]) => ({
        externalIp: site.ip,
        request: new ReportRpcs.ReportRequest({
          deviceId,
          sentAt: now,
          clientVersion: next() < 0.8 ? "0.1.0" : "0.0.9",
          profile: 768,
          osVersion: next() < 0.7 ? "Debian GNU/Linux 13" : "Ubuntu 26.04 LTS",
          events: [first, ...others]
        })
      }))
    })
  )
}

const chunks = <A>(all: ReadonlyArray<A>, most: number): ReadonlyArray<readonly [A, ...Array<A>]> => {
  const [first, ...others] = all.slice(0, most)
  return first === undefined ? [] : [[first, ...others], ...chunks(all.slice(most), most)]
}
