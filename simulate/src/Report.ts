/** The figures of all sites together. Nothing in it depends on how long the simulation took. */
import { idealMillis, type Scene } from "./Scene.ts"
import * as Tally from "./Tally.ts"
import type { Outcome } from "./World.ts"

export interface Spread {
  readonly median: number
  /** 95 of 100 are at most so much. */
  readonly p95: number
  readonly last: number
}

export interface Report {
  readonly scene: Scene
  /** Devices, and those of them that have all of the file. */
  readonly devices: number
  readonly complete: number
  /** Seconds in which a site's line carries one copy. */
  readonly idealSeconds: number
  /** Bytes that came over a site's line ÷ file. */
  readonly copies: { readonly median: number; readonly most: number; readonly sites: ReadonlyArray<number> }
  /** From a device's start to its complete file; `null` unless all have it. */
  readonly seconds: Spread | null
  readonly overIdeal: Spread | null
  /** When the line of a site carried its last byte ÷ ideal: what comes after it is spreading within the site. */
  readonly lineEndedOverIdeal: Spread
  readonly bytes: {
    readonly fromOrigin: number
    readonly fromSite: number
    readonly fromOtherSites: number
    /** Share of all bytes that came from peers. */
    readonly peersShare: number
    readonly wasted: number
    /** Of all bytes. */
    readonly wastedShare: number
    readonly wastedBy: Readonly<Record<string, number>>
  }
  readonly commands: { readonly total: number; readonly by: Readonly<Record<string, number>> }
  readonly events: number
  readonly leaseAsks: number
}

export const of = (scene: Scene, outcomes: ReadonlyArray<Outcome>): Report => {
  const sites = outcomes.flatMap((outcome) => outcome.sites)
  const figures = outcomes.reduce((all, outcome) => Tally.sum(all, outcome.figures), Tally.none)
  const finished = sites.flatMap((site) => site.finished)
  const times = finished.filter((time) => time !== undefined)
  const ideal = idealMillis(scene)
  const copies = sites.map((site) => rounded(site.lineBytes / scene.bytes))
  const received = figures.fromOrigin + figures.fromSite + figures.fromOtherSites
  const wasted = Tally.total(figures.wasted)
  const isAll = times.length === finished.length
  return {
    scene,
    devices: finished.length,
    complete: times.length,
    idealSeconds: rounded(ideal / 1000),
    copies: { median: quantile(copies, 0.5), most: quantile(copies, 1), sites: copies },
    seconds: isAll ? spread(times, 1000) : null,
    overIdeal: isAll ? spread(times, ideal) : null,
    lineEndedOverIdeal: spread(
      sites.map((site) => site.lineEndedAt),
      ideal
    ),
    bytes: {
      fromOrigin: figures.fromOrigin,
      fromSite: figures.fromSite,
      fromOtherSites: figures.fromOtherSites,
      peersShare: rounded((figures.fromSite + figures.fromOtherSites) / Math.max(1, received)),
      wasted,
      wastedShare: rounded(wasted / Math.max(1, received)),
      wastedBy: figures.wasted
    },
    commands: { total: Tally.total(figures.commands), by: figures.commands },
    events: figures.events,
    leaseAsks: figures.leaseAsks
  }
}

const spread = (numbers: ReadonlyArray<number>, unit: number): Spread => ({
  median: rounded(quantile(numbers, 0.5) / unit),
  p95: rounded(quantile(numbers, 0.95) / unit),
  last: rounded(quantile(numbers, 1) / unit)
})

/** The least number that so large a share of them does not exceed; 0 of none. */
const quantile = (numbers: ReadonlyArray<number>, share: number): number =>
  numbers.toSorted((a, b) => a - b)[Math.max(0, Math.ceil(numbers.length * share) - 1)] ?? 0

/** To a ten-thousandth. */
const rounded = (n: number): number => Math.round(n * 1e4) / 1e4
