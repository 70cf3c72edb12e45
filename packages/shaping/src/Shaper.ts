/**
 * Holds what this process takes in and sends beyond its site to the limits of the settings, as they are now. All downloads of
 * one priority share one lane, whatever they fetch from; peers of the site are in none. Where nothing is limited a stream is as
 * it was: only its counter is looked at, once a second, to learn what the line can carry.
 */
import { isPeer, type SourceKind } from "@piecework/domain/SourceKind"
import type { Priority } from "@piecework/policy/Facts"
import * as Limits from "@piecework/policy/Limits"
import { LivePolicy } from "@piecework/policy/LivePolicy"
import type { ByteStream } from "@piecework/transport/ByteStream"
import { isLocal } from "@piecework/transport/LocalAddress"
import { Clock, Context, Effect, FiberSet, FileSystem, Layer } from "effect"
import * as Capacity from "./Capacity.ts"
import * as CapacityFile from "./CapacityFile.ts"
import { PeerFlow } from "./internal/PeerFlow.ts"
import { ShapedFlow } from "./internal/ShapedFlow.ts"
import { Lane } from "./Lane.ts"

/** A stream as the shaper knows it. */
export interface Flow {
  /**
   * To be called before an answer of so many bytes is asked for, `Infinity` for nobody knows how many: waits until they may
   * come, all at once if they are no more than `part` says.
   */
  readonly ask: (priority: Priority, bytes: number) => Effect.Effect<void>
  /** The answer says that it has so many bytes: what was paid for more comes back. */
  readonly answered: (bytes: number) => void
  /** Whether nothing is read now because of a limit: then that nothing comes is no stall. */
  readonly isHeldBack: () => boolean
  /** Who asks for many things at a time over the stream pays for each with it; `undefined` where no limit is ever meant. */
  readonly purse: Purse | undefined
  /** Who sends over the stream asks it; `undefined` where no limit is ever meant. */
  readonly gate: Gate | undefined
  /** The stream is over. */
  readonly close: () => void
}

/** Pays for what is asked of a peer, before it is asked. */
export interface Purse {
  /** Tells when there may be something to ask for again, and when a limit begins: what was asked for until then nobody has paid. */
  readonly listen: (who: { readonly opened: () => void; readonly limited: () => void }) => void
  /** Bytes that one answer may have that is asked for now, 0 for none; infinite without a limit. */
  readonly most: () => number
  /** Pays for an answer of so many bytes in all. Where that is not possible yet it answers false, and `opened` is called later. */
  readonly pay: (bytes: number) => boolean
  /** Nothing is to be asked for now: what others wait for is theirs. */
  readonly rest: () => void
  /** An answer has begun to come so many milliseconds after it was asked for. */
  readonly begun: (millis: number) => void
  /** It has come to its end so many milliseconds after that. */
  readonly ended: (millis: number) => void
  /** So many bytes that were paid for are not going to come; if they do all the same, they are paid again. */
  readonly giveBack: (bytes: number) => void
  /** Whether nothing was asked for because of a limit: then that nothing comes is no stall. */
  readonly isWaiting: () => boolean
  /** Milliseconds of a clock that only goes forward. */
  readonly now: () => number
}

export interface Gate {
  /** How many of so many bytes may be sent now. 0 for none: `open` is called, once, when some may. */
  readonly take: (wanted: number, open: () => void) => number
}

/** A limit that holds somebody back. */
export interface Holding {
  /** Bytes a second. */
  readonly rate: number
  /** The setting that says it; `undefined` for a background download that gives way to a foreground one. */
  readonly setting: Limits.Limit["setting"] | undefined
}

export interface Shaper {
  /** Takes a stream over whose other side is of the kind. The sums count it until it is closed. */
  readonly flow: (options: {
    readonly stream: ByteStream
    readonly kind: SourceKind
    readonly priority: Priority
  }) => Flow
  /**
   * How many of so many bytes to ask for at a time, so that `ask` pays for them as a whole: however fast they come then, the limit
   * holds. A longer answer is read slowly, which the system's own buffers make less exact. Infinite without a limit.
   */
  readonly part: (priority: Priority, wanted: number) => number
  /** The limit that downloads of the priority have run into lately; `undefined` while none does. */
  readonly holding: (priority: Priority) => Holding | undefined
  /** What the line has been seen to carry, in bytes a second. */
  readonly capacity: () => { readonly down: number | undefined; readonly up: number | undefined }
}

const free: Flow = {
  ask: () => Effect.void,
  answered: () => {},
  isHeldBack: () => false,
  purse: undefined,
  gate: undefined,
  close: () => {}
}

/** Without a provider nothing is limited. */
export const Shaper = Context.Reference<Shaper>("@piecework/shaping/Shaper", {
  defaultValue: () => ({
    flow: () => free,
    part: () => Infinity,
    holding: () => undefined,
    capacity: () => ({ down: undefined, up: undefined })
  })
})

/** Which of the two a download is, for all that it asks for. A person waits for what nobody says anything about. */
export const CurrentPriority = Context.Reference<Priority>("@piecework/shaping/CurrentPriority", {
  defaultValue: () => "Foreground"
})

/**
 * What is left to background downloads while a foreground one takes bytes over the line, in bytes a second, all together.
 * A person waits for the one and nobody for the other, so all of the line is the foreground's; this little keeps connections
 * alive that servers would else close, and peers from taking the device for gone.
 */
export const trickle = 16_384

/** A foreground download that took nothing for so long, in ms, is not in the way: it waits for something else. */
const foregroundFor = 3000

/** A limit that held somebody back within this time is told, in ms. */
const lately = 2000

export interface Options {
  /** Where what was measured is kept. Default nowhere. */
  readonly file?: string | undefined
}

export const layer = (options?: Options): Layer.Layer<never, never, FileSystem.FileSystem> =>
  Layer.effect(Shaper, make(options?.file))

const make = Effect.fnUntraced(function* (file: string | undefined) {
  const fs = yield* FileSystem.FileSystem
  const policy = yield* LivePolicy
  const clock = yield* Clock.Clock
  const run = yield* FiberSet.makeRuntime()
  const now = () => Number(clock.currentTimeNanosUnsafe()) / 1e6
  const timing = {
    now,
    after: (millis: number, then: () => void) => void run(Effect.delay(Effect.sync(then), millis))
  }
  const lanes = { Foreground: new Lane(timing), Background: new Lane(timing) }
  const up = new Lane(timing)
  const flows = new Set<ShapedFlow | PeerFlow>()
  let measured: CapacityFile.Remembered = file === undefined ? {} : yield* CapacityFile.read(file)
  let kept = measured
  let downSight = Capacity.nothingSeen
  let upSight = Capacity.nothingSeen
  const limits: { [P in Priority]: Holding | undefined } = { Foreground: undefined, Background: undefined }
  let uploadLimit: Limits.Limit | undefined
  let isSampling = false
  /** Bytes of flows that are over. */
  const gone = { Foreground: 0, Background: 0, far: 0, sent: 0 }
  /** Bytes at the last look. */
  const before = { Foreground: 0, Background: 0 }
  let foregroundAt = -Infinity

  const capacity = () => {
    const at = clock.currentTimeMillisUnsafe()
    return { down: Capacity.valueOf(measured.down, at), up: Capacity.valueOf(measured.up, at) }
  }

  /** Finds out what holds now, and makes it hold. */
  const resolve = () => {
    const at = clock.currentTimeMillisUnsafe()
    const settings = policy.current()
    const circumstances = { hour: new Date(at).getHours(), capacity: capacity().down }
    const said = (priority: Priority) => Limits.download(settings, priority, circumstances)
    limits.Foreground = said("Foreground")
    const background: Holding | undefined = said("Background")
    const givesWay = now() - foregroundAt < foregroundFor && (background === undefined || background.rate > trickle)
    limits.Background = givesWay ? { rate: trickle, setting: undefined } : background
    uploadLimit = Limits.upload(settings)
    lanes.Foreground.setRate(limits.Foreground?.rate)
    lanes.Background.setRate(limits.Background?.rate)
    up.setRate(uploadLimit?.rate)
    for (const flow of flows) flow.review()
  }

  const sums = () => {
    const sum = { ...gone }
    for (const flow of flows) {
      const { received, sent } = flow.stream.counters
      sum[flow.priority] += received - flow.since.received
      if (!flow.isFar) continue
      sum.far += received - flow.since.received
      sum.sent += sent - flow.since.sent
    }
    return sum
  }

  /** The fastest that our own limits let those downloads be together of which something came; `undefined` for any rate. */
  const ownLimit = (came: { readonly [P in Priority]: number }): number | undefined => {
    const foreground = came.Foreground > before.Foreground ? (limits.Foreground?.rate ?? Infinity) : 0
    const background = came.Background > before.Background ? (limits.Background?.rate ?? Infinity) : 0
    const sum = foreground + background
    return sum > 0 && sum < Infinity ? sum : undefined
  }

  const sample = Effect.suspend(() => {
    const { Background, Foreground, far, sent } = sums()
    const limit = ownLimit({ Foreground, Background })
    if (Foreground > before.Foreground) foregroundAt = now()
    Object.assign(before, { Foreground, Background })
    const at = clock.currentTimeMillisUnsafe()
    const down = Capacity.look(downSight, far, now())
    const upwards = Capacity.look(upSight, sent, now())
    downSight = down.sight
    upSight = upwards.sight
    const next = {
      down: down.rate === undefined ? measured.down : Capacity.seen(measured.down, down.rate, limit, at),
      up: upwards.rate === undefined ? measured.up : Capacity.seen(measured.up, upwards.rate, uploadLimit?.rate, at)
    }
    measured = next
    resolve()
    if (file === undefined || !(isNews(kept.down, next.down) || isNews(kept.up, next.up))) return Effect.void
    kept = next
    return Effect.provideService(CapacityFile.write(file, next), FileSystem.FileSystem, fs)
  })

  const sampling = Effect.gen(function* () {
    while (flows.size > 0) {
      yield* Effect.sleep(Capacity.sampleMillis)
      yield* sample
    }
    isSampling = false
  })

  yield* policy.onChange(resolve)
  resolve()

  const begins = (flow: ShapedFlow) => {
    if (flow.priority !== "Foreground") return
    const wasQuiet = now() - foregroundAt >= foregroundFor
    foregroundAt = now()
    if (wasQuiet) resolve()
  }
  const ends = (flow: ShapedFlow | PeerFlow) => {
    if (!flows.delete(flow)) return
    const { received, sent } = flow.stream.counters
    gone[flow.priority] += received - flow.since.received
    if (!flow.isFar) return
    gone.far += received - flow.since.received
    gone.sent += sent - flow.since.sent
  }

  const flow: Shaper["flow"] = ({ kind, priority, stream }) => {
    if (kind === "Lan" || kind === "LinkLocal" || kind === "LocalCache") return free
    // What comes from this side of the line says nothing about the line.
    const isFar = isLocal(stream.remote.host) !== true
    const shaped = isPeer(kind)
      ? new PeerFlow({ stream, isFar, priority, lane: lanes[priority], up, ends })
      : new ShapedFlow({ stream, isFar, priority, lanes, up, begins, ends })
    if (flows.size === 0) resolve()
    flows.add(shaped)
    shaped.review()
    if (!isSampling) {
      isSampling = true
      run(sampling)
    }
    return shaped
  }

  return {
    flow,
    capacity,
    part: (priority, wanted) => {
      // Nobody has looked at the clock since the last stream was closed.
      if (flows.size === 0) resolve()
      const lane = lanes[priority]
      return lane.isLimited ? Math.min(wanted, lane.lump) : Infinity
    },
    holding: (priority) => (now() - lanes[priority].heldAt < lately ? limits[priority] : undefined)
  } satisfies Shaper
})

/** Worth a write: another figure, or one that was confirmed an hour later. */
const isNews = (before: Capacity.Capacity | undefined, after: Capacity.Capacity | undefined): boolean =>
  after !== undefined &&
  (before === undefined || Math.abs(after.rate - before.rate) > before.rate / 20 || after.at - before.at > 3_600_000)
