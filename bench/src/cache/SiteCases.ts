/** The cases in which all devices of a site want one file at the same second: through our cache server, with peers too, and through others. */
import { SourceKind, total } from "@piecework/domain/SourceKind"
import { Effect, Option, Schema } from "effect"
import type { Use } from "../Family.ts"
import * as Round from "../site/Round.ts"
import * as SiteReport from "../site/SiteReport.ts"
import * as Statistics from "../Statistics.ts"
import * as Devices from "./Devices.ts"
import * as Folders from "./Folders.ts"
import * as Servers from "./Servers.ts"
import { isWithin } from "./Targets.ts"

export const siteCases = ["cold", "cold-known", "cold-clients", "peers", "others"] as const
export type SiteCase = (typeof siteCases)[number]

const manners = {
  cold: { how: "curl, nobody knows the file", devices: "curl", hasService: false },
  "cold-known": { how: "curl, the service knows the file", devices: "curl", hasService: true },
  "cold-clients": { how: "piecework get without peers", devices: "client", hasService: true },
  peers: { how: "piecework get with its peers", devices: "clientWithPeers", hasService: true },
  others: { how: "curl", devices: "curl", hasService: false }
} as const satisfies { readonly [C in SiteCase]: Devices.Manner }

export const serversOf = (one: SiteCase): ReadonlyArray<Servers.Server> =>
  one === "others" ? Servers.others : [Servers.piecework]

export const SiteResult = Schema.Struct({
  case: Schema.Literals(siteCases),
  ...SiteReport.Result.fields,
  /** What the cache server used until the last device was done, with all its processes: medians, the peak the highest. */
  server: Schema.Struct({
    cpuSeconds: Schema.NullOr(Schema.Finite),
    peakRssBytes: Schema.NullOr(Schema.Finite)
  }),
  /** Of what Piecework devices hold in all runs, the share of each kind of source, as they say; kinds without any are left out. */
  sources: Schema.Record(Schema.String, Schema.Finite),
  /** `null` where no target speaks of it. */
  withinTarget: Schema.NullOr(Schema.Boolean)
})
export interface SiteResult extends Schema.Schema.Type<typeof SiteResult> {}

export interface Given extends Round.Given {
  readonly runs: number
  /** Whether what servers keep is left when they have ended. */
  readonly keep: boolean
  readonly note: (text: string) => Effect.Effect<void>
}

/** All runs of a case, its servers in turns. */
export const measure = Effect.fn("SiteCases.measure")(function* (one: SiteCase, given: Given) {
  const standings = yield* Effect.forEach(serversOf(one), (server) =>
    Effect.map(server.version, (version) => {
      const uses: Array<Use> = []
      const folder = Folders.make(given.root, `${one}-${server.name}`, given.keep)
      const contestant = Devices.contestant(server, manners[one], folder, (use) => uses.push(use))
      return { contestant, version, uses, rounds: new Array<Round.Round>(), failures: new Array<string>() }
    })
  )
  const summaryOf = ({ contestant, failures, rounds, version }: (typeof standings)[number]) =>
    Option.match(version, {
      onNone: () => SiteReport.absent(contestant, given.options),
      onSome: (known) => SiteReport.summary(contestant, known, given.options, rounds, failures)
    })
  for (let turn = 1; turn <= given.runs; turn++) {
    for (const standing of standings) {
      if (Option.isNone(standing.version) || standing.failures.length > 0) continue
      const ended = yield* Effect.result(Round.run(standing.contestant, given))
      if (ended._tag === "Success") standing.rounds.push(ended.success)
      else standing.failures.push(ended.failure.message)
      yield* given.note(`${one}, run ${turn}: ${SiteReport.sentence(summaryOf(standing))}`)
    }
  }
  return standings.map((standing): SiteResult => {
    const summary = summaryOf(standing)
    const cpu = Statistics.spread(standing.uses.map(({ cpuSeconds }) => cpuSeconds))
    const peak = Statistics.spread(standing.uses.map(({ peakRssBytes }) => peakRssBytes))
    return {
      case: one,
      ...summary,
      server: {
        cpuSeconds: cpu === undefined ? null : Statistics.round(cpu.median, 2),
        peakRssBytes: peak?.max ?? null
      },
      sources: sourcesOf(standing.rounds),
      withinTarget: isWithin(one, summary)
    }
  })
})

const sourcesOf = (rounds: ReadonlyArray<Round.Round>): Readonly<Record<string, number>> => {
  const told = rounds.flatMap(({ outcomes }) => outcomes.flatMap(({ bytes }) => (bytes === null ? [] : [bytes])))
  const all = told.reduce((sum, bytes) => sum + total(bytes), 0)
  return Object.fromEntries(
    SourceKind.literals
      .map((kind) => [kind, told.reduce((sum, bytes) => sum + bytes[kind], 0)] as const)
      .filter(([, bytes]) => bytes > 0)
      .map(([kind, bytes]) => [kind, Statistics.round(bytes / all, 4)])
  )
}
