/**
 * Array: join a content's swarm, join again when told to, leave (leases: `LeaseRpc.ts`). A join says what the client holds and has moved, and its
 * answer is a handout of peers. Request: spec.md §4.5. The reply is not public there, so it is ours.
 */
import { ContentId } from "@piecework/domain/Content"
import { ContentUrl } from "@piecework/domain/ContentUrl"
import { Peer, PeerId } from "@piecework/domain/Peer"
import { Effect, Schema } from "effect"
import { Rpc, RpcGroup } from "effect/rpc"
import { CallerMiddleware } from "./Caller.ts"
import { Bytes, ExperimentId, GroupId, Ip, ProfileBits, Scope } from "./Fields.ts"
import { Lease } from "./LeaseRpc.ts"
import * as Profile from "./Profile.ts"
import { ContentHalted, ContentUnknown, RequestRefused } from "./RoleError.ts"

/** Why a client joins. The values are ours. `JoinRequestEvent`. */
export const JoinEvent = Schema.Literals(["Started", "Periodic", "Completed"])
export type JoinEvent = typeof JoinEvent.Type

/** Which of the candidates that the scope allows the client takes. Source: spec.md §2.4. */
export const PeerRestriction = Schema.Literals(["None", "Subnet"])

/** Most peers that a handout may hold. `PeersWanted` is 255 in the sample. */
export const maxPeers = 255

/**
 * What is wrong with a peer that was handed out: the client got no connection to it, or bad pieces from it. Whoever is
 * complained about comes last in later handouts.
 */
export const ComplaintReason = Schema.Literals(["Unreachable", "Bad"])
export type ComplaintReason = typeof ComplaintReason.Type

export const Complaint = Schema.Struct({ peerId: PeerId, reason: ComplaintReason })
export type Complaint = typeof Complaint.Type

/** Most peers that a client complains about at a time. */
export const maxComplaints = 16

/** A peer that gave something, and how many bytes of content since the join before. */
export const Fed = Schema.Struct({ peerId: PeerId, bytes: Bytes })
export type Fed = typeof Fed.Type

/** Most peers that a join names as having given something. */
export const maxFed = 16

/** Bytes of content from peers, by how near they were. */
export const FromPeers = Schema.Struct({ linkLocal: Bytes, lan: Bytes, group: Bytes, internet: Bytes })
export type FromPeers = typeof FromPeers.Type

/** Version of the peer protocol that the client speaks. `ClientDialectVersion…`. */
const Dialect = Schema.Struct({
  major: Schema.Natural,
  minor: Schema.Natural,
  build: Schema.Natural,
  revision: Schema.Natural
})

/** A field that may be left out when a request is made; on the wire it is there. */
const defaulted = <S extends Schema.Top & Schema.WithoutConstructorDefault>(schema: S, value: S["~type.make.in"]) =>
  schema.pipe(Schema.withConstructorDefault(Effect.succeed(value)))

export class JoinRequest extends Schema.Class<JoinRequest>("@piecework/cloud/JoinRequest")({
  /** `ContentId`. */
  contentId: ContentId,
  /** `AltCatalogId`. */
  altCatalogId: Schema.optionalKey(ContentUrl),
  /** `PeerId`. */
  peerId: PeerId,
  /** The address on the client's own network at which it takes connections. `ReportedIp`. */
  reportedIp: Ip,
  /** The TCP port there; Microsoft's clients have 7680 always. Ours. */
  port: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 65_535 })),
  /** Mask of the network that `reportedIp` is in, as 255.255.255.0. `SubnetMask`. */
  subnetMask: Schema.optionalKey(Ip),
  /** `Ipv6`. */
  ipv6: Schema.optionalKey(Ip),
  /** `IsBackground`. */
  isBackground: defaulted(Schema.Boolean, false),
  dialect: defaulted(Dialect, { major: 1, minor: 0, build: 0, revision: 0 }),
  /** Content bytes given to peers in this download. `Uploaded`. */
  uploaded: defaulted(Bytes, 0),
  /** Content bytes taken from all sources. `Downloaded`. */
  downloaded: defaulted(Bytes, 0),
  /** Of these, from the origin. `DownloadedCdn`. */
  downloadedCdn: defaulted(Bytes, 0),
  /** Of these, from a cache server. `DownloadedDoinc`. */
  downloadedCache: defaulted(Bytes, 0),
  /** Bytes still missing; 0 makes a source. `Left`. */
  left: Bytes,
  /** `JoinRequestEvent`. */
  event: JoinEvent,
  /** The client takes pieces but gives none: battery, VPN, cap. `RestrictedUpload`. */
  restrictedUpload: defaulted(Schema.Boolean, false),
  /** With `restrictedUpload`: it gives to its site all the same, and to nobody beyond. Ours. */
  givesNear: Schema.optionalKey(Schema.Boolean),
  /** `PeersWanted`. */
  peersWanted: defaulted(Schema.Natural.check(Schema.isLessThanOrEqualTo(maxPeers)), 50),
  /** In Group scope only. `GroupId`. */
  groupId: Schema.optionalKey(GroupId),
  /** `Scope`. */
  scope: Scope,
  /** `DORestrictPeerSelectionBy`, as far as the service carries it out. Ours. */
  restriction: defaulted(PeerRestriction, "None"),
  /** Bytes a second now. `UploadedBPS`. */
  uploadedBps: defaulted(Bytes, 0),
  /** `DownloadedBPS`. */
  downloadedBps: defaulted(Bytes, 0),
  /** `Profile`. */
  profile: defaulted(ProfileBits, Profile.pc),
  /** All that the client has to complain about now; what it said before and does not say again is taken back. Ours. */
  complaints: Schema.optionalKey(Schema.Array(Complaint).check(Schema.isMaxLength(maxComplaints))),
  /** Bytes of the whole content, for operators' pages. Ours. */
  contentSize: Schema.optionalKey(Bytes),
  /** Of `downloaded`, what came from peers. Ours. */
  downloadedPeers: Schema.optionalKey(FromPeers),
  /** The peers that gave most since the join before, for operators' pages; it changes nothing for anybody. Ours. */
  fedBy: Schema.optionalKey(Schema.Array(Fed).check(Schema.isMaxLength(maxFed))),
  /** Counts the joins of this client to this swarm. `Seq`. */
  seq: defaulted(Schema.Natural, 0),
  /** `eID`. */
  eId: Schema.optionalKey(ExperimentId)
}) {}

const isIp = Schema.is(Ip)

/** The peers that a join returns, and when to join again. Fields that a client does not know are to be ignored. */
export class Handout extends Schema.Class<Handout>("@piecework/cloud/Handout")({
  /** At most as many as wanted, nearest kind first, never the asker. */
  peers: Schema.Array(Peer.check(Schema.makeFilter((peer) => isIp(peer.address.host) || "an IP address"))).check(
    Schema.isMaxLength(maxPeers)
  ),
  /** Milliseconds until the next join; a member that is silent for longer than this and a margin is forgotten. */
  nextJoin: Schema.DurationFromMillis,
  /** Members of the swarm that the asker may be matched with, more than `peers` when not all fit. */
  candidates: Schema.Natural
}) {}

export class LeaveRequest extends Schema.Class<LeaveRequest>("@piecework/cloud/LeaveRequest")({
  contentId: ContentId,
  peerId: PeerId,
  groupId: Schema.optionalKey(GroupId)
}) {}

export const Join = Rpc.make("Join", {
  payload: JoinRequest,
  success: Handout,
  error: Schema.Union([ContentUnknown, ContentHalted, RequestRefused])
})

/** Takes the member out at once. Leaving twice, or without having joined, changes nothing. */
export const Leave = Rpc.make("Leave", { payload: LeaveRequest, error: RequestRefused })

export class ArrayRpcs extends RpcGroup.make(Join, Leave, Lease).middleware(CallerMiddleware) {}
