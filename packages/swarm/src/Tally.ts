/** What the swarms of a process did, in plain numbers that cost nothing to keep, and read when somebody asks for metrics. */
import { Effect, Metric, type Scope } from "effect"

/** Peers in a handout. */
const boundaries = [0, 1, 2, 5, 10, 20, 30, 40, 50, 100, 255]

export class Tally {
  readonly #handouts = new Float64Array(boundaries.length + 1)
  #peers = 0
  #largest = 0
  #leased = 0

  /** A handout had so many peers. */
  handedOut(peers: number): void {
    let n = 0
    while (n < boundaries.length && peers > (boundaries[n] ?? 0)) n++
    this.#handouts[n] = (this.#handouts[n] ?? 0) + 1
    this.#peers += peers
    if (peers > this.#largest) this.#largest = peers
  }

  /** So many pieces were leased that were not leased before. */
  leased(pieces: number): void {
    this.#leased += pieces
  }

  get leasedPieces(): number {
    return this.#leased
  }

  handouts(): Metric.HistogramState {
    let count = 0
    const buckets = boundaries.map((boundary, n): [number, number] => {
      count += this.#handouts[n] ?? 0
      return [boundary, count]
    })
    count += this.#handouts[boundaries.length] ?? 0
    return { buckets, count, min: 0, max: this.#largest, sum: this.#peers }
  }
}

const handoutPeers = Metric.histogram("piecework_handout_peers", {
  description: "Peers in the answers to joins.",
  boundaries
})

const leasedPieces = Metric.counter("piecework_leased_pieces_total", {
  description: "Pieces that were leased to a member.",
  incremental: true
})

const members = Metric.gauge("piecework_swarm_members", { description: "Members of all swarms of this process." })

/** As metrics, until the scope closes. */
export const registered = (tally: Tally, countMembers: () => number): Effect.Effect<void, never, Scope.Scope> =>
  Effect.gen(function* () {
    const context = yield* Effect.context<never>()
    const writes = { update: () => {}, modify: () => {} }
    const registrations = [
      Metric.registerUnsafe(handoutPeers, context, { get: () => tally.handouts(), ...writes }),
      Metric.registerUnsafe(leasedPieces, context, {
        get: () => ({ count: tally.leasedPieces, incremental: true }),
        ...writes
      }),
      Metric.registerUnsafe(members, context, { get: () => ({ value: countMembers() }), ...writes })
    ]
    yield* Effect.addFinalizer(() => Effect.sync(() => registrations.forEach((one) => one.remove())))
  })
