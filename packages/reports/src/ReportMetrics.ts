/** What devices reported, as this process was the first to write it down: summed over the processes of a service each event counts once. */
import { Effect, Metric } from "effect"
import type { Tally } from "./Cells.ts"
import * as Figures from "./Figures.ts"

/** What a batch added to the sums. */
export const count = ({ cells }: Pick<Tally, "cells">): Effect.Effect<void> => {
  const more = cells.reduce(
    (sum, { facet, figures }) => (facet === "All" ? Figures.add(sum, figures) : sum),
    Figures.none
  )
  return told(more)
}

const told = (more: Figures.Figures) =>
  Effect.forEach(counters, ([counter, name]) => Metric.update(counter, more[name]), { discard: true })

/** So that each is there before it counts anything. */
export const begin: Effect.Effect<void> = Effect.suspend(() => told(Figures.none))

const bytes = Metric.counter("piecework_reported_bytes_total", {
  description: "Bytes that devices fetched, by where from, as they reported them.",
  incremental: true
})
const downloads = Metric.counter("piecework_reported_downloads_total", {
  description: "What devices reported of downloads.",
  incremental: true
})
const from = (source: string) => Metric.withAttributes(bytes, { source })
const that = (event: string) => Metric.withAttributes(downloads, { event })

const counters: ReadonlyArray<readonly [Metric.Counter<number>, Figures.Name]> = [
  [from("origin"), "cdn"],
  [from("cache-server"), "cache"],
  [from("lan"), "lan"],
  [from("link-local"), "link_local"],
  [from("group"), "group_peers"],
  [from("internet"), "internet"],
  [
    Metric.counter("piecework_reported_wasted_bytes_total", {
      description: "Those of the fetched bytes that became no piece.",
      incremental: true
    }),
    "wasted"
  ],
  [that("started"), "started"],
  [that("completed"), "transfers"],
  [that("paused"), "paused"],
  [that("canceled"), "canceled"],
  [that("failed-request"), "errors"],
  [
    Metric.counter("piecework_reported_events_lost_total", {
      description: "Events that devices could not keep until they could send them.",
      incremental: true
    }),
    "lost"
  ]
]
