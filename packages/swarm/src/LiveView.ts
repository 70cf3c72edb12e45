/**
 * What happens in the swarms now, as an administrator's page shows it: of all processes of the service together. All figures are what
 * the members' joins say, which come every 1 to 36 seconds while a member downloads and every 5 minutes once it has everything; a rate
 * is what was moved between a member's last two joins, divided by the time between them. What a member that is gone moved is in no figure.
 */
import { text } from "@piecework/cloud/Fields"
import { ContentId } from "@piecework/domain/Content"
import { PeerId } from "@piecework/domain/Peer"
import { Schema } from "effect"

/** Most swarms, members or rows in one answer. */
export const mostRows = 100
/** Most that feed one member in an answer: as many as a join names. */
export const mostFeeders = 16
/** Most pairs of sites in an answer. */
export const mostFlows = 200
/** Most points of `History`. */
export const mostPoints = 240

/**
 * Bytes, or bytes a second, by where they came from. `peers` is all that came from peers; the four behind it are these by how near the
 * peers were, and together less than `peers` where clients do not say it.
 */
export const ByKind = Schema.Struct({
  origin: Schema.Natural,
  cacheServer: Schema.Natural,
  peers: Schema.Natural,
  lan: Schema.Natural,
  linkLocal: Schema.Natural,
  group: Schema.Natural,
  internet: Schema.Natural
})
export type ByKind = typeof ByKind.Type

/** A group as reports name it: 16 hex digits, made of its id and a secret of the service (`GroupHash` of `reports`). */
export const GroupName = Schema.String.check(Schema.isPattern(/^[0-9a-f]{16}$/))

/** A swarm in sums. */
export const figures = {
  members: Schema.Natural,
  /** Members that hold everything. */
  complete: Schema.Natural,
  sites: Schema.Natural,
  /** What its members received since each began to download, in bytes. */
  bytes: ByKind,
  /** What they receive now, in bytes a second. What members give each other is `rate.peers`. */
  rate: ByKind
}

/** One line of the list of swarms. */
export class LiveSwarm extends Schema.Class<LiveSwarm>("@piecework/swarm/LiveSwarm")({
  contentId: ContentId,
  /** Of the swarm of a group. */
  group: Schema.optionalKey(GroupName),
  ...figures
}) {}

/** Members that are near each other. */
export class LiveSite extends Schema.Class<LiveSite>("@piecework/swarm/LiveSite")({
  /** The external address that they share, or the first 64 bits of one, or their private network. */
  site: text(128),
  members: Schema.Natural,
  complete: Schema.Natural,
  bytes: ByKind,
  rate: ByKind
}) {}

/** What the members of a site received from those of another, or of the same. */
export class LiveFlow extends Schema.Class<LiveFlow>("@piecework/swarm/LiveFlow")({
  from: text(128),
  to: text(128),
  /** Between the receivers' last two joins, in bytes. */
  bytes: Schema.Natural,
  /** Bytes a second. */
  rate: Schema.Natural
}) {}

/** One that gave to a member. */
export const Feeder = Schema.Struct({
  /** Often a member of the same swarm; one that has gone since is named still. */
  peerId: PeerId,
  /** Between the member's last two joins, in bytes. */
  bytes: Schema.Natural,
  /** Bytes a second. */
  rate: Schema.Natural
})
export type Feeder = typeof Feeder.Type

/** A device in a swarm. */
export class LiveMember extends Schema.Class<LiveMember>("@piecework/swarm/LiveMember")({
  /** The first 32 digits name the device, the others its process. */
  peerId: PeerId,
  site: text(128),
  /** As the service sees it. */
  externalIp: text(64),
  /** Where neighbours reach it. */
  host: text(64),
  port: Schema.Natural,
  scope: Schema.Literals(["Lan", "Group", "Internet"]),
  /** Servers are matched with servers only. */
  kind: Schema.Literals(["Pc", "Server", "Other"]),
  isComplete: Schema.Boolean,
  /** It gives nothing, or `givesNear`: nothing beyond its site. */
  isRestricted: Schema.Boolean,
  givesNear: Schema.Boolean,
  /** Bytes that it lacks; absent where the service keeps no figures of it (it has as many as it keeps). */
  left: Schema.optionalKey(Schema.Natural),
  /** Percent of the content that it holds, 0 to 100; absent when it did not say how large the content is. */
  percent: Schema.optionalKey(Schema.Finite),
  /** Received since it began. */
  bytes: Schema.optionalKey(ByKind),
  /** Received now, bytes a second. */
  rate: Schema.optionalKey(ByKind),
  /** What it gave to members that say so, bytes a second. */
  gives: Schema.Natural,
  /** Who fed it: the edges `peerId` → this member, those that gave most first. Empty where the client does not say. */
  fedBy: Schema.Array(Feeder).check(Schema.isMaxLength(mostFeeders)),
  /** Of its last join, epoch milliseconds. */
  seenAt: Schema.Natural,
  /** Of its first, epoch milliseconds. */
  joinedAt: Schema.Natural
}) {}

const inside = {
  /** Epoch milliseconds. */
  at: Schema.Natural,
  /** Pieces that are leased now, over all sites. */
  leasedPieces: Schema.Natural,
  /** Those with most members first, at most `mostRows`; `swarm.sites` counts all. */
  sites: Schema.Array(LiveSite).check(Schema.isMaxLength(mostRows)),
  /** Between sites, and within each: those with most bytes first. */
  flows: Schema.Array(LiveFlow).check(Schema.isMaxLength(mostFlows)),
  /** By peer id, behind the `after` that was asked for. */
  members: Schema.Array(LiveMember).check(Schema.isMaxLength(mostRows)),
  /** For `after` of the next page; absent after the last. */
  next: Schema.optionalKey(PeerId)
}

/** One swarm from inside. */
export class LiveInside extends Schema.Class<LiveInside>("@piecework/swarm/LiveInside")({
  swarm: LiveSwarm,
  ...inside
}) {}

/** The same as the swarm itself tells it, which does not know how operators call it. */
export class Inspected extends Schema.Class<Inspected>("@piecework/swarm/Inspected")({
  figures: Schema.Struct(figures),
  ...inside
}) {}

/** All swarms together. */
export class LiveTotals extends Schema.Class<LiveTotals>("@piecework/swarm/LiveTotals")({
  /** Epoch milliseconds. */
  at: Schema.Natural,
  /** Processes that have swarms and were heard within the last 15 seconds. */
  runners: Schema.Natural,
  /** Devices that are in some swarm. Exact up to 1,024, then within some 3 %. */
  devices: Schema.Natural,
  /** Swarms with members. */
  swarms: Schema.Natural,
  /** Members of all swarms: a device is one in each that it is in. */
  members: Schema.Natural,
  /** Of these, those that hold everything. */
  complete: Schema.Natural,
  /** What all of them receive now, bytes a second. */
  rate: ByKind
}) {}
