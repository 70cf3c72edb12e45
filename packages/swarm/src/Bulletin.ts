/** What a process says of its swarms to whoever puts those of all processes together: sums, and its largest and busiest swarms. */
import { text } from "@piecework/cloud/Fields"
import { Effect, Schema } from "effect"
import * as Amounts from "./Amounts.ts"
import { figures } from "./LiveView.ts"
import * as PeerJson from "./PeerJson.ts"
import { numberOf, size, Sketch } from "./Sketch.ts"
import type { SwarmActor } from "./SwarmActor.ts"

/** Most swarms of one bulletin: those with most members, and of the others those that receive most. */
export const mostLargest = 500
export const mostBusiest = 100

/** A swarm by the name that its entity has: the content's id, and behind a slash the group's. */
export const Line = Schema.Struct({ swarm: text(256), ...figures })
export type Line = typeof Line.Type

const Amount = Schema.Array(Schema.Natural).check(Schema.isMaxLength(Amounts.kinds.length))

export class Bulletin extends Schema.Class<Bulletin>("@piecework/swarm/Bulletin")({
  /** Which process says it. */
  runner: text(64),
  swarms: Schema.Natural,
  members: Schema.Natural,
  complete: Schema.Natural,
  rate: Amount,
  /** See `Sketch`. */
  devices: Schema.Array(Schema.Natural).check(Schema.isMaxLength(size)),
  lines: Schema.Array(Line).check(Schema.isMaxLength(mostLargest + mostBusiest))
}) {}

/** Members that are looked at before others have a turn. */
const atOnce = 5_000

/** Takes time with each member of each swarm, and lets others have theirs meanwhile. */
export const make = Effect.fnUntraced(function* (
  runner: string,
  actors: Iterable<readonly [swarm: string, actor: SwarmActor]>
): Effect.fn.Return<Bulletin> {
  const inhabited: Array<Inhabited> = []
  const rate = Amounts.none()
  const sketch = new Sketch()
  let members = 0
  let complete = 0
  let looked = 0
  for (const [swarm, actor] of actors) {
    const { sums } = actor
    if (sums.members === 0) continue
    inhabited.push({ swarm, actor, members: sums.members, busy: Amounts.total(sums.rate) })
    members += sums.members
    complete += sums.complete
    Amounts.add(rate, sums.rate)
    for (const { json } of actor.all) sketch.add(numberOf(PeerJson.idOf(json)))
    looked += sums.members
    if (looked < atOnce) continue
    looked = 0
    yield* Effect.yieldNow
  }
  const largest = inhabited.toSorted((a, b) => b.members - a.members || byName(a, b))
  const busiest = largest.slice(mostLargest).toSorted((a, b) => b.busy - a.busy || byName(a, b))
  return new Bulletin({
    runner,
    swarms: inhabited.length,
    members,
    complete,
    rate: rate.map(counted),
    devices: sketch.numbers,
    lines: [...largest.slice(0, mostLargest), ...busiest.slice(0, mostBusiest)].map(lineOf)
  })
})

const counted = (sum: number): number => Math.min(Number.MAX_SAFE_INTEGER, Math.max(0, sum))
const byName = (a: Inhabited, b: Inhabited): number => (a.swarm < b.swarm ? -1 : 1)

interface Inhabited {
  readonly swarm: string
  readonly actor: SwarmActor
  readonly members: number
  /** Bytes a second. */
  readonly busy: number
}

const lineOf = ({ actor, swarm }: Inhabited): Line => {
  const { bytes, complete, members, rate } = actor.sums
  const sites = actor.countSites()
  return { swarm, members, complete, sites, bytes: Amounts.toByKind(bytes), rate: Amounts.toByKind(rate) }
}
