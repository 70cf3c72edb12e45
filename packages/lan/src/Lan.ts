/**
 * The peers on the local network, without any service: each device tells which contents it has, and asks who else has what it
 * wants. Services of other kinds, as cache servers are, are told of and found likewise. What is heard is a hint and no more: a peer is dialled where the datagram came from, so nobody can send others to a third party.
 */
import type { Digest } from "@piecework/domain/Digest"
import { Peer, PeerAddress, type PeerId } from "@piecework/domain/Peer"
import { Clock, Context, Effect, Layer, Option, Queue, Random, Schedule, type Scope } from "effect"
import { Multicast } from "./Multicast.ts"
import { type Message, namesIn } from "./Message.ts"
import * as Names from "./Names.ts"
import * as Presence from "./Presence.ts"
import * as Services from "./Services.ts"

export interface Wanted {
  readonly swarm: Digest
  /** Oneself, who is not found. */
  readonly self: PeerId
  /** Only devices of this group, if one is given. */
  readonly groupId: string | undefined
}

export class Lan extends Context.Service<
  Lan,
  {
    /** Tells the network of a content until the scope closes, and then that it is over. */
    readonly announce: (presence: Presence.Presence) => Effect.Effect<void, never, Scope.Scope>
    /** Asks for a content, less and less often, until the scope closes. `found` is called again for who is heard again. */
    readonly browse: (
      wanted: Wanted,
      found: (peers: ReadonlyArray<Peer>) => Effect.Effect<unknown>
    ) => Effect.Effect<void, never, Scope.Scope>
    /** Tells the network of a service of another kind until the scope closes, and then that it is over. */
    readonly offer: (service: Services.Service) => Effect.Effect<void, never, Scope.Scope>
    /**
     * Asks for services of a type, less and less often, until the scope closes. `found` is called with all that are known at each
     * change, those heard of first at first; what is no more is left out when its time is over.
     */
    readonly find: (
      type: string,
      found: (services: ReadonlyArray<Services.Found>) => Effect.Effect<unknown>
    ) => Effect.Effect<void, never, Scope.Scope>
  }
>()("@piecework/lan/Lan") {
  static readonly layer: Layer.Layer<Lan, never, Multicast> = Layer.effect(
    Lan,
    Effect.suspend(() => make)
  )
}

/** Between two questions for the same: 1 s, three times as long each time, up to a minute. Source: RFC 6762 §5.2. */
const askAgain = Schedule.min([Schedule.exponential("1 second", 3), Schedule.spaced("60 seconds")])
/** What many may answer is answered after so many milliseconds by chance. Source: RFC 6762 §6. */
const shyness = { least: 20, most: 120 } as const
/** The same is not told again within so many milliseconds, however often it is asked for. Source: RFC 6762 §6. */
const tellAgainAfter = 1000
/** Told in one message, which is to fit into 9,000 bytes: one takes 300 at most. Source: RFC 6762 §17. */
const mostTogether = 24
/** Messages that wait to be looked at; a flood is heard in part. */
const mostWaiting = 256

/** What is told until it is over. */
interface Told {
  readonly records: (options?: { readonly isOver?: boolean }) => Presence.Answer
  readonly isAsked: (names: ReadonlySet<string>) => boolean
}

const make = Effect.gen(function* () {
  const multicast = yield* Multicast
  const all = new Set<Told>()
  const toldAt = new Map<Told, number>()

  /** Waits until each may be told again. */
  const tell = (these: ReadonlyArray<Told>): Effect.Effect<void> =>
    Effect.gen(function* () {
      const asked = yield* Clock.currentTimeMillis
      const dueAt = Math.max(asked, ...these.map((one) => (toldAt.get(one) ?? -Infinity) + tellAgainAfter))
      yield* Effect.sleep(dueAt - asked)
      const current = these.filter((one) => all.has(one))
      if (current.length === 0) return
      for (const one of current) toldAt.set(one, dueAt)
      for (let at = 0; at < current.length; at += mostTogether) {
        yield* multicast.send(Presence.together(current.slice(at, at + mostTogether).map((one) => one.records())))
      }
    })

  const questions = yield* Queue.dropping<Message>(mostWaiting)
  yield* multicast.listen((message) => {
    if (message._tag === "Query" && all.size > 0) Queue.offerUnsafe(questions, message)
  })
  yield* Effect.gen(function* () {
    const first = yield* Queue.take(questions)
    yield* Effect.sleep(yield* Random.nextIntBetween(shyness.least, shyness.most))
    const asked = [first, ...(yield* Queue.clear(questions))].flatMap((message) =>
      message._tag === "Query" ? message.questions : []
    )
    const names = namesIn(asked)
    yield* tell([...all].filter((one) => one.isAsked(names)))
  }).pipe(Effect.forever, Effect.forkScoped)

  const keepTelling = Effect.fnUntraced(function* (one: Told) {
    yield* Effect.acquireRelease(
      Effect.sync(() => all.add(one)),
      () =>
        Effect.suspend(() => {
          all.delete(one)
          toldAt.delete(one)
          return multicast.send(Presence.together([one.records({ isOver: true })]))
        })
    )
    yield* tell([one])
    // Datagrams get lost: what is new is told twice. Source: RFC 6762 §8.3.
    yield* Effect.forkScoped(tell([one]))
  })

  /** Asks less and less often, and from the beginning on a network that the device comes to. */
  const keepAsking = Effect.fnUntraced(function* (message: Message) {
    const comes = yield* Queue.sliding<void>(1)
    yield* multicast.onNetwork(() => void Queue.offerUnsafe(comes, undefined))
    const asking = Effect.repeat(multicast.send(message), askAgain)
    yield* Effect.forkScoped(Effect.forever(Effect.raceFirst(asking, Queue.take(comes))))
  })

  const announce: Lan["Service"]["announce"] = Effect.fn("Lan.announce")((presence) =>
    keepTelling({
      records: (options) => Presence.records(presence, options),
      isAsked: (names) => Presence.isAsked(presence, names)
    })
  )

  const offer: Lan["Service"]["offer"] = Effect.fn("Lan.offer")((service) =>
    keepTelling({
      records: (options) => Services.records(service, options),
      isAsked: (names) => Services.isAsked(service, names)
    })
  )

  const browse: Lan["Service"]["browse"] = Effect.fn("Lan.browse")(function* (wanted, found) {
    const heard = yield* Queue.dropping<ReadonlyArray<Peer>>(mostWaiting)
    yield* multicast.listen((message, from) => {
      const peers = peersIn(message, from, wanted)
      if (peers.length > 0) Queue.offerUnsafe(heard, peers)
    })
    yield* Queue.take(heard).pipe(Effect.flatMap(found), Effect.forever, Effect.forkScoped)
    yield* keepAsking({ _tag: "Query", questions: [{ name: Names.subtype(wanted.swarm), type: "PTR" }] })
  })

  const find: Lan["Service"]["find"] = Effect.fn("Lan.find")(function* (type, found) {
    let directory = Services.nothing
    let told = ""
    let askedAt = Number.NEGATIVE_INFINITY
    const heard = yield* Queue.dropping<Message>(mostWaiting)
    yield* multicast.listen((message) => {
      if (Services.isAbout(directory, type, message)) Queue.offerUnsafe(heard, message)
    })
    yield* Effect.gen(function* () {
      const before = yield* Clock.currentTimeMillis
      const end = Services.nextEnd(directory, before)
      const message = yield* end === undefined
        ? Effect.asSome(Queue.take(heard))
        : Effect.timeoutOption(Queue.take(heard), end - before)
      const now = yield* Clock.currentTimeMillis
      directory = Services.hear(directory, type, Option.getOrUndefined(message), now)
      const known = Services.known(directory)
      const text = JSON.stringify(known)
      if (text !== told) {
        told = text
        yield* found(known)
      }
      const lacking = Services.lacking(directory)
      if (lacking.length === 0 || now - askedAt < tellAgainAfter) return
      askedAt = now
      yield* multicast.send({ _tag: "Query", questions: lacking })
    }).pipe(Effect.forever, Effect.forkScoped)
    yield* keepAsking({ _tag: "Query", questions: [{ name: type, type: "PTR" }] })
  })

  return Lan.of({ announce, browse, find, offer })
})

const peersIn = (message: Message, from: string, { groupId, self, swarm }: Wanted): ReadonlyArray<Peer> => {
  const group = groupId === undefined ? undefined : Names.groupTag(groupId)
  return Presence.sightings(message, swarm)
    .filter((sighting) => sighting.peer !== self && (group === undefined || sighting.group === group))
    .map(({ peer, port }) => new Peer({ id: peer, address: new PeerAddress({ host: from, port }), kind: "LinkLocal" }))
}
