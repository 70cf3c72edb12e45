/**
 * What this process does for its device: the one place that sums its downloads and uploads, by kind of source and of peer, and that
 * knows what runs now, with whom, and how fast. It counts nothing by itself: it reads the counters that downloads have (`Meter`) and
 * those of sessions that only send, and keeps what those said that are over. Nothing is done for a piece; while something runs there
 * is a look a second, from which rates come.
 */
import { type ContentId } from "@piecework/domain/Content"
import { PeerKind } from "@piecework/domain/Peer"
import { SourceKind, total } from "@piecework/domain/SourceKind"
import type { PeerSession } from "@piecework/peers/PeerSession"
import type { Priority } from "@piecework/policy/Facts"
import { Clock, Context, Effect, FiberSet, Layer, Option, type Scope } from "effect"
import { type Connections, type Meter, noConnections } from "./Meter.ts"
import { Months } from "./Months.ts"
import type * as Passed from "./Passed.ts"
import type { Progress } from "./Progress.ts"
import * as Rate from "./Rate.ts"
import * as Sums from "./Sums.ts"
import * as Tally from "./Tally.ts"

/** A download as those see it who sum. */
export interface Watched {
  readonly meter: Meter
  readonly priority: Priority
  /** Without its query. */
  readonly url: string
  /** Who asked for it. */
  readonly caller: string
  readonly progress: () => Progress
  /** When it began, epoch milliseconds. */
  readonly began: number
  /** What passed that is in no record yet. */
  readonly unnoted: () => Passed.Passed
}

/** A download that runs. */
export interface Running extends Watched {
  /** Bytes a second, the mean of the last 20 seconds. */
  readonly downRate: number
  readonly upRate: number
}

/** A peer that is connected. */
export interface Connected {
  /** `undefined` before it is known. */
  readonly contentId: ContentId | undefined
  /** Names the connection. */
  readonly peer: string
  readonly host: string
  readonly kind: PeerKind
  /** Content bytes of this connection. */
  readonly received: number
  readonly sent: number
  /** Bytes a second, the mean of the last 20 seconds, or of as long as it is there. */
  readonly downRate: number
  readonly upRate: number
  /** Whether anything was sent within the last seconds. */
  readonly isSending: boolean
}

export interface Activity {
  /**
   * A download runs, until it says that it ended; what it receives and sends counts until the scope closes, so this comes first in it. Answers
   * what is to be called at its end, with whether there is a file.
   */
  readonly watch: (download: Watched) => Effect.Effect<(hasFile: boolean) => void, never, Scope.Scope>
  /** A session sends what the cache holds, until the scope closes. */
  readonly serve: (contentId: ContentId, session: PeerSession) => Effect.Effect<void, never, Scope.Scope>
  /** Of this process since it began, what runs included. */
  readonly totals: () => Sums.Sums
  /** Of the downloads that are over, by why; its sum is `wasted` of the totals. */
  readonly waste: () => Tally.Waste
  /** Answers of HTTP servers and sessions with peers so far. */
  readonly connections: () => Connections
  /** Those of this moment. */
  readonly connected: () => Connections
  /** Bytes a second of the last seconds, by column of `Sums`. */
  readonly rates: () => Sums.Sums
  /** The downloads that have not ended, the oldest first. */
  readonly downloads: () => ReadonlyArray<Running>
  /** The peers that are connected, by all downloads and to whom the cache is served. */
  readonly peers: () => ReadonlyArray<Connected>
}

const noWaste: Tally.Waste = { bad: 0, duplicate: 0, cancelled: 0 }

const nobody: Activity = {
  watch: () => Effect.succeed(() => undefined),
  serve: () => Effect.void,
  totals: () => Sums.none,
  waste: () => noWaste,
  connections: () => noConnections,
  connected: () => noConnections,
  rates: () => Sums.none,
  downloads: () => [],
  peers: () => []
}

/** Without a provider nobody sums. */
export const Activity = Context.Reference<Activity>("@piecework/download/Activity", { defaultValue: () => nobody })

/** `Months` in the context, if there are any, get all of it, and keep it every few seconds while something runs. */
export const layer: Layer.Layer<never> = Layer.effectContext(
  Effect.gen(function* () {
    const months = Option.getOrUndefined(yield* Effect.serviceOption(Months))
    const activity = yield* make(months?.keep ?? Effect.void)
    if (months !== undefined) yield* months.count(activity.totals)
    return Context.make(Activity, activity)
  })
)

/** A download with what was seen of it. */
interface Followed {
  readonly watched: Watched
  /** What came in by the last look, and how long it took so far, in milliseconds. */
  received: number
  busyMillis: number
  peerMillis: number
  isOver: boolean
  files: number
}

/** A session that only sends. */
interface Served {
  readonly contentId: ContentId
  readonly session: PeerSession
}

/** How often is looked, and over what rates are means, in milliseconds. */
const lookEvery = 1000
const span = 20_000
const spanOfAll = 3000
/** So many seconds are lost when the process is killed. */
const looksUntilKept = 5

const make = Effect.fnUntraced(function* (keep: Effect.Effect<void>) {
  const clock = yield* Clock.Clock
  const run = yield* FiberSet.makeRuntime()
  const followed = new Set<Followed>()
  const served = new Set<Served>()
  /** By what makes a connection one: its source's `received`, or its session. */
  let marks = new WeakMap<object, Rate.Marks>()
  let all: Rate.Marks = Rate.none
  let done = Sums.none
  let doneWaste = noWaste
  let doneConnections = noConnections
  let lookedAt = 0
  let isLooking = false

  const sumsOf = (
    { busyMillis, files, isOver, peerMillis, watched: { meter, priority } }: Followed,
    isLast: boolean
  ) => {
    const received = meter.received()
    const sent = meter.sentTo()
    const sums: { [C in Sums.Column]: number } = { ...Sums.none }
    for (const kind of SourceKind.literals) {
      const column = Sums.columnFrom(kind)
      if (column !== undefined) sums[column] = received[kind]
    }
    for (const kind of PeerKind.literals) sums[Sums.columnTo(kind)] = sent[kind]
    const bytes = total(received) - received.LocalCache
    sums[priority === "Foreground" ? "foregroundBytes" : "backgroundBytes"] = bytes
    sums[priority === "Foreground" ? "foregroundMillis" : "backgroundMillis"] = busyMillis
    sums.peerMillis = peerMillis
    sums.files = files
    if (isOver || isLast) sums.wasted = Tally.wasted(meter.waste())
    return sums
  }

  const totals = (): Sums.Sums => {
    const sums: { [C in Sums.Column]: number } = { ...done }
    for (const one of followed) add(sums, sumsOf(one, false))
    for (const { session } of served) sums[Sums.columnTo(session.kind)] += session.counters().sent
    return sums
  }

  const receivedBy = ({ watched: { meter } }: Followed): number => total(meter.received()) - meter.received().LocalCache

  /** What runs, as it is now. */
  const look = (): void => {
    const now = clock.currentTimeMillisUnsafe()
    const passed = Math.max(0, Math.min(now - lookedAt, 2 * lookEvery))
    lookedAt = now
    for (const one of followed) account(one, passed)
    for (const { key, received, sent } of sources()) mark(key, now, [received, sent])
    all = Rate.mark(all, now, values(totals()), spanOfAll)
  }

  /** How long bytes came. */
  const account = (one: Followed, passed: number): void => {
    const received = receivedBy(one)
    const { began, meter } = one.watched
    const now = clock.currentTimeMillisUnsafe()
    if (received > one.received) {
      const millis = Math.max(1, Math.round(Math.min(passed, now - began)))
      one.busyMillis += millis
      const { Group, Internet, Lan, LinkLocal } = meter.connected()
      one.peerMillis += millis * (Group + Internet + Lan + LinkLocal)
    }
    one.received = received
    mark(one, now, [received, meter.sent()])
  }

  const mark = (key: object, now: number, seen: readonly [number, number]): void => {
    marks.set(key, Rate.mark(marks.get(key) ?? Rate.none, now, seen, span))
  }

  const meanOf = (key: object, seen: readonly [number, number]): readonly [number, number] => {
    const [down = 0, up = 0] = Rate.mean(marks.get(key) ?? Rate.none, clock.currentTimeMillisUnsafe(), seen)
    return [down, up]
  }

  /** All connections with peers. */
  const sources = function* () {
    for (const { watched } of followed) {
      for (const source of watched.meter.peers()) {
        yield {
          key: source.received,
          contentId: watched.progress().contentId,
          peer: source.id as string,
          host: source.host ?? "",
          kind: source.kind,
          received: source.received(),
          sent: source.sent()
        }
      }
    }
    for (const { contentId, session } of served) {
      const { received, sent } = session.counters()
      const { address, id, kind } = session
      yield { key: session, contentId, peer: id as string, host: address.host, kind, received, sent }
    }
  }

  const looking = Effect.gen(function* () {
    for (let n = 1; followed.size > 0 || served.size > 0; n++) {
      yield* Effect.sleep(lookEvery)
      look()
      if (n % looksUntilKept === 0) yield* keep
    }
    isLooking = false
    all = Rate.none
    marks = new WeakMap()
  })

  const begin = (): void => {
    if (isLooking) return
    isLooking = true
    lookedAt = clock.currentTimeMillisUnsafe()
    look()
    run(looking)
  }

  return {
    watch: (watched) =>
      Effect.map(
        Effect.acquireRelease(
          Effect.sync(() => {
            const one: Followed = {
              watched,
              received: 0,
              busyMillis: 0,
              peerMillis: 0,
              isOver: false,
              files: 0
            }
            followed.add(one)
            begin()
            return one
          }),
          (one) =>
            Effect.sync(() => {
              if (!one.isOver) account(one, clock.currentTimeMillisUnsafe() - lookedAt)
              followed.delete(one)
              done = Sums.plus(done, sumsOf(one, true))
              doneWaste = plus(doneWaste, one.watched.meter.waste())
              doneConnections = added(doneConnections, one.watched.meter.connectionsSoFar())
            })
        ),
        (one) => (hasFile: boolean) => {
          if (one.isOver) return
          account(one, clock.currentTimeMillisUnsafe() - lookedAt)
          one.isOver = true
          if (hasFile) one.files = 1
        }
      ),
    serve: (contentId, session) =>
      Effect.asVoid(
        Effect.acquireRelease(
          Effect.sync(() => {
            const one: Served = { contentId, session }
            served.add(one)
            doneConnections = added(doneConnections, { ...noConnections, [session.kind]: 1 })
            begin()
            return one
          }),
          (one) =>
            Effect.sync(() => {
              served.delete(one)
              done = Sums.plus(done, { [Sums.columnTo(session.kind)]: session.counters().sent })
            })
        )
      ),
    totals,
    waste: () =>
      [...followed].reduce(
        (sum, { isOver, watched: { meter } }) => (isOver ? plus(sum, meter.waste()) : sum),
        doneWaste
      ),
    connections: () => {
      let sum = doneConnections
      for (const { watched } of followed) sum = added(sum, watched.meter.connectionsSoFar())
      return sum
    },
    connected: () => {
      let sum = noConnections
      for (const { watched } of followed) sum = added(sum, watched.meter.connected())
      for (const { session } of served) sum = added(sum, { ...noConnections, [session.kind]: 1 })
      return sum
    },
    rates: () => {
      const rates = Rate.mean(all, clock.currentTimeMillisUnsafe(), values(totals()))
      return Object.fromEntries(columns.map((name, n) => [name, rates[n] ?? 0])) as Sums.Sums
    },
    downloads: () =>
      [...followed].flatMap((one) => {
        if (one.isOver) return []
        const [downRate, upRate] = meanOf(one, [receivedBy(one), one.watched.meter.sent()])
        return [{ ...one.watched, downRate, upRate }]
      }),
    peers: () =>
      Array.from(sources(), ({ key, ...source }) => {
        const known = marks.get(key) ?? Rate.none
        const [downRate, upRate] = meanOf(key, [source.received, source.sent])
        return { ...source, downRate, upRate, isSending: Rate.hasGrown(known, 1, source.sent) }
      })
  } satisfies Activity
})

const columns = Object.keys(Sums.columns) as ReadonlyArray<Sums.Column>

const values = (sums: Sums.Sums): ReadonlyArray<number> => columns.map((name) => sums[name])

const add = (to: { [C in Sums.Column]: number }, more: Sums.Sums): void => {
  for (const name of columns) to[name] += more[name]
}

const plus = (a: Tally.Waste, b: Tally.Waste): Tally.Waste => ({
  bad: a.bad + b.bad,
  duplicate: a.duplicate + b.duplicate,
  cancelled: a.cancelled + b.cancelled
})

const added = (a: Connections, b: Connections): Connections => ({
  Origin: a.Origin + b.Origin,
  CacheServer: a.CacheServer + b.CacheServer,
  LinkLocal: a.LinkLocal + b.LinkLocal,
  Lan: a.Lan + b.Lan,
  Group: a.Group + b.Group,
  Internet: a.Internet + b.Internet
})
