/** What all files share: the ways out, the memory, the clock, the counters, and the number of requests under way. */
import type { ContentUrl } from "@piecework/domain/ContentUrl"
import type { BufferPool, PieceBuffer } from "@piecework/hashing/BufferPool"
import type { HttpBody } from "@piecework/sources/HttpResponse"
import type { HttpClient } from "@piecework/sources/HttpClient"
import { Effect, type Fiber, type Scope } from "effect"
import type { FillsConfig } from "../FillsConfig.ts"
import type { Upstream, Upstreams } from "../Upstreams.ts"
import type { Arrival, Lending } from "./Arrival.ts"
import type { ReadMemory } from "./ReadMemory.ts"

export interface ShopOptions {
  readonly config: FillsConfig["Service"]
  readonly client: HttpClient["Service"]
  readonly upstreams: Upstreams["Service"]
  readonly pool: BufferPool["Service"]
  readonly memory: ReadMemory
  /** Epoch milliseconds. */
  readonly now: () => number
  /** Owner of everything that outlives a client. */
  readonly scope: Scope.Scope
  readonly run: (effect: Effect.Effect<void>) => Fiber.Fiber<void>
}

export class Shop {
  readonly config: FillsConfig["Service"]
  readonly client: HttpClient["Service"]
  readonly upstreams: Upstreams["Service"]
  readonly memory: ReadMemory
  readonly now: () => number
  readonly scope: Scope.Scope
  readonly run: ShopOptions["run"]
  readonly lending: Lending = { late: 0 }
  private readonly pool: BufferPool["Service"]
  /** Requests for parts that are under way. */
  private fetches = 0
  /** Who wanted to begin one when there were too many, in the order in which they came. */
  private readonly queue = new Set<() => void>()
  /** Complete pieces that no drive keeps, the oldest first. */
  private readonly loose = new Map<Arrival, () => void>()
  /** Fetches that wait for a buffer. */
  private needy = 0
  private readonly bodies = new Set<readonly [Upstream["kind"], HttpBody]>()
  private readonly finished = { Origin: 0, Parent: 0 }

  constructor(options: ShopOptions) {
    this.config = options.config
    this.client = options.client
    this.upstreams = options.upstreams
    this.pool = options.pool
    this.memory = options.memory
    this.now = options.now
    this.scope = options.scope
    this.run = options.run
  }

  /** Counts the bytes of a body, until the answer is called. */
  count(kind: Upstream["kind"], body: HttpBody): () => void {
    const entry = [kind, body] as const
    this.bodies.add(entry)
    return () => {
      if (this.bodies.delete(entry)) this.finished[kind] += body.received()
    }
  }

  received(): { readonly origin: number; readonly parent: number } {
    const sums = { ...this.finished }
    for (const [kind, body] of this.bodies) sums[kind] += body.received()
    return { origin: sums.Origin, parent: sums.Parent }
  }

  /** Whether one more request may begin; if not, `later` is called once when one may. */
  mayBegin(later: () => void): boolean {
    if (this.fetches < this.config.maxFetches) return true
    this.queue.add(later)
    return false
  }

  began(): void {
    this.fetches++
  }

  ended(): void {
    this.fetches--
    for (const next of this.queue) {
      this.queue.delete(next)
      next()
      if (this.fetches >= this.config.maxFetches) return
    }
  }

  /** Nobody waits in the queue any more. */
  forget(later: () => void): void {
    this.queue.delete(later)
  }

  /** A buffer for a piece; takes one from a loose piece where there is none, and waits else. */
  readonly buffer: Effect.Effect<PieceBuffer> = Effect.suspend(() => {
    const free = this.pool.acquireUnsafe()
    if (free !== undefined) return Effect.succeed(free)
    this.needy++
    this.spare()
    return Effect.ensuring(
      this.pool.acquire,
      Effect.sync(() => this.needy--)
    )
  })

  /** The piece may go when memory is short; `drop` is called then. */
  loosen(arrival: Arrival, drop: () => void): void {
    this.loose.set(arrival, drop)
    if (this.needy > 0) this.spare()
  }

  hold(arrival: Arrival): void {
    this.loose.delete(arrival)
  }

  /** To be called when a reader has looked its last at a piece that may be loose. */
  readonly spare = (): void => {
    if (this.needy === 0) return
    for (const [arrival, drop] of this.loose) {
      if (arrival.isLookedAt) continue
      this.loose.delete(arrival)
      return drop()
    }
  }

  /** Whether readers may look into buffers: not while slow ones hold back too many of them. */
  mayLook(): boolean {
    return this.lending.late < this.pool.capacity / 4
  }
}

/** How a file is called in errors. */
export const shown = (url: ContentUrl): string => (url.length > 300 ? `${url.slice(0, 300)}…` : url)
