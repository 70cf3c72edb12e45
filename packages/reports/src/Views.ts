/**
 * What an organisation sees: rows in the field names that administrators know, as far as the names exist. Bytes of each kind of source are
 * apart, and `BytesFetched` is their sum. Source: spec.md §8.3 (UCDOStatus, UCDOAggregatedStatus).
 */
import { Schema } from "effect"
import * as Figures from "./Figures.ts"

/** Sums over the window that was asked for. */
const sums = {
  /** From the origin; what a cache server served is not in it. */
  BytesFromCDN: Schema.Natural,
  BytesFromCache: Schema.Natural,
  /** From all peers; the next four are these by how near the peers were. */
  BytesFromPeers: Schema.Natural,
  BytesFromLanPeers: Schema.Natural,
  BytesFromLinkLocalPeers: Schema.Natural,
  BytesFromGroupPeers: Schema.Natural,
  BytesFromIntPeers: Schema.Natural,
  /** All that came over a network. */
  BytesFetched: Schema.Natural,
  /** Of these, what became no piece. */
  BytesWasted: Schema.Natural,
  /** What was held before, and not fetched. */
  BytesFromLocalCache: Schema.Natural,
  /** Downloads that completed. */
  TotalTransfers: Schema.Natural,
  /** Of these, in a mode with peers; the next four sum up to them. */
  PeerEligibleTransfers: Schema.Natural,
  /** Some bytes came from peers. */
  PeersSuccessCount: Schema.Natural,
  /** The service named none. */
  NoPeersCount: Schema.Natural,
  /** It named some, and none could be connected. */
  PeersCannotConnectCount: Schema.Natural,
  /** They were connected and brought nothing, or it is not known. */
  PeersUnknownCount: Schema.Natural,
  TransfersStarted: Schema.Natural,
  TransfersPaused: Schema.Natural,
  TransfersCanceled: Schema.Natural,
  ErrorCount: Schema.Natural,
  /** Events that devices could not keep until they could send them; what these said is in no sum. */
  EventsLost: Schema.Natural,
  /** Seconds that the completed downloads took. */
  TotalTimeForDownload: Schema.Finite
}

/** (peers + cache server) ÷ fetched, in percent, over two windows whatever was asked for; and how good the first is. */
const savings = {
  BWOptPercent7Days: Schema.Finite,
  BWOptPercent28Days: Schema.Finite,
  /** Of the window that was asked for: Error under 10 %, Warning up to 60 %. */
  Efficiency: Schema.Literals(["None", "Error", "Warning", "Good"])
}

export type Sums = Schema.Struct<typeof sums>["Type"]
export type Savings = Schema.Struct<typeof savings>["Type"]

export class DeviceRow extends Schema.Class<DeviceRow>("@piecework/reports/DeviceRow")({
  /** The name that the service gave it, or what the device says of itself. */
  GlobalDeviceId: Schema.String,
  /** Whether it proved who it is. */
  IsEnrolled: Schema.Boolean,
  LastCensusSeenTime: Schema.String,
  /** Number of the mode of its latest download; absent when none is known. */
  DownloadMode: Schema.optionalKey(Schema.Int),
  DownloadModeReason: Schema.String,
  PeeringStatus: Schema.Literals(["On", "Off", "Unknown"]),
  /** Hashed; "" without a group. */
  GroupID: Schema.String,
  OSVersion: Schema.String,
  ClientVersion: Schema.String,
  /** Where most of its bytes were fetched; "" where nobody said which network is where. */
  City: Schema.String,
  Country: Schema.String,
  ISP: Schema.String,
  ...sums,
  ...savings
}) {}

export class ContentRow extends Schema.Class<ContentRow>("@piecework/reports/ContentRow")({
  /** "" for downloads that ended before their content was known. */
  ContentId: Schema.String,
  SourceURL: Schema.String,
  FileSize: Schema.Natural,
  DeviceCount: Schema.Natural,
  ...sums,
  ...savings
}) {}

/** Site: the external address that devices share, the first 64 bits of one, or "private" for those that the service sees as they are. */
export const GroupBy = Schema.Literals(["Group", "City", "Country", "Isp", "Site"])
export type GroupBy = typeof GroupBy.Type

export class GroupRow extends Schema.Class<GroupRow>("@piecework/reports/GroupRow")({
  By: GroupBy,
  /** The group's hash, or the city, country, ISP or site. */
  Name: Schema.String,
  DeviceCount: Schema.Natural,
  ...sums,
  ...savings
}) {}

export class ModeRow extends Schema.Class<ModeRow>("@piecework/reports/ModeRow")({
  /** Number of the mode in which contents were downloaded. */
  ContentDownloadMode: Schema.Int,
  PeeringStatus: Schema.Literals(["On", "Off"]),
  ...sums,
  ...savings
}) {}

export class TypeRow extends Schema.Class<TypeRow>("@piecework/reports/TypeRow")({
  /** Who asked for the files; "" when nobody said. */
  ContentType: Schema.String,
  DeviceCount: Schema.Natural,
  ...sums,
  ...savings
}) {}

export class DayRow extends Schema.Class<DayRow>("@piecework/reports/DayRow")({
  /** As 2026-01-31, of UTC. */
  Day: Schema.String,
  ...sums
}) {}

/** What there is a view of by itself. */
export const By = Schema.Literals([...GroupBy.literals, "Content", "Device"])
export type By = typeof By.Type

export class OneRow extends Schema.Class<OneRow>("@piecework/reports/OneRow")({
  By,
  Name: Schema.String,
  /** Devices with an event of it in the window; of a device itself 1, or 0 when it is not known. */
  DeviceCount: Schema.Natural,
  ...sums,
  ...savings,
  ByDay: Schema.Array(DayRow)
}) {}

export class Summary extends Schema.Class<Summary>("@piecework/reports/Summary")({
  TimeGenerated: Schema.String,
  /** First and last day of the window, both in it. */
  From: Schema.String,
  To: Schema.String,
  /** Devices of which an event is in the window. */
  DeviceCount: Schema.Natural,
  /** Of these, by the mode of their latest download: with peers (1, 2, 3), and without (0, 99, 100). */
  DevicesPeeringOn: Schema.Natural,
  DevicesPeeringOff: Schema.Natural,
  ...sums,
  ...savings,
  ByMode: Schema.Array(ModeRow),
  /** At most 100, those with most bytes. */
  ByType: Schema.Array(TypeRow),
  ByDay: Schema.Array(DayRow)
}) {}

/** An event as it is kept: without the group's id, which is hashed. */
export class StoredEvent extends Schema.Class<StoredEvent>("@piecework/reports/StoredEvent")({
  /** Grows with each event; where to go on from. */
  place: Schema.Natural,
  GlobalDeviceId: Schema.String,
  IsEnrolled: Schema.Boolean,
  /** When it happened by the service's clock, and when it came. */
  Moment: Schema.String,
  ReceivedAt: Schema.String,
  /** `_tag`, and the fields of its kind. */
  event: Schema.Record(Schema.String, Schema.Unknown)
}) {}

export const sumsOf = (of: Figures.Figures): Sums => ({
  BytesFromCDN: of.cdn,
  BytesFromCache: of.cache,
  BytesFromPeers: countable(Figures.fromPeers(of)),
  BytesFromLanPeers: of.lan,
  BytesFromLinkLocalPeers: of.link_local,
  BytesFromGroupPeers: of.group_peers,
  BytesFromIntPeers: of.internet,
  BytesFetched: countable(Figures.fetched(of)),
  BytesWasted: of.wasted,
  BytesFromLocalCache: of.local_cache,
  TotalTransfers: of.transfers,
  PeerEligibleTransfers: of.eligible,
  PeersSuccessCount: of.peers_success,
  NoPeersCount: of.no_peers,
  PeersCannotConnectCount: of.cannot_connect,
  PeersUnknownCount: of.peers_unknown,
  TransfersStarted: of.started,
  TransfersPaused: of.paused,
  TransfersCanceled: of.canceled,
  ErrorCount: of.errors,
  EventsLost: of.lost,
  TotalTimeForDownload: of.millis / 1000
})

/** It takes liars to get beyond. */
const countable = (sum: number): number => Math.min(Figures.most, sum)

export const savingsOf = (asked: Figures.Figures, week: Figures.Figures, month: Figures.Figures): Savings => ({
  BWOptPercent7Days: Figures.savedPercent(week),
  BWOptPercent28Days: Figures.savedPercent(month),
  Efficiency: Figures.efficiency(asked)
})
