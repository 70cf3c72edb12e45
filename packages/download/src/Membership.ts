/**
 * One client's membership of a content's swarm, for as long as its scope is open: finds an Array, joins, joins again
 * when the service says so, tells at once when the download is complete, and leaves at the end. A service that fails is
 * asked again, later and later; nothing here ever ends a download.
 */
import type { ContentId } from "@piecework/domain/Content"
import type { ContentUrl } from "@piecework/domain/ContentUrl"
import type { Peer, PeerAddress, PeerId } from "@piecework/domain/Peer"
import * as Journal from "@piecework/logs/Journal"
import {
  type Complaint,
  type FromPeers,
  type Handout,
  JoinRequest,
  LeaveRequest,
  maxComplaints
} from "@piecework/cloud/ArrayRpcs"
import { Cloud, type Whereabouts } from "@piecework/cloud/Cloud"
import type { CloudError } from "@piecework/cloud/CloudError"
import type { Scope as SwarmScope } from "@piecework/cloud/Fields"
import { Duration, Effect, Latch, Random, Ref, type Scope } from "effect"
import * as Arrays from "./Arrays.ts"
import { answerOf, CurrentLedger } from "./CurrentLedger.ts"
import * as Feeders from "./Feeders.ts"
import * as Permission from "./Permission.ts"

/** What a join tells about the client; bytes. */
export interface Standing {
  readonly uploaded: number
  readonly downloaded: number
  readonly fromOrigin: number
  readonly fromCache: number
  /** Of `downloaded`, by how near the peers were. Absent when nothing is downloaded. */
  readonly fromPeers?: FromPeers | undefined
  /** By peer, since the download began. */
  readonly fedBy?: Feeders.Received | undefined
  readonly left: number
  /** Of the whole content. */
  readonly contentSize?: number | undefined
}

export interface MembershipOptions {
  readonly contentId: ContentId
  readonly url: ContentUrl | undefined
  readonly self: PeerId
  /** Where this client takes connections, as others reach it. */
  readonly address: PeerAddress
  readonly scope: SwarmScope
  /** Only in Group scope. */
  readonly groupId: string | undefined
  /** Kind of device: see `Profile` of the cloud. Default a PC. */
  readonly profile?: number | undefined
  /** Mask of the network that the address is in. */
  readonly subnetMask?: string | undefined
  /** Takes peers of its own subnet only. Default false. */
  readonly isOfSubnet?: boolean | undefined
  readonly peersWanted: number
  /** Nobody waits for it. Default false. */
  readonly isBackground?: boolean | undefined
  readonly standing: Effect.Effect<Standing>
  /** What to complain about, the worst first; more than the service takes are left out. Default nothing. */
  readonly complaints?: Effect.Effect<ReadonlyArray<Complaint>> | undefined
  /** Each handout; must not wait. */
  readonly onHandout: (peers: ReadonlyArray<Peer>) => Effect.Effect<void>
  /** After each attempt to join: what it failed with, or that it did not. Must not wait. Default nothing. */
  readonly onAttempt?: ((failure: CloudError | undefined) => Effect.Effect<void>) | undefined
  /** Whether it may give anything: a change is told at once. Default everything. */
  readonly permission?: Permission.Permission | undefined
}

export interface Membership {
  /** Joins once more at once: what the client holds is complete now. */
  readonly completed: Effect.Effect<void>
  /** What the last join that failed said; `undefined` while joins succeed. */
  readonly failure: Effect.Effect<CloudError | undefined>
  /** Whether the last join was answered. Before the first, and while the service fails, more peers may be there. */
  readonly isAnswered: () => boolean
  /** Where it joins; asked for anew before each join. */
  readonly arrays: Arrays.Arrays
}

/** First wait after a failed join; it doubles up to `longestWait`. Source: spec.md §3.4, retries. */
const shortestWait = Duration.seconds(1)
/** The same for one that was in the swarm before: it has its peers, and all of them may have lost the service together. */
const calmWait = Duration.seconds(4)
const longestWait = Duration.seconds(30)
/** The same after the service said that it does not know the content: that changes only when somebody publishes it. */
const unknownWait = Duration.minutes(2)
/** The end of a process does not wait longer than this for its farewell. */
const farewell = Duration.millis(500)

export const join = Effect.fn("Membership.join")(function* (
  options: MembershipOptions
): Effect.fn.Return<Membership, never, Cloud | Scope.Scope> {
  const cloud = yield* Cloud
  const ledger = yield* CurrentLedger
  const group = options.groupId === undefined || options.scope !== "Group" ? {} : { groupId: options.groupId }
  const hurry = yield* Latch.make(false)
  const failed = yield* Ref.make<CloudError | undefined>(undefined)
  const complete = yield* Ref.make(false)
  const seq = yield* Ref.make(0)
  const gives = () =>
    options.permission === undefined ? "All" : Permission.gives(options.permission.current(), options.scope)
  let isAnswered = false
  let lastKnown: Whereabouts | undefined
  /** What joins that were answered said of who fed it. */
  let toldFed: Feeders.Received = new Map()
  /** What the last join said that it gives. */
  let told: Permission.Gives | undefined
  const arrays = Arrays.make(cloud, options.contentId)

  /** The services move: where they are is asked anew once it expired, and what was last known serves until it is told. */
  const whereabouts = cloud.whereabouts.pipe(
    Effect.tap((current) => Effect.sync(() => void (lastKnown = current))),
    Effect.catch((error) => (lastKnown === undefined ? Effect.fail(error) : Effect.succeed(lastKnown)))
  )

  const once = Effect.fnUntraced(function* (): Effect.fn.Return<Handout, CloudError> {
    yield* arrays.discover(whereabouts)
    const standing = yield* options.standing
    const complaints = (yield* options.complaints ?? Effect.succeed([])).slice(0, maxComplaints)
    const n = yield* Ref.getAndUpdate(seq, (value) => value + 1)
    told = gives()
    const { contentSize, fedBy, fromPeers } = standing
    const fed = fedBy === undefined ? [] : Feeders.since(toldFed, fedBy)
    const event = n === 0 ? "Started" : (yield* Ref.get(complete)) ? "Completed" : "Periodic"
    const request = new JoinRequest({
      contentId: options.contentId,
      ...(options.url === undefined ? {} : { altCatalogId: options.url }),
      ...group,
      ...(complaints.length === 0 ? {} : { complaints }),
      peerId: options.self,
      reportedIp: options.address.host,
      port: options.address.port,
      ...(options.subnetMask === undefined ? {} : { subnetMask: options.subnetMask }),
      ...(options.profile === undefined ? {} : { profile: options.profile }),
      ...(told === "All" ? {} : { restrictedUpload: true }),
      ...(told === "Near" ? { givesNear: true } : {}),
      ...(options.isOfSubnet === true ? { restriction: "Subnet" as const } : {}),
      scope: options.scope,
      peersWanted: options.peersWanted,
      ...(options.isBackground === true ? { isBackground: true } : {}),
      event,
      seq: n,
      uploaded: standing.uploaded,
      downloaded: standing.downloaded,
      downloadedCdn: standing.fromOrigin,
      downloadedCache: standing.fromCache,
      left: standing.left,
      ...(contentSize === undefined ? {} : { contentSize }),
      ...(fromPeers === undefined ? {} : { downloadedPeers: fromPeers }),
      ...(fed.length === 0 ? {} : { fedBy: fed })
    })
    const handout = yield* arrays.ask((url) => cloud.join(url, request))
    if (fedBy !== undefined) toldFed = fedBy
    if (event === "Completed") yield* Ref.set(complete, false)
    return handout
  })

  /** Waits out the interval, but no longer than until somebody is in a hurry. */
  const rest = (interval: Duration.Duration) => Effect.andThen(Effect.timeoutOption(hurry.await, interval), hurry.close)

  const forever = Effect.gen(function* () {
    let wait = shortestWait
    while (true) {
      const result = yield* Effect.result(once())
      ledger.note({ _tag: "Asked", role: "Array", ...answerOf(result) })
      if (options.onAttempt !== undefined) {
        yield* options.onAttempt(result._tag === "Success" ? undefined : result.failure)
      }
      if (result._tag === "Success") {
        yield* Ref.set(failed, undefined)
        const { nextJoin, peers } = result.success
        yield* Journal.verbose(() => [
          "A swarm was joined.",
          { file: options.contentId, scope: options.scope, peers: peers.length, next: Duration.format(nextJoin) }
        ])
        yield* options.onHandout(result.success.peers)
        isAnswered = true
        wait = calmWait
        yield* rest(result.success.nextJoin)
      } else {
        yield* Ref.set(failed, result.failure)
        yield* Effect.logDebug("join failed", result.failure)
        isAnswered = false
        // Spread over half the wait, so that clients that lost a service together do not come back together.
        const spread = yield* Random.nextBetween(0.5, 1)
        const isUnknown = result.failure.reason === "ContentUnknown"
        yield* rest(Duration.times(isUnknown ? unknownWait : wait, spread))
        wait = Duration.min(Duration.times(wait, 2), longestWait)
      }
    }
  })

  const leave = Effect.suspend(() => {
    const url = arrays.answered()
    return url === undefined
      ? Effect.void
      : cloud.leave(url, new LeaveRequest({ contentId: options.contentId, peerId: options.self, ...group }))
  }).pipe(
    Effect.timeoutOption(farewell),
    // The service forgets the silent by itself.
    Effect.catch((error) => Effect.logDebug("leave failed", error))
  )

  if (options.permission !== undefined) {
    yield* options.permission.onChange(() => {
      if (told !== undefined && gives() !== told) hurry.openUnsafe()
    })
  }
  yield* Effect.addFinalizer(() => leave)
  yield* Effect.forkScoped(forever)
  return {
    completed: Effect.andThen(Ref.set(complete, true), hurry.open),
    failure: Ref.get(failed),
    isAnswered: () => isAnswered,
    arrays
  }
})
