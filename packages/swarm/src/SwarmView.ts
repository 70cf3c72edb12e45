/** A swarm as an administrator sees it: counts, and its largest sites. No device is named. */
import { Schema } from "effect"

/** Most sites in a view; the rest are counted. */
export const mostSites = 100
/** Most swarms in a list. */
export const mostListed = 1000

/** Members that are near each other. */
export class SiteView extends Schema.Class<SiteView>("@piecework/swarm/SiteView")({
  /** The external address that they share, or the first 64 bits of one, or their private network. */
  site: Schema.String,
  members: Schema.Natural,
  /** Those that hold everything. */
  complete: Schema.Natural
}) {}

export class SwarmView extends Schema.Class<SwarmView>("@piecework/swarm/SwarmView")({
  members: Schema.Natural,
  /** Members that hold everything. */
  complete: Schema.Natural,
  /** Members that take pieces and give none. */
  restricted: Schema.Natural,
  /** Sites in all. */
  siteCount: Schema.Natural,
  /** The largest first, at most `mostSites`. */
  sites: Schema.Array(SiteView).check(Schema.isMaxLength(mostSites)),
  /** Members that asked for leases and are not forgotten. */
  leaseMembers: Schema.Natural,
  /** Pieces that are leased now, over all sites. */
  leasedPieces: Schema.Natural
}) {}

/** One line of a list. */
export class SwarmSummary extends Schema.Class<SwarmSummary>("@piecework/swarm/SwarmSummary")({
  /** The content's id, and behind a slash the group's name where it is the swarm of a group. */
  swarm: Schema.String,
  members: Schema.Natural
}) {}
