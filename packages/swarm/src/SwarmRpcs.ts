/** What administrators ask about swarms; for those who may Read. */
import { CallerMiddleware } from "@piecework/cloud/Caller"
import { GroupId, text } from "@piecework/cloud/Fields"
import { RequestRefused } from "@piecework/cloud/RoleError"
import { ContentId } from "@piecework/domain/Content"
import { PeerId } from "@piecework/domain/Peer"
import { Schema } from "effect"
import { Rpc, RpcGroup } from "effect/rpc"
import { GroupName, LiveInside, LiveSwarm, LiveTotals, mostPoints, mostRows } from "./LiveView.ts"
import { mostListed, SwarmSummary, SwarmView } from "./SwarmView.ts"

/** Path of these calls under a service's URL. */
export const path = "/rpc/admin/swarm"

const most = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: mostRows }))

/** The swarms that live in the process that is asked, those with most members first. */
const List = Rpc.make("List", {
  success: Schema.Struct({
    /** How many there are. */
    count: Schema.Natural,
    swarms: Schema.Array(SwarmSummary).check(Schema.isMaxLength(mostListed))
  }),
  error: RequestRefused
})

/** The swarm of a content, or of one of its groups, wherever it lives. One that nobody joined has no members. */
const Show = Rpc.make("Show", {
  payload: { contentId: ContentId, groupId: Schema.optionalKey(GroupId) },
  success: SwarmView,
  error: RequestRefused
})

/**
 * The swarms of the whole service, whichever of its processes is asked: those with most members first, or those that receive most now.
 * Some seconds old where several processes have swarms. Each of them tells of its 500 largest; `count` counts all.
 */
const Live = Rpc.make("Live", {
  payload: {
    /** Lines to leave out; `next` of the page before. */
    skip: Schema.Natural,
    most,
    order: Schema.Literals(["Members", "Rate"]),
    /** Only the swarms of this content: its own, and those of its groups. */
    contentId: Schema.optionalKey(ContentId)
  },
  success: Schema.Struct({
    /** Epoch milliseconds. */
    at: Schema.Natural,
    /** Swarms with members in all, whatever was asked for. */
    count: Schema.Natural,
    swarms: Schema.Array(LiveSwarm).check(Schema.isMaxLength(mostRows)),
    /** Absent after the last page. */
    next: Schema.optionalKey(Schema.Natural)
  }),
  error: RequestRefused
})

/** There is no such swarm now: nobody has joined it, or all have left. */
export class SwarmUnknown extends Schema.TaggedError<SwarmUnknown>()("SwarmUnknown", { contentId: text(64) }) {
  override get message(): string {
    return `Nobody is in a swarm of ${this.contentId} now.`
  }
}

/** One swarm as it is this moment: its sites, and its members by pages with who feeds whom. */
const Inside = Rpc.make("Inside", {
  payload: {
    contentId: ContentId,
    /** As `Live` says it. */
    group: Schema.optionalKey(GroupName),
    /** Only the members of this site; all others figures are of the whole swarm. */
    site: Schema.optionalKey(text(128)),
    /** Of the members: those behind this one. */
    after: Schema.optionalKey(PeerId),
    most
  },
  success: LiveInside,
  error: Schema.Union([SwarmUnknown, RequestRefused])
})

/** All swarms of the whole service together, now: small, to be asked for every few seconds. */
const Totals = Rpc.make("Totals", { success: LiveTotals, error: RequestRefused })

/** The same as it was: a point every 5 seconds, the last 20 minutes, the oldest first; only those after `after` (epoch milliseconds). */
const History = Rpc.make("History", {
  payload: { after: Schema.optionalKey(Schema.Natural) },
  success: Schema.Array(LiveTotals).check(Schema.isMaxLength(mostPoints)),
  error: RequestRefused
})

export class SwarmRpcs extends RpcGroup.make(List, Show, Live, Inside, Totals, History).middleware(CallerMiddleware) {}
