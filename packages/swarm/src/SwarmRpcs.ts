/** What administrators ask about swarms; for those who may Read. */
import { CallerMiddleware } from "@piecework/cloud/Caller"
import { GroupId } from "@piecework/cloud/Fields"
import { RequestRefused } from "@piecework/cloud/RoleError"
import { ContentId } from "@piecework/domain/Content"
import { Schema } from "effect"
import { Rpc, RpcGroup } from "effect/rpc"
import { mostListed, SwarmSummary, SwarmView } from "./SwarmView.ts"

/** Path of these calls under a service's URL. */
export const path = "/rpc/admin/swarm"

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

export class SwarmRpcs extends RpcGroup.make(List, Show).middleware(CallerMiddleware) {}
