/**
 * The connections of one client with others: whom it dials (`download/Crowd`), what it asks of each, and what it announces.
 * A session is one object at each of its ends; what one end asks the other sends on the other's stream.
 */
import type { PeerId } from "@piecework/domain/Peer"
import type { PieceIndex } from "@piecework/domain/PieceLayout"
import type { SourceKind } from "@piecework/domain/SourceKind"
import * as PeerConfig from "@piecework/peers/PeerConfig"
import type { SourceId } from "@piecework/scheduler/Event"
import type { Agenda } from "./Agenda.ts"
import type { Client } from "./Client.ts"
import { lineChunk, Stream, type Transfer } from "./Stream.ts"
import { lanRoundTrip, roundTrip, type Surroundings } from "./Surroundings.ts"

/** Round trips from a dial to the first request: of TCP, of the handshakes, and of the bitfields. */
const dialTrips = 3
/** A peer that was not reached is left alone for so long, doubled each time; `Crowd`. Milliseconds. */
const shortestRest = 2000
const longestRest = 120_000
/** Most sessions of a device, whoever dialled; and the bytes of a request, at whose end ends what is taken back. */
const { maxConnections, blockSize } = PeerConfig.defaults

class Session {
  readonly source: SourceId
  readonly kind: SourceKind
  readonly other: Client
  /** What this end asked of the other. */
  readonly asked: Array<Transfer> = []
  /** Bytes that came from the other. */
  received = 0
  readonly dialled: boolean
  /** Milliseconds. */
  readonly roundTrip: number
  readonly #stream: Stream
  readonly #agenda: Agenda

  /** The end at `self`. */
  constructor(around: Surroundings, self: Client, other: Client, dialled: boolean) {
    const isNear = self.device.site === other.device.site
    const line = isNear ? [] : [other.device.line.up, self.device.line.down]
    this.source = sourceOf(other)
    this.kind = isNear ? "Lan" : "Group"
    this.other = other
    this.dialled = dialled
    this.roundTrip = roundTrip(around, self.device, other.device)
    this.#agenda = around.agenda
    this.#stream = new Stream(
      around.layout,
      [other.device.up, ...line, self.device.down],
      isNear ? blockSize : lineChunk
    )
  }

  ask(one: Transfer): void {
    this.asked.push(one)
    this.#agenda.after(this.roundTrip, () => this.#stream.add(one))
  }

  takeBack(one: Transfer): void {
    this.#agenda.after(this.roundTrip, () => this.#stream.stop(one))
  }

  /** Nothing more is sent. */
  close(): void {
    for (const one of this.asked) {
      one.isTakenBack = true
      this.#stream.stop(one)
    }
  }
}

export class Sessions {
  readonly #around: Surroundings
  readonly #self: Client
  readonly #sessions = new Map<SourceId, Session>()
  readonly #dialling = new Set<PeerId>()
  readonly #failures = new Map<PeerId, { readonly count: number; readonly until: number }>()

  constructor(around: Surroundings, self: Client) {
    this.#around = around
    this.#self = self
  }

  get(source: SourceId): Session | undefined {
    return this.#sessions.get(source)
  }

  /** Bytes that came, by source. */
  received(): Map<SourceId, number> {
    const received = new Map<SourceId, number>()
    for (const session of this.#sessions.values()) received.set(session.source, session.received)
    return received
  }

  /** Dials those of the peers that are new, as far as there is room. */
  meet(peers: ReadonlyArray<PeerId>): void {
    const { agenda, scene, clients } = this.#around
    let dials = this.#dialling.size
    for (const session of this.#sessions.values()) if (session.dialled) dials++
    for (const id of peers) {
      const other = clients.get(id)
      if (dials >= scene.connections || other === undefined) continue
      const waits = (this.#failures.get(id)?.until ?? 0) > agenda.now
      if (id === this.#self.id || this.#dialling.has(id) || this.#sessions.has(sourceOf(other)) || waits) continue
      dials++
      this.#dialling.add(id)
      const trip = roundTrip(this.#around, this.#self.device, other.device)
      agenda.after(dialTrips * trip, () => this.#dialled(other))
    }
  }

  /** Tells all others of a piece. */
  announce(piece: PieceIndex): void {
    const { agenda, scene } = this.#around
    const tell = (kind: SourceKind) => {
      for (const session of this.#sessions.values()) {
        if (session.kind === kind) session.other.tell({ _tag: "PeerHas", source: sourceOf(this.#self), piece })
      }
    }
    agenda.after(lanRoundTrip / 2, () => tell("Lan"))
    if (scene.group) agenda.after(scene.rttMillis / 2, () => tell("Group"))
  }

  /** The process is gone, and its connections break. */
  end(): void {
    for (const session of this.#sessions.values()) {
      this.#leave(session, "Killed")
      session.other.sessions.#lose(this.#self)
    }
  }

  #dialled(asked: Client): void {
    this.#dialling.delete(asked.id)
    if (!this.#self.isAlive) return
    // Whoever listens there now is taken, under whatever name.
    const other = asked.device.client
    if (other === undefined || !other.isAlive) return this.#rest(asked.id)
    const isFull = this.#sessions.size >= maxConnections || other.sessions.#sessions.size >= maxConnections
    if (isFull || this.#sessions.has(sourceOf(other))) return this.#rest(asked.id)
    this.#failures.delete(asked.id)
    const here = new Session(this.#around, this.#self, other, true)
    const there = new Session(this.#around, other, this.#self, false)
    this.#sessions.set(here.source, here)
    other.sessions.#sessions.set(there.source, there)
    this.#join(here)
    other.sessions.#join(there)
  }

  #join({ source, kind, other }: Session): void {
    const { id: peer, plan } = other
    this.#self.tell({ _tag: "SourceJoined", source, kind, held: plan.held, peer, host: other.device.name })
  }

  #lose(other: Client): void {
    const session = this.#sessions.get(sourceOf(other))
    if (session === undefined) return
    this.#leave(session, "HolderKilled")
    this.#self.tell({ _tag: "SourceLeft", source: session.source })
  }

  #leave(session: Session, why: string): void {
    this.#sessions.delete(session.source)
    for (const one of session.asked) this.#around.tally.waste(why, one.got)
    session.close()
  }

  #rest(peer: PeerId): void {
    const count = this.#failures.get(peer)?.count ?? 0
    const until = this.#around.agenda.now + Math.min(longestRest, shortestRest * 2 ** count)
    this.#failures.set(peer, { count: count + 1, until })
  }
}

const sourceOf = (client: Client): SourceId => client.id
