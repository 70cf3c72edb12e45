/**
 * The bulletins of all processes put together: pure but for the memory that it is. A process that was not heard for 15 seconds is not in it,
 * and a swarm that two of them tell of, since it moved, is as the later one says.
 */
import type { ContentId } from "@piecework/domain/Content"
import * as Amounts from "./Amounts.ts"
import type { Bulletin, Line } from "./Bulletin.ts"
import { LiveTotals, mostPoints } from "./LiveView.ts"
import { Sketch } from "./Sketch.ts"

/** Milliseconds. */
const silence = 15_000
const pointEvery = 5000

/** Most processes that are heard; a cluster has far fewer. */
const mostRunners = 1000

export interface Listing {
  readonly at: number
  readonly count: number
  readonly lines: ReadonlyArray<Line>
  readonly next?: number
}

export interface Wanted {
  readonly skip: number
  readonly most: number
  readonly order: "Members" | "Rate"
  readonly contentId?: ContentId | undefined
}

export class Board {
  /** Those heard last stand last. */
  readonly #heard = new Map<string, { readonly at: number; readonly bulletin: Bulletin }>()
  readonly #points: Array<LiveTotals> = []

  /** Times are epoch milliseconds. */
  hear(bulletin: Bulletin, at: number): void {
    this.#heard.delete(bulletin.runner)
    if (this.#heard.size >= mostRunners) return
    this.#heard.set(bulletin.runner, { at, bulletin })
    this.#forget(at)
    const last = this.#points.at(-1)
    // As long after a clock was set back.
    if (last !== undefined && Math.abs(at - last.at) < pointEvery) return
    this.#points.push(this.totals(at))
    if (this.#points.length > mostPoints) this.#points.shift()
  }

  totals(at: number): LiveTotals {
    this.#forget(at)
    const rate = Amounts.none()
    const devices = new Sketch()
    const sums = { swarms: 0, members: 0, complete: 0 }
    for (const { bulletin } of this.#heard.values()) {
      sums.swarms += bulletin.swarms
      sums.members += bulletin.members
      sums.complete += bulletin.complete
      Amounts.add(rate, bulletin.rate)
      for (const n of bulletin.devices) devices.add(n)
    }
    return new LiveTotals({
      at,
      runners: this.#heard.size,
      devices: devices.count,
      ...sums,
      rate: Amounts.toByKind(rate)
    })
  }

  /** The oldest first. */
  history(after: number): ReadonlyArray<LiveTotals> {
    return this.#points.filter(({ at }) => at > after)
  }

  list({ contentId, most, order, skip }: Wanted, at: number): Listing {
    this.#forget(at)
    const lines = new Map<string, Line>()
    let count = 0
    for (const { bulletin } of this.#heard.values()) {
      count += bulletin.swarms
      for (const line of bulletin.lines) {
        if (contentId === undefined || line.swarm === contentId || line.swarm.startsWith(`${contentId}/`))
          lines.set(line.swarm, line)
      }
    }
    const weight = order === "Members" ? (line: Line) => line.members : rateOf
    const sorted = [...lines.values()].toSorted((a, b) => weight(b) - weight(a) || (a.swarm < b.swarm ? -1 : 1))
    const page = sorted.slice(skip, skip + most)
    const end = skip + page.length
    return { at, count, lines: page, ...(end < sorted.length ? { next: end } : {}) }
  }

  #forget(now: number): void {
    for (const [runner, { at }] of this.#heard) if (Math.abs(now - at) > silence) this.#heard.delete(runner)
  }
}

const rateOf = ({ rate }: Line): number => rate.origin + rate.cacheServer + rate.peers
