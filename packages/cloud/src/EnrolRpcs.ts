/**
 * How a device comes to be known: it shows a token to enrol with, once, and gets a credential of its own, which it sends with every
 * call from then on (`authorization: Bearer …`). No role of Delivery Optimization; all of it is ours.
 */
import { Schema } from "effect"
import { Rpc, RpcGroup } from "effect/rpc"
import { CallerMiddleware } from "./Caller.ts"
import { ClientVersion, GroupId, text } from "./Fields.ts"
import { Name } from "./Identity.ts"
import { RequestRefused } from "./RoleError.ts"

/** Path of these calls under a service's URL. */
export const path = "/rpc/enrol"

/** Text on the wire, and here nothing that shows up in a log. */
export const Secret = Schema.RedactedFromValue(text(128))

export class EnrolRequest extends Schema.Class<EnrolRequest>("@piecework/cloud/EnrolRequest")({
  /** As an administrator got it, "pwe_…". */
  token: Secret,
  /** What people are to call the device; its host name. */
  name: Schema.NonEmptyString.check(Schema.isMaxLength(128), Schema.isPattern(/^\P{Cc}*$/u)),
  clientVersion: ClientVersion
}) {}

export class EnrolReply extends Schema.Class<EnrolReply>("@piecework/cloud/EnrolReply")({
  /** The service's name for the device. */
  device: Name,
  /** "pwd_…". */
  credential: Secret,
  /** What it may have that is limited to groups. */
  groups: Schema.Array(GroupId).check(Schema.isMaxLength(64))
}) {}

/** `NotAllowed` for a token that is not accepted, whatever the reason. */
export const Enrol = Rpc.make("Enrol", { payload: EnrolRequest, success: EnrolReply, error: RequestRefused })

/** A new credential for the device that calls. The one it calls with is good until the new one is used for the first time. */
export const Rotate = Rpc.make("Rotate", { success: EnrolReply, error: RequestRefused })

/** The device that calls is no more: its credential is good for nothing from now on. */
export const Retire = Rpc.make("Retire", { error: RequestRefused })

export class EnrolRpcs extends RpcGroup.make(Enrol, Rotate, Retire).middleware(CallerMiddleware) {}
