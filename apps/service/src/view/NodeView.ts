/** Cache nodes for people and for programs. */
import type { DriveSetting, UpdateRing } from "@piecework/cloud/CacheNode"
import type { FigureRow, NodeRecord, NodesOverview } from "@piecework/cloud/CacheNodeAdminRpcs"
import type { CacheServer } from "@piecework/cloud/KeyValueRpcs"
import * as Amount from "./Amount.ts"
import { printable } from "./Printable.ts"

const words = { Healthy: "healthy", NeverSeen: "not seen yet", Silent: "silent", Failed: "failed" } as const

/** Epoch milliseconds to ISO 8601; `null` stays. */
export const timeOf = (millis: number | null): string | null =>
  millis === null ? null : new Date(millis).toISOString()

export const forPrograms = ({ createdAt, lastHeartbeat, settings, updatedAt, ...rest }: NodeRecord) => ({
  ...rest,
  settings: { ...settings },
  lastHeartbeat:
    lastHeartbeat === null
      ? null
      : { ...lastHeartbeat, at: timeOf(lastHeartbeat.at), sentAt: timeOf(lastHeartbeat.sentAt) },
  createdAt: timeOf(createdAt),
  updatedAt: timeOf(updatedAt)
})

/** A line for each, in columns. */
export const table = (nodes: ReadonlyArray<NodeRecord>, now: number): string => {
  const rows = nodes.map((node) => [
    node.id,
    printable(node.settings.name),
    node.settings.isEnabled ? words[node.health] : `${words[node.health]}, disabled`,
    node.lastHeartbeat === null ? "-" : `seen ${agoOf(now - node.lastHeartbeat.at)}`,
    rangesOf(node)
  ])
  const widths = [0, 1, 2, 3].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  return rows
    .map((row) =>
      row
        .map((cell, n) => cell.padEnd(widths[n] ?? 0))
        .join("  ")
        .trimEnd()
    )
    .join("\n")
}

const rangesOf = ({ lastHeartbeat, settings: { ranges } }: NodeRecord): string => {
  const [first, ...others] = ranges
  if (first !== undefined) return others.length === 0 ? first : `${first} and ${others.length} more`
  return lastHeartbeat === null ? "where it will come from" : `the site of ${lastHeartbeat.externalIp}`
}

const line = (name: string, text: string): string => `  ${name.padEnd(12)}${text}`

const list = (name: string, texts: ReadonlyArray<string> | undefined): ReadonlyArray<string> =>
  texts === undefined || texts.length === 0 ? [] : [line(name, texts.map(printable).join(", "))]

/** One node with everything. */
export const whole = (node: NodeRecord, now: number): string => {
  const { createdAt, device, health, id, lastHeartbeat: last, settings, updatedAt } = node
  return [
    `${id}  ${printable(settings.name)}  ${words[health]}${settings.isEnabled ? "" : ", disabled"}`,
    line("serves", settings.ranges.length === 0 ? rangesOf(node) : settings.ranges.join(", ")),
    ...list("servers", settings.servers.map(serverOf)),
    ...list("origins", settings.origins),
    ...list("parents", settings.parents?.map(serverOf)),
    ...list("drives", settings.drives?.map(driveOf)),
    ...list("proxy", settings.proxy === undefined ? [] : [`${settings.proxy.host}:${settings.proxy.port}`]),
    ...list("updates", settings.updateRing === undefined ? [] : [ringOf(settings.updateRing)]),
    ...list("limit", settings.maxOutBps === undefined ? [] : [rateOf(settings.maxOutBps * 8)]),
    ...list("X-CID", settings.cid === undefined ? [] : [settings.cid]),
    line("device", device ?? "none yet; see piecework-service node deployment"),
    line("made", `${timeOf(createdAt)}, changed ${timeOf(updatedAt)}`),
    ...(last === null
      ? []
      : [
          line("heartbeat", `${agoOf(now - last.at)} from ${last.externalIp}, ${last.state.toLowerCase()}`),
          line("machine", printable(`${last.hostName}, version ${last.version}`)),
          line("listens", listens(last)),
          ...last.drives.map(({ isWorking, path, size, used }) =>
            line(
              "drive",
              `${printable(path)}  ${Amount.bytes(used)} of ${Amount.bytes(size)}${isWorking ? "" : "  not working"}`
            )
          ),
          ...(Math.abs(last.sentAt - last.at) < mostAskew
            ? []
            : [
                line(
                  "clock",
                  `${spanOf(Math.abs(last.sentAt - last.at))} ${last.sentAt > last.at ? "ahead" : "behind"}`
                )
              ]),
          ...last.issues.map(({ code, text }) => line("issue", printable(`${code}: ${text}`)))
        ])
  ].join("\n")
}

/** Milliseconds by which a node's clock may differ and nobody is told. */
const mostAskew = 60_000

const listens = ({ addresses, httpPort, httpsPort, tls }: NonNullable<NodeRecord["lastHeartbeat"]>): string => {
  const ports = [
    ...(httpPort === undefined ? [] : [`http ${httpPort}`]),
    ...(httpsPort === undefined ? [] : [`https ${httpsPort}`])
  ]
  const until = tls.expiresAt === undefined ? "" : ` until ${new Date(tls.expiresAt).toISOString().slice(0, 10)}`
  return `${ports.join(" and ") || "nowhere"} at ${addresses.join(", ") || "no address"}; TLS ${tls.state.toLowerCase()}${until}`
}

/** Figures in columns, a line for each span. */
export const figures = (rows: ReadonlyArray<FigureRow>): string => {
  const heads = ["", "hits", "misses", "hit ratio", "out", "of cache", "fetched", "in"]
  const cells = rows.map((row) => [
    new Date(row.at).toISOString().slice(0, 16).replace("T", " "),
    String(row.hits),
    String(row.misses),
    `${row.hitRatio} %`,
    rateOf(row.egressbps),
    rateOf(row.hitsbps),
    rateOf(row.missesbps),
    rateOf(row.inboundbps)
  ])
  const all = [heads, ...cells]
  const widths = heads.map((_, n) => Math.max(...all.map((row) => row[n]?.length ?? 0)))
  return all.map((row) => row.map((cell, n) => cell.padStart(widths[n] ?? 0)).join("  ")).join("\n")
}

export const overview = (of: NodesOverview, hours: number): string =>
  [
    `${counts(of)}; in the last ${Amount.count(hours, "hour")}:`,
    `  served      ${Amount.bytes(of.served)}, of which ${Amount.bytes(of.fromCache)} from the caches: efficiency ${of.cacheEfficiency} %`,
    `  outbound    ${rateOf(of.averageOutboundbps)}, at most ${rateOf(of.maxOutboundbps)} in a minute`,
    `  inbound     ${rateOf(of.averageInboundbps)}, at most ${rateOf(of.maxInboundbps)} in a minute`
  ].join("\n")

/** "3 healthy, 1 unhealthy". */
export const counts = ({ disabled, healthy, unhealthy }: NodesOverview): string =>
  `${healthy} healthy, ${unhealthy} unhealthy${disabled === 0 ? "" : `, ${disabled} disabled`}`

const serverOf = ({ host, isTls, port }: CacheServer): string =>
  `${isTls ? "https" : "http"}://${host.includes(":") ? `[${host}]` : host}:${port}`

const driveOf = ({ path, sizeGb }: DriveSetting): string => (sizeGb === undefined ? path : `${path} with ${sizeGb} GB`)

const ringOf = ({ day, ring, time, week }: UpdateRing): string =>
  [
    ring.toLowerCase(),
    ...(day === undefined ? [] : [`day ${day}`]),
    ...(week === undefined ? [] : [`week ${week}`]),
    ...(time === undefined ? [] : [`at ${time}`])
  ].join(", ")

/** 1500000 → "1.5 Mbit/s". */
const rateOf = (bps: number): string => {
  const units = ["bit/s", "kbit/s", "Mbit/s", "Gbit/s", "Tbit/s"]
  const power = bps < 1000 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(bps) / 3))
  return `${power === 0 ? Math.round(bps) : (bps / 1000 ** power).toFixed(1)} ${units[power]}`
}

const agoOf = (millis: number): string => `${spanOf(Math.max(0, millis))} ago`

/** Milliseconds in the largest unit that fits. */
const spanOf = (millis: number): string => {
  if (millis < 60_000) return `${Math.round(millis / 1000)} s`
  if (millis < 3_600_000) return `${Math.round(millis / 60_000)} min`
  return millis < 172_800_000 ? `${Math.round(millis / 3_600_000)} h` : `${Math.round(millis / 86_400_000)} days`
}
