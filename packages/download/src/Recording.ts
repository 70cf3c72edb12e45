/** The ledger of one download: begun with it, looked after while it goes on, and written down now and then and at the end. */
import { createHash } from "node:crypto"
import type { Recorder, Subject } from "@piecework/ledger/Recorder"
import * as Recorders from "@piecework/ledger/Recorder"
import type { End, Setting } from "@piecework/ledger/Ledger"
import * as Journal from "@piecework/logs/Journal"
import { LivePolicy } from "@piecework/policy/LivePolicy"
import { shown } from "@piecework/policy/Policy"
import { names } from "@piecework/policy/Settings"
import { Shaper } from "@piecework/shaping/Shaper"
import { Cause, Clock, Effect, Exit, type Scope } from "effect"
import type { DownloadError } from "./DownloadError.ts"
import { type DownloadRequest, priorityOf } from "./DownloadRequest.ts"
import { Ledgers } from "./Ledgers.ts"
import * as LoggedLedger from "./LoggedLedger.ts"
import { Permission, recorded } from "./Permission.ts"
import type { Standing } from "./Standing.ts"

export interface Recording {
  readonly recorder: Recorder
  /** It ended so; answers what writes that down, which must not be interrupted. */
  readonly ended: (exit: Exit.Exit<unknown, DownloadError>) => Effect.Effect<void>
}

/** How often a limit is looked for, and what is known is written down, while it goes on: a process that is killed leaves that. */
const lookEvery = "1 second"
const saveEvery = 15_000

export const begin = Effect.fnUntraced(function* (
  request: Pick<DownloadRequest, "url" | "mode" | "priority" | "asker" | "destination"> & {
    readonly path?: string | undefined
  },
  began: number,
  standing: Standing
): Effect.fn.Return<Recording, never, Scope.Scope> {
  const clock = yield* Clock.Clock
  const live = yield* LivePolicy
  const shaper = yield* Shaper
  const ledgers = yield* Ledgers
  const { asker, destination, mode, path = "", url } = request
  const priority = priorityOf(request)
  const place = destination ?? path
  const subject: Subject = {
    began,
    pid: process.pid,
    url: Recorders.bare(url),
    ...(place === "" ? {} : { path: Recorders.short(place, 4096) }),
    door: asker?.door ?? "get",
    ...(asker?.job === undefined ? {} : { job: asker.job }),
    ...(asker?.name === undefined ? {} : { caller: Recorders.short(asker.name, 256) }),
    priority,
    mode
  }
  const made = Recorders.make({
    subject,
    now: () => clock.currentTimeMillisUnsafe(),
    view: () => viewOf(standing),
    settings: () => settingsOf(live)
  })
  const recorder = LoggedLedger.of(made, yield* Journal.pen, () => standing.contentId ?? url)
  standing.ledger = recorder
  yield* recorded(yield* Permission, recorder)
  const limit = () => {
    const holding = shaper.holding(priority)
    if (holding === undefined) return
    const { rate, setting } = holding
    recorder.note({ _tag: "Limit", rate, ...(setting === undefined ? {} : { setting }) })
  }
  const { end, save } = ledgers.begin(recorder, nameOf(subject))
  let isOver = false
  let before = live.current()
  yield* live.onChange((now) => {
    const settings = names.filter((name) => shown(before, name) !== shown(now, name))
    before = now
    if (settings.length > 0) recorder.note({ _tag: "Changed", settings: settings.slice(0, 64) })
  })
  const over = (what: Omit<End, "at">) => {
    if (isOver) return Effect.void
    isOver = true
    limit()
    recorder.ended(what)
    end()
    return save
  }
  // Whoever lets go of it has stopped it, or has read all that was to be read.
  yield* Effect.addFinalizer(() =>
    Effect.suspend(() => {
      const { heldBytes, requestedBytes = Infinity } = standing.progress()
      return over({ outcome: heldBytes >= requestedBytes ? "Done" : "Stopped" })
    })
  )
  yield* Effect.gen(function* () {
    let savedAt = -Infinity
    while (true) {
      yield* Effect.sleep(lookEvery)
      if (isOver) return
      limit()
      const now = clock.currentTimeMillisUnsafe()
      if (now - savedAt < saveEvery) continue
      savedAt = now
      yield* save
    }
  }).pipe(Effect.forkScoped)
  return {
    recorder,
    ended: (exit) => over(endOf(exit))
  }
})

/** A job is tried again and again, and what programs read they may open a hundred times: the latest is kept. */
const nameOf = ({ door, job, url }: Subject): string | undefined => {
  if (job !== undefined) return `job-${job}`
  return door === "get" ? undefined : `${door}-${createHash("sha256").update(url).digest("hex").slice(0, 32)}`
}

/** What becomes of a download, as its ledger has it. */
const endOf = (exit: Exit.Exit<unknown, DownloadError>): Omit<End, "at"> => {
  if (Exit.isSuccess(exit)) return { outcome: "Done" }
  const failure = exit.cause.reasons.find(Cause.isFailReason)
  if (failure === undefined) {
    return Cause.hasInterruptsOnly(exit.cause)
      ? { outcome: "Stopped" }
      : { outcome: "Failed", error: "Defect", sentence: "An unforeseen failure, which was logged." }
  }
  const { error } = failure
  const code = codeOf(error)
  return {
    outcome: "Failed",
    error: error._tag,
    ...(code === undefined ? {} : { code }),
    sentence: Recorders.short(error.message, 1024)
  }
}

/** The numbers that Delivery Optimization has for ends of a download. Source: spec.md §3.8. */
const codeOf = (error: DownloadError): number | undefined => {
  switch (error._tag) {
    case "ModeError":
    case "RangesError":
      return error.code
    case "NoProgressError":
      return 0x80d02002
    default:
      return undefined
  }
}

const viewOf = (standing: Standing) => {
  const { contentId, fileBytes, heldBytes, phase, received, requestedBytes } = standing.progress()
  const { meter, swarm } = standing
  const { LinkLocal, Group, Internet, Lan } = meter.connections()
  return {
    phase,
    ...(contentId === undefined ? {} : { contentId }),
    ...(fileBytes === undefined ? {} : { fileBytes }),
    ...(requestedBytes === undefined ? {} : { requestedBytes }),
    heldBytes,
    figures: {
      useful: meter.useful(),
      received,
      waste: meter.waste(),
      sent: meter.sent(),
      connections: LinkLocal + Lan + Group + Internet,
      peers: swarm?.mostPeers() ?? 0
    }
  }
}

/** All settings as they are, each with who says it. */
const settingsOf = (live: LivePolicy): ReadonlyArray<Setting> => {
  const policy = live.current()
  return names.map((name) => {
    const place = live.placeOf?.(name)
    return {
      name,
      value: Recorders.short(shown(policy, name), 200),
      provider: policy.effective(name).provider,
      ...(place === undefined ? {} : { place: Recorders.short(place, 1024) })
    }
  })
}
