/**
 * Leases of pieces that nobody in the client's site holds: who has one asks the origin, the others expect the piece from
 * their neighbours. Each request says all that the client holds and all the leases that it goes on with, and each reply all
 * leases that it has from now on. So a message that is lost, or a service that forgot everything, is made good by the next
 * request. Ours; design.md §4.
 */
import { ContentId } from "@piecework/domain/Content"
import { PeerId } from "@piecework/domain/Peer"
import { Effect, Schema } from "effect"
import { Rpc } from "effect/rpc"
import { Bytes, GroupId, Ip, ProfileBits, Scope } from "./Fields.ts"
import * as Profile from "./Profile.ts"
import { ContentHalted, ContentUnknown, RequestRefused } from "./RoleError.ts"

/** Largest content with leases, in pieces (256 GiB of standard pieces): its bitfield still fits into a request. */
export const maxPieces = 262_144

/** Most pieces that one client may have leased: 256 MiB of standard pieces, two seconds at 1 Gbit/s. */
export const maxLeased = 256

/** Adjacent pieces: `first`, `first + 1`, … `first + count - 1`. */
export const Run = Schema.Struct({
  first: Schema.Natural,
  count: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: maxPieces }))
})
export type Run = typeof Run.Type

const Runs = Schema.Array(Run).check(Schema.isMaxLength(maxLeased))

export class LeaseRequest extends Schema.Class<LeaseRequest>("@piecework/cloud/LeaseRequest")({
  contentId: ContentId,
  peerId: PeerId,
  /** As in the join: the site is found by it. */
  reportedIp: Ip,
  subnetMask: Schema.optionalKey(Ip),
  scope: Scope,
  /** In Group scope only. */
  groupId: Schema.optionalKey(GroupId),
  profile: ProfileBits.pipe(Schema.withConstructorDefault(Effect.succeed(Profile.pc))),
  pieceCount: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: maxPieces })),
  /** Bytes in a piece. */
  pieceSize: Schema.Int.check(Schema.isGreaterThan(0)),
  /** The pieces that the client holds, verified, as the bitfield of the peer protocol. */
  held: Schema.Uint8Array.check(
    Schema.makeFilter((bytes) => bytes.length <= maxPieces / 8 || `at most ${maxPieces / 8} bytes`)
  ),
  /**
   * Pieces that the client has under way from the origin, or still means to ask it for. A lease that is not here and not
   * held is given back; a piece that is here without a lease is asked for.
   */
  keep: Runs,
  /** How many more pieces the client could take. */
  most: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: maxLeased })),
  /** What the client gets from the origin and from peers elsewhere, in bytes a second; 0 until it knows. */
  originRate: Bytes,
  /** Counts the requests of this client for this content that were answered. */
  seq: Schema.Natural
}) {}

export class LeaseReply extends Schema.Class<LeaseReply>("@piecework/cloud/LeaseReply")({
  /** All leases that the client has now; another is not to be asked of the origin. */
  runs: Runs,
  /**
   * Milliseconds until the client is to ask again, to say that it is still there. It may ask before, when it has got
   * what it wanted and needs more. Whoever is silent for three times as long and two seconds loses its leases.
   */
  again: Schema.DurationFromMillis
}) {}

export const Lease = Rpc.make("Lease", {
  payload: LeaseRequest,
  success: LeaseReply,
  error: Schema.Union([ContentUnknown, ContentHalted, RequestRefused])
})
