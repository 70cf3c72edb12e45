/** Reports for people: what came from where, and what that saved. */
import type * as Views from "@piecework/reports/Views"
import * as Amount from "./Amount.ts"

export const summary = (of: Views.Summary): ReadonlyArray<string> => {
  const share = (n: number) =>
    of.BytesFetched === 0 ? "" : `  ${((100 * n) / of.BytesFetched).toFixed(1).padStart(5)} %`
  const line = (label: string, n: number) => `  ${label.padEnd(16)}${Amount.bytes(n).padStart(11)}${share(n)}`
  const { DeviceCount, DevicesPeeringOff, DevicesPeeringOn } = of
  return [
    `${of.From} to ${of.To}: ${Amount.count(DeviceCount, "device")}, ${DevicesPeeringOn} with peers on, ${DevicesPeeringOff} off`,
    `${Amount.count(of.TotalTransfers, "download")}, ${Amount.bytes(of.BytesFetched)} fetched`,
    line("origin", of.BytesFromCDN),
    line("cache servers", of.BytesFromCache),
    line("LAN peers", of.BytesFromLanPeers),
    line("link-local peers", of.BytesFromLinkLocalPeers),
    line("group peers", of.BytesFromGroupPeers),
    line("Internet peers", of.BytesFromIntPeers),
    `of which ${Amount.bytes(of.BytesWasted)} wasted; and ${Amount.bytes(of.BytesFromLocalCache)} were held before`,
    `saved: ${of.BWOptPercent7Days} % in 7 days, ${of.BWOptPercent28Days} % in 28`,
    ...(of.EventsLost === 0 ? [] : [`${Amount.count(of.EventsLost, "event")} were lost on devices, and are in no sum.`])
  ]
}

const amounts = (row: Views.Sums & Views.Savings): string => {
  const saved = row.BytesFetched === 0 ? 0 : ((row.BytesFromPeers + row.BytesFromCache) / row.BytesFetched) * 100
  return [
    `${Amount.bytes(row.BytesFetched)} fetched`,
    `${Amount.bytes(row.BytesFromPeers)} from peers`,
    `${Amount.bytes(row.BytesFromCDN)} from the origin`,
    `${saved.toFixed(1)} % saved`
  ].join(", ")
}

export const devices = (rows: ReadonlyArray<Views.DeviceRow>): ReadonlyArray<string> =>
  rows.map((row) => {
    const seen = row.LastCensusSeenTime.slice(0, 16).replace("T", " ")
    return `${row.GlobalDeviceId}  seen ${seen}  peers ${row.PeeringStatus.toLowerCase()}\n  ${amounts(row)}`
  })

export const contents = (rows: ReadonlyArray<Views.ContentRow>): ReadonlyArray<string> =>
  rows.map((row) => {
    const name = row.ContentId === "" ? "(not known)" : row.ContentId
    const url = row.SourceURL === "" ? [] : [`  ${row.SourceURL}`]
    const size = row.FileSize === 0 ? "" : `  ${Amount.bytes(row.FileSize)}`
    return [`${name}${size}  ${Amount.count(row.DeviceCount, "device")}`, ...url, `  ${amounts(row)}`].join("\n")
  })

export const groups = (rows: ReadonlyArray<Views.GroupRow>): ReadonlyArray<string> =>
  rows.map((row) => `${row.Name}  ${Amount.count(row.DeviceCount, "device")}\n  ${amounts(row)}`)
