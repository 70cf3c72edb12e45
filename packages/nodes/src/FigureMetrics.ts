/** What all nodes together did, as this process was told of it. */
import { Effect, Metric } from "effect"
import { none, type Sums } from "./Figures.ts"

/** What a heartbeat added; a minute that became less takes nothing back. */
export const count = (more: Sums): Effect.Effect<void> => {
  const counts = [
    [hits, more.hits],
    [misses, more.misses],
    [out, more.bytesOut],
    [cached, more.bytesFromCache],
    [fetched, more.bytesIn]
  ] as const
  return Effect.forEach(counts, ([counter, n]) => (n >= 0 ? Metric.update(counter, n) : Effect.void), { discard: true })
}

const requests = Metric.counter("piecework_cache_node_requests_total", {
  description: "Requests that cache nodes answered from what they held, and those for which they fetched.",
  incremental: true
})
const hits = Metric.withAttributes(requests, { result: "hit" })
const misses = Metric.withAttributes(requests, { result: "miss" })

const bytes = Metric.counter("piecework_cache_node_bytes_total", {
  description: "Bytes that cache nodes sent, those of them that they held before, and bytes that they fetched.",
  incremental: true
})
const out = Metric.withAttributes(bytes, { kind: "sent" })
const cached = Metric.withAttributes(bytes, { kind: "cached" })
const fetched = Metric.withAttributes(bytes, { kind: "fetched" })

/** So that each is there before it counts anything. */
export const begin: Effect.Effect<void> = Effect.suspend(() => count(none))
