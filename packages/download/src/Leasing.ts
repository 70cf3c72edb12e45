/**
 * Keeps a download in leases for as long as its scope is open: tells the service what is held and under way, and the scheduler
 * what is leased. A service that does not answer in time is not waited for: the scheduler goes ahead without, and the
 * service is asked again until it answers. Nothing here ever ends a download.
 */
import { Cloud } from "@piecework/cloud/Cloud"
import type { CloudError } from "@piecework/cloud/CloudError"
import type { Scope as SwarmScope } from "@piecework/cloud/Fields"
import { LeaseRequest, type LeaseReply, type Run } from "@piecework/cloud/LeaseRpc"
import type { ContentId } from "@piecework/domain/Content"
import type { PeerAddress, PeerId } from "@piecework/domain/Peer"
import { short } from "@piecework/ledger/Recorder"
import { Leases, Plan } from "@piecework/scheduler"
import { Clock, Deferred, Duration, Effect, Latch, Random, type Scope } from "effect"
import * as Arrays from "./Arrays.ts"
import { CurrentLedger } from "./CurrentLedger.ts"
import type { Happening, Turn } from "./Fetches.ts"

export interface LeasingOptions {
  readonly contentId: ContentId
  readonly self: PeerId
  /** Where this client takes connections, as the swarm is told. */
  readonly address: PeerAddress
  readonly scope: SwarmScope
  /** Only in Group scope. */
  readonly groupId: string | undefined
  /** Kind of device: see `Profile` of the cloud. Default a PC. */
  readonly profile?: number | undefined
  /** Where the download is a member, so that what fails the one is known to the other. Default its own. */
  readonly arrays?: Arrays.Arrays | undefined
  /** Mask of the network that the address is in. */
  readonly subnetMask?: string | undefined
  /** How long the scheduler waits for the first answer. */
  readonly timeout: Duration.Input
  /** After each ask: what it failed with, or that it did not. Must not wait. Default nothing. */
  readonly onAttempt?: ((failure: CloudError | undefined) => Effect.Effect<void>) | undefined
  readonly plan: () => Plan.Plan
  readonly tell: (turn: Turn) => void
}

export interface Leasing {
  /** To be called after each event: asks for more when the leases run out. */
  readonly look: (happened: Happening) => void
}

interface Said {
  readonly need: Leases.Need
  readonly reply: LeaseReply
}

/** Between an answer and the next ask at least, so that a fast line asks in lots. */
const shortestPause = Duration.millis(20)
/** After an ask that failed; doubled up to `longestWait`: a service that comes back waits so long for all to be back. */
const shortestWait = Duration.seconds(1)
const longestWait = Duration.seconds(4)
/**
 * Without an answer for so long, leases are at an end. 8 s: so long the service keeps what a silent member has leased, so until
 * then nobody else fetches it, and one answer that was lost or came late costs nothing.
 */
const longestSilence = Duration.seconds(8)
/** The same when the service is not there at all: then all of the site notice, and soon. */
const longestAbsence = Duration.seconds(2)
/**
 * While nothing may come over the line, which may be hours, so many times as long as the service says lie between two asks. 2.5: it
 * forgets who is silent for three times as long and a little more, and what it forgot takes seconds to learn.
 */
const resting = 2.5
/** While somebody reads pieces that the service gave to nobody or to others: what is leased may be over soon. */
const readerPause = Duration.millis(500)
/** After a service said that it gives no leases, or that it does not know the content. */
const refusedWait = Duration.minutes(1)

export const start = Effect.fn("Leasing.start")(function* (
  options: LeasingOptions
): Effect.fn.Return<Leasing, never, Cloud | Scope.Scope> {
  const cloud = yield* Cloud
  const ledger = yield* CurrentLedger
  const { contentId, plan, tell } = options
  const group = options.groupId === undefined || options.scope !== "Group" ? {} : { groupId: options.groupId }
  /** The first decision was made, so that there is something to say. */
  const begun = yield* Latch.make(false)
  const hurry = yield* Latch.make(false)
  const arrays = options.arrays ?? Arrays.make(cloud, contentId)
  /** Whether the instances are to be asked for before the next ask. */
  let isLost = true
  let answered = 0
  /** It had nothing of what was wanted: asking sooner than it says is of no use. */
  let answeredAt = -Infinity
  let isStarved = false
  let isAsking = true
  /** A lease was kept since the service was told what there is: there is more room than its answer knows of. */
  let hasKept = false
  /** The origin was let go since: an answer to a question that wanted nothing is none. */
  let isOpened = false

  /** It goes ahead by itself. */
  let isWithout = false
  const without = (detail: string) => {
    if (!isWithout) ledger.note({ _tag: "Leases", state: answered === 0 ? "Without" : "Lost", detail })
    isWithout = true
  }

  const ask = Effect.fnUntraced(function* (): Effect.fn.Return<Said, CloudError> {
    if (isLost) yield* arrays.discover(cloud.whereabouts)
    isLost = false
    hasKept = false
    isOpened = false
    const { layout, pieceCount, held } = plan()
    const need = Leases.need(plan())
    const request = new LeaseRequest({
      contentId,
      peerId: options.self,
      reportedIp: options.address.host,
      ...(options.subnetMask === undefined ? {} : { subnetMask: options.subnetMask }),
      ...(options.profile === undefined ? {} : { profile: options.profile }),
      scope: options.scope,
      ...group,
      pieceCount,
      pieceSize: layout.pieceSize,
      held: held.bytes,
      keep: need.keep,
      most: need.most,
      originRate: need.originRate,
      seq: answered
    })
    const reply = yield* arrays.ask((url) => cloud.lease(url, request))
    return { need, reply }
  })

  const once = Effect.gen(function* () {
    isAsking = true
    yield* hurry.close
    const {
      need,
      reply: { runs, again }
    } = yield* ask()
    if (answered++ === 0 || isWithout) ledger.note({ _tag: "Leases", state: "Given" })
    isWithout = false
    answeredAt = yield* Clock.currentTimeMillis
    isStarved = need.most + need.claimed > 0 && piecesIn(runs) <= piecesIn(need.keep) - need.claimed
    const heard = Deferred.makeUnsafe<void>()
    tell(() => {
      Deferred.doneUnsafe(heard, Effect.void)
      return [{ _tag: "Leased", runs, asked: need.keep }]
    })
    // An ask that did not mention them yet would give these leases back.
    yield* Deferred.await(heard)
    isAsking = false
    if (isOpened || (isStarved && hasKept)) yield* hurry.open
    return again
  })

  const forever = Effect.gen(function* () {
    let wait = shortestWait
    // One that holds what it wanted of it goes on: the service counts with what it holds, and it may want more.
    while (!Plan.isComplete(plan())) {
      const result = yield* Effect.result(once)
      if (options.onAttempt !== undefined) {
        yield* options.onAttempt(result._tag === "Success" ? undefined : result.failure)
      }
      if (result._tag === "Success") {
        wait = shortestWait
        yield* Effect.sleep(shortestPause)
        const { success: again } = result
        const pause = Leases.isResting(plan()) ? Duration.times(again, resting) : again
        const isWaitedFor = isStarved && plan().reading.length > 0
        yield* Effect.timeoutOption(hurry.await, isWaitedFor ? Duration.min(pause, readerPause) : pause)
      } else {
        yield* Effect.logDebug("no leases", result.failure)
        isLost = true
        const silence = (yield* Clock.currentTimeMillis) - answeredAt
        const { reason } = result.failure
        const most = reason === "TimedOut" ? longestSilence : longestAbsence
        const isRefused = reason === "Refused" || reason === "ContentUnknown"
        // A first answer that does not come in time has until `timeout`: a whole site may have started at once.
        const isAwaited = answered === 0 && reason === "TimedOut"
        if (!isAwaited && (isRefused || silence >= Duration.toMillis(most))) {
          without(short(result.failure.message))
          tell(() => [{ _tag: "LeasesOff" }])
        }
        const spread = yield* Random.nextBetween(0.5, 1)
        yield* Effect.sleep(isRefused ? refusedWait : Duration.times(wait, spread))
        wait = Duration.min(Duration.times(wait, 2), longestWait)
      }
    }
  })

  yield* Effect.forkScoped(Effect.andThen(begun.await, forever))
  // Only the first answer is waited for: later ones find the client at work on what it has.
  yield* Effect.sync(() => {
    if (answered > 0) return
    without("no answer in time")
    tell(() => (answered === 0 ? [{ _tag: "LeasesOff" }] : []))
  }).pipe(Effect.delay(options.timeout), Effect.forkScoped)

  return {
    look: (happened) => {
      if (answered === 0) return queueMicrotask(() => begun.openUnsafe())
      if (!Leases.concerns(plan(), happened)) return
      // A lease that was kept makes room for another.
      const isKept = happened._tag === "PieceHeld"
      if (happened._tag === "OriginAllowed") isOpened = true
      if (isKept) hasKept = true
      // What a reader waits for now was not in the last ask.
      const isUrgent = happened._tag === "Reading" && happened.runs.some(({ waits }) => waits)
      if (isAsking || (isStarved && !isKept && !isUrgent)) return
      const { claimed, most } = Leases.need(plan())
      if (most + claimed === 0) return
      // Once whoever looks has finished its step: what else happens in it is then said as well.
      queueMicrotask(() => isAsking || hurry.openUnsafe())
    }
  }
})

const piecesIn = (runs: ReadonlyArray<Run>): number => runs.reduce((sum, { count }) => sum + count, 0)
