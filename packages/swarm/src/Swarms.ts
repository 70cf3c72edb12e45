/** All swarms, whichever process they live in: what the Array role asks. */
import type { Handout, JoinRequest, LeaveRequest } from "@piecework/cloud/ArrayRpcs"
import type { LeaseReply, LeaseRequest } from "@piecework/cloud/LeaseRpc"
import { RequestRefused } from "@piecework/cloud/RoleError"
import type { ContentId } from "@piecework/domain/Content"
import { Clock, Context, Duration, Effect, Layer, Schema } from "effect"
import type { Sharding } from "effect/cluster"
import { Board, type Listing, type Wanted } from "./Board.ts"
import * as BoardEntity from "./BoardEntity.ts"
import * as Embedded from "./Embedded.ts"
import * as Handouts from "./Handouts.ts"
import * as Herald from "./Herald.ts"
import type * as Inside from "./Inside.ts"
import type { Inspected, LiveTotals } from "./LiveView.ts"
import { Residents } from "./Residents.ts"
import * as Swarm from "./Swarm.ts"
import type { Now, SwarmActor } from "./SwarmActor.ts"
import { SwarmConfig } from "./SwarmConfig.ts"
import { mostListed, SwarmSummary, type SwarmView } from "./SwarmView.ts"

/** The swarm could not take the message: it has too many waiting, or its process is gone. Try again. */
export class SwarmUnavailable extends Schema.TaggedError<SwarmUnavailable>()("SwarmUnavailable", {
  swarm: Schema.String,
  cause: Schema.Defect()
}) {
  override get message(): string {
    return `The swarm ${this.swarm} takes no messages now.`
  }
}

/** What is known of all swarms; see `Board`. */
export interface Live {
  readonly totals: Effect.Effect<LiveTotals, SwarmUnavailable>
  /** Those after that epoch millisecond. */
  readonly history: (after: number) => Effect.Effect<ReadonlyArray<LiveTotals>, SwarmUnavailable>
  readonly list: (wanted: Wanted) => Effect.Effect<Listing, SwarmUnavailable>
}

export class Swarms extends Context.Service<
  Swarms,
  {
    /** `externalIp` is the address that the join came from. */
    readonly join: (request: JoinRequest, externalIp: string) => Effect.Effect<Handout, SwarmUnavailable>
    /** Takes the member out if it had joined from there. */
    readonly leave: (request: LeaveRequest, externalIp: string) => Effect.Effect<void, SwarmUnavailable>
    /** Refused when there is no room for another member with leases; then it goes without. */
    readonly lease: (
      request: LeaseRequest,
      externalIp: string
    ) => Effect.Effect<LeaseReply, SwarmUnavailable | RequestRefused>
    /** The swarms of this process that have members, those with most first: at most `mostListed`. */
    readonly list: Effect.Effect<{ readonly count: number; readonly swarms: ReadonlyArray<SwarmSummary> }>
    /** The swarm of a content, or of one of its groups, wherever it lives. */
    readonly look: (contentId: ContentId, groupId: string | undefined) => Effect.Effect<SwarmView, SwarmUnavailable>
    /** The same as it is this moment, with a page of its members. */
    readonly inspect: (
      contentId: ContentId,
      groupId: string | undefined,
      page: Inside.Page
    ) => Effect.Effect<Inspected, SwarmUnavailable>
    /** Of all processes together, some seconds old. */
    readonly live: Live
    /**
     * The swarm of a content, or of one of its groups, if it lives in this process: for callers in a hurry, who may tell
     * it at once what others say by a message. Nothing when it lives elsewhere, has not begun, or wants a message now.
     */
    readonly resident: (
      contentId: ContentId,
      groupId: string | undefined,
      epochMillis: number
    ) => SwarmActor | undefined
  }
>()("@piecework/swarm/Swarms") {
  /** On whatever cluster there is. */
  static readonly layer: Layer.Layer<Swarms, never, Sharding.Sharding | SwarmConfig> = Layer.effect(
    Swarms,
    Effect.gen(function* () {
      const client = yield* Swarm.Swarm.client
      const residents = yield* Residents
      const board = (yield* BoardEntity.BoardEntity.client)(BoardEntity.id)
      yield* Herald.run(residents.all, (bulletin) => board.Post({ bulletin }).pipe(unavailable(BoardEntity.id)))
      return Swarms.of({
        join: Effect.fn("Swarms.join")(function* (request, externalIp) {
          const swarm = Swarm.idOf(request.contentId, groupOf(request))
          return yield* client(swarm).Join({ request, externalIp }).pipe(unavailable(swarm))
        }),
        leave: Effect.fn("Swarms.leave")(function* (request, externalIp) {
          const swarm = Swarm.idOf(request.contentId, request.groupId)
          return yield* client(swarm).Leave({ peerId: request.peerId, externalIp }).pipe(unavailable(swarm))
        }),
        lease: Effect.fn("Swarms.lease")(function* (request, externalIp) {
          const swarm = Swarm.idOf(request.contentId, groupOf(request))
          return yield* client(swarm)
            .Lease({ request, externalIp })
            .pipe(
              Effect.mapError((cause) =>
                cause instanceof RequestRefused ? cause : new SwarmUnavailable({ swarm, cause })
              ),
              inTime(swarm)
            )
        }),
        list: Effect.sync(() => listOf(residents.all())),
        look: Effect.fn("Swarms.look")(function* (contentId, groupId) {
          const swarm = Swarm.idOf(contentId, groupId)
          return yield* client(swarm).Look().pipe(unavailable(swarm))
        }),
        inspect: Effect.fn("Swarms.inspect")(function* (contentId, groupId, { after, most, site }) {
          const swarm = Swarm.idOf(contentId, groupId)
          const page = { most, ...(after === undefined ? {} : { after }), ...(site === undefined ? {} : { site }) }
          return yield* client(swarm).Inspect(page).pipe(unavailable(swarm))
        }),
        live: {
          totals: board.Totals().pipe(unavailable(BoardEntity.id)),
          history: (after) => board.History({ after }).pipe(unavailable(BoardEntity.id)),
          list: ({ contentId, ...wanted }) =>
            board
              .List({ ...wanted, ...(contentId === undefined ? {} : { contentId }) })
              .pipe(unavailable(BoardEntity.id))
        },
        resident: (contentId, groupId, epochMillis) => residents.find(Swarm.idOf(contentId, groupId), epochMillis)
      })
    })
  ).pipe(Layer.provide([Swarm.layer, BoardEntity.layer]), Layer.provide(Residents.layer))

  /** In this process alone, in memory: nothing to install, nothing left behind, no cluster. */
  static readonly layerEmbedded: Layer.Layer<Swarms, never, SwarmConfig> = Layer.effect(
    Swarms,
    Effect.gen(function* () {
      const embedded = yield* Embedded.make
      const board = new Board()
      const current = Clock.currentTimeMillis
      yield* Herald.run(embedded.all, (bulletin) => Effect.map(current, (at) => board.hear(bulletin, at)))
      const asked = Effect.fnUntraced(function* <A>(
        contentId: ContentId,
        groupId: string | undefined,
        ask: (swarm: SwarmActor, now: Now) => A
      ) {
        const now = { epoch: yield* Clock.currentTimeMillis, elapsed: yield* Swarm.elapsed }
        const swarm = embedded.swarm(contentId, groupId, now.epoch)
        if (swarm === undefined) {
          return yield* new SwarmUnavailable({ swarm: Swarm.idOf(contentId, groupId), cause: "too many swarms" })
        }
        return ask(swarm, now)
      })
      return Swarms.of({
        join: (request, externalIp) =>
          asked(request.contentId, groupOf(request), (swarm, { epoch }) =>
            Handouts.toHandout(swarm.join(request, externalIp, epoch))
          ),
        leave: ({ contentId, groupId, peerId }, externalIp) =>
          asked(contentId, groupId, (swarm, { elapsed }) => swarm.leave(peerId, externalIp, elapsed)),
        lease: (request, externalIp) =>
          Effect.flatMap(
            asked(request.contentId, groupOf(request), (swarm, now) => swarm.lease(request, externalIp, now)),
            (reply) =>
              reply === undefined ? Effect.fail(new RequestRefused({ reason: "NotAllowed" })) : Effect.succeed(reply)
          ),
        list: Effect.sync(() => listOf(embedded.all())),
        look: (contentId, groupId) => asked(contentId, groupId, (swarm) => swarm.look()),
        inspect: (contentId, groupId, page) =>
          asked(contentId, groupId, (swarm, { epoch }) => swarm.inspect(page, epoch)),
        live: {
          totals: Effect.map(current, (at) => board.totals(at)),
          history: (after) => Effect.sync(() => board.history(after)),
          list: (wanted) => Effect.map(current, (at) => board.list(wanted, at))
        },
        resident: embedded.swarm
      })
    })
  )
}

const listOf = (swarms: Iterable<readonly [swarm: string, actor: SwarmActor]>) => {
  const found = Array.from(swarms, ([swarm, actor]) => new SwarmSummary({ swarm, members: actor.memberCount })).filter(
    ({ members }) => members > 0
  )
  const largest = found.toSorted((a, b) => b.members - a.members || (a.swarm < b.swarm ? -1 : 1))
  return { count: found.length, swarms: largest.slice(0, mostListed) }
}

/** Only members in Group mode meet in a swarm of their own. */
const groupOf = (request: JoinRequest | LeaseRequest): string | undefined =>
  request.scope === "Group" ? request.groupId : undefined

const unavailable =
  (swarm: string) =>
  <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, SwarmUnavailable, R> =>
    self.pipe(
      Effect.mapError((cause) => new SwarmUnavailable({ swarm, cause })),
      inTime(swarm)
    )

/** A swarm whose runner is gone answers nothing until another has it. Shorter than what a client waits for an answer. */
const answerTime = Duration.millis(2500)

const inTime = (swarm: string) =>
  Effect.timeoutOrElse({
    duration: answerTime,
    orElse: () => Effect.fail(new SwarmUnavailable({ swarm, cause: "no answer in time" }))
  })
