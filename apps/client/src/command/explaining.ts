/** What `piecework explain` does: asks the agent where one runs, looks at what is kept, and puts it into words. Loaded when it is wanted. */
import { resolve } from "node:path"
import * as Agent from "@piecework/client/Agent"
import type { Meant } from "@piecework/client/Explain"
import { placesIn, defaultRoot } from "@piecework/device/StateFolder"
import * as Ledgers from "@piecework/download/Ledgers"
import * as Explanation from "@piecework/ledger/Explanation"
import * as Find from "@piecework/ledger/Find"
import { decode, type Ledger } from "@piecework/ledger/Ledger"
import { Failure } from "@piecework/terminal/Failure"
import { Output } from "@piecework/terminal/Output"
import { Effect, Option, Result } from "effect"
import { exitCodes } from "../ExitCode.ts"
import * as Offers from "../Offers.ts"
import { usable } from "../Startup.ts"
import * as Moment from "../view/Moment.ts"
import type { Input } from "./anAgent.ts"
import { layer } from "./withAgent.ts"

interface Asked extends Input {
  readonly what: Option.Option<string>
  readonly json: boolean
}

interface Found {
  readonly ledger: Ledger
  readonly isRunning: boolean
  /** Whole ids that begin with what was asked for, where that is no name by itself. */
  readonly ids: ReadonlyArray<string>
}

export const run = Effect.fnUntraced(function* (input: Asked) {
  const output = yield* Output
  const text = Option.getOrUndefined(input.what)
  const meant: Meant = text === undefined ? {} : { text, path: resolve(text) }
  const root = Option.getOrElse(input.state, () => defaultRoot(process.env))
  yield* usable(root)
  const [ofAgent, ofFolder] = yield* Effect.all([fromAgent(input, meant), fromFolder(root, meant)], { concurrency: 2 })
  const all = [ofAgent, ofFolder].filter((one) => one !== undefined)
  const named = all.filter(({ ids }) => ids.length === 0)
  const begun = named.length > 0 ? [] : [...new Set(all.flatMap(({ ids }) => ids))]
  if (text !== undefined && begun.length > 1) {
    return yield* new Failure({ sentence: ambiguous(text, begun), code: exitCodes.usage })
  }
  const found = later(named.length > 0 ? named : all)
  if (found === undefined) {
    const sentence =
      text === undefined
        ? `Nothing was downloaded yet that ${root} or an agent knows of.`
        : `No download is known by ${text}: it is no job, file, URL or content that was downloaded lately.`
    return yield* new Failure({ sentence, code: exitCodes.notFound })
  }
  const explanation = Explanation.of(found.ledger, {
    isRunning: found.isRunning,
    offer: yield* offerOf(root, found.ledger),
    time: Moment.minute
  })
  yield* output.line(
    input.json
      ? JSON.stringify({ ...explanation, isRunning: found.isRunning, ledger: found.ledger }, null, 2)
      : Explanation.render(explanation)
  )
})

/** What the agent says; nothing where none runs, or one that does not know the question. */
const fromAgent = (input: Asked, meant: Meant): Effect.Effect<Found | undefined> =>
  Effect.gen(function* () {
    const told = yield* (yield* Agent.Agent).explain(meant)
    if (told === null) return undefined
    const ledger = decode(told.ledger)
    return Result.isFailure(ledger)
      ? undefined
      : { ledger: ledger.success, isRunning: told.isRunning, ids: told.ids ?? [] }
  }).pipe(
    Effect.provide(layer(input)),
    Effect.timeoutOption("5 seconds"),
    Effect.map(Option.getOrUndefined),
    Effect.catch((error) => Effect.as(Effect.logDebug("no agent was asked", error), undefined))
  )

const fromFolder = Effect.fnUntraced(function* (root: string, meant: Meant) {
  const ledgers = yield* Effect.provide(Ledgers.Ledgers, Ledgers.layer(placesIn(root).ledgers))
  const found = Find.match(yield* ledgers.list, meant)
  if (found === undefined) return undefined
  return { ...found, isRunning: found.ledger.end === undefined && mayRun(found.ledger) }
})

const later = (all: ReadonlyArray<Found>): Found | undefined =>
  all.reduce<Found | undefined>(
    (best, one) => (best === undefined || one.ledger.began > best.ledger.began ? one : best),
    undefined
  )

/** So many ids are named, and so much of each: as much as tables show, and more than was given. */
const mostNamed = 3
const shownOfId = 14

const ambiguous = (text: string, ids: ReadonlyArray<string>): string => {
  const shown = ids.slice(0, mostNamed).map((id) => id.slice(0, Math.max(shownOfId, text.length + 4)))
  const more = ids.length > shown.length ? `, and ${ids.length - shown.length} more` : ""
  return `${ids.length} downloads are known whose id begins with ${text} (${shown.join(", ")}${more}); give more of the one that is meant.`
}

/** One that goes on writes its ledger again at least so often, in milliseconds. */
const saidEvery = 60_000

/** Its process is there, and has said something lately: a number may have gone to another process. */
const mayRun = ({ at, began, pid }: Ledger): boolean => {
  if (Date.now() - (began + at) > saidEvery) return false
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM"
  }
}

const offerOf = Effect.fnUntraced(function* (root: string, { contentId }: Ledger) {
  const offers = yield* Offers.read(root)
  if (Option.isNone(offers)) return undefined
  const offer = offers.value.find((one) => one.contentId === contentId)
  const waiting = offers.value.filter(({ why }) => why !== "Asked").length
  return offer === undefined ? undefined : { why: offer.why, waiting }
})
