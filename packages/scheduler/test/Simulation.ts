/**
 * A site: clients with one plan each, an origin behind one line, and a LAN. Each transfer has its fair part of the links
 * that it uses until one ends or begins. No clock, no chance but the seed; the same scene gives the same run.
 */
import * as Bitfield from "@piecework/domain/Bitfield"
import { PeerId } from "@piecework/domain/Peer"
import { type PieceIndex, PieceLayout } from "@piecework/domain/PieceLayout"
import type { Command } from "../src/Command.ts"
import { decide } from "../src/Decide.ts"
import type { Event, PieceRun, SourceId } from "../src/Event.ts"
import * as Plan from "../src/Plan.ts"
import { type Flow, type Link, share } from "./Flow.ts"

export interface Client {
  /** When it starts, in ms. */
  readonly start?: number
  /** Its own line in each direction, in bytes a ms. */
  readonly line?: number
  /** What it gets from the origin at most, in bytes a ms. */
  readonly fromOrigin?: number
  /** When it goes away for good, in ms. */
  readonly leaves?: number
}

export interface Scene {
  readonly pieces: number
  readonly seed: number
  readonly clients: ReadonlyArray<Client>
  /** Bytes a ms, over all clients together. */
  readonly originRate: number
  /** From the start of the later of two clients until they know each other, in ms. */
  readonly meet?: number
}

export interface Outcome {
  /** What the origin sent, over the content's size. */
  readonly originCopies: number
  /** When each client had everything, in ms; `Infinity` when it never had. */
  readonly finished: ReadonlyArray<number>
  readonly commands: ReadonlyArray<ReadonlyArray<Command>>
}

export const simulate = (scene: Scene): Outcome => new Site(scene).run()

const pieceSize = 1_048_576
/** Milliseconds: of a message on the LAN, of a request's way to the origin and back, of a hash, between Ticks. */
const delays = { lan: 1, origin: 20, verify: 1, tick: 500, meet: 30 }
/** Bytes a ms on the LAN: 1 Gbit/s. */
const lanRate = 125_000
/** Longer than any scene should take, in ms. */
const tooLong = 3_600_000
const origin: SourceId = "origin"

interface Host {
  readonly index: number
  readonly id: PeerId
  readonly up: Link
  readonly down: Link
  readonly path: Link
  readonly received: Map<SourceId, number>
  readonly met: Set<Host>
  readonly commands: Array<Command>
  plan: Plan.Plan
  gone: boolean
  finished: number
}

interface Transfer extends Flow {
  readonly to: Host
  readonly source: SourceId
  readonly run: PieceRun
  piece: number
  left: number
  /** The request has arrived. */
  arrived: boolean
}

const nameOf = (host: Host): SourceId => `peer:${host.index}`

class Site {
  readonly #scene: Scene
  readonly #layout: PieceLayout
  readonly #line: Link
  readonly #hosts: ReadonlyArray<Host>
  readonly #timers: Array<{ readonly at: number; readonly run: () => void }> = []
  #transfers: Array<Transfer> = []
  #now = 0
  #originBytes = 0

  constructor(scene: Scene) {
    const layout = new PieceLayout({ contentSize: scene.pieces * pieceSize - (pieceSize >> 1), pieceSize })
    this.#scene = scene
    this.#layout = layout
    this.#line = { rate: scene.originRate }
    this.#hosts = scene.clients.map((client, index) => {
      const self = PeerId.make(((scene.seed * 64 + index) * 2_654_435_761).toString(16).padStart(40, "7"))
      return {
        index,
        id: self,
        up: { rate: client.line ?? lanRate },
        down: { rate: client.line ?? lanRate },
        path: { rate: client.fromOrigin ?? Infinity },
        received: new Map(),
        met: new Set(),
        commands: [],
        plan: Plan.make({ layout, self, held: Bitfield.empty(layout.pieceCount), seed: scene.seed * 1000 + index }),
        gone: false,
        finished: Infinity
      }
    })
  }

  run(): Outcome {
    this.#hosts.forEach((host, i) => {
      const { start = 0, leaves } = this.#scene.clients[i] ?? {}
      this.#after(start, () => this.#begin(host))
      if (leaves !== undefined) this.#after(leaves, () => this.#leave(host))
      for (const other of this.#hosts.slice(0, i)) {
        const both = Math.max(start, this.#scene.clients[other.index]?.start ?? 0)
        this.#after(both + (this.#scene.meet ?? delays.meet), () => this.#meet(host, other))
      }
    })
    while (this.#hosts.some((host) => host.finished === Infinity && !host.gone) && this.#now < tooLong) this.#step()
    return {
      originCopies: this.#originBytes / this.#layout.contentSize,
      finished: this.#hosts.map((host) => host.finished),
      commands: this.#hosts.map((host) => host.commands)
    }
  }

  /** On to the next timer or the next piece that is whole, whichever comes first. */
  #step(): void {
    const moving = this.#moving()
    share(moving)
    let step = (this.#timers[0]?.at ?? tooLong) - this.#now
    let whole: Transfer | undefined
    for (const one of moving) {
      if (one.rate <= 0 || one.left / one.rate >= step) continue
      step = one.left / one.rate
      whole = one
    }
    this.#now += step
    for (const one of moving) {
      const bytes = Math.min(one.left, one.rate * step)
      one.left -= bytes
      if (one.source === origin) this.#originBytes += bytes
      one.to.received.set(one.source, (one.to.received.get(one.source) ?? 0) + bytes)
    }
    if (whole === undefined) this.#timers.shift()?.run()
    else this.#arrive(whole)
  }

  /** Every request to the origin, and of each session with a peer the oldest. */
  #moving(): ReadonlyArray<Transfer> {
    const busy = new Set<string>()
    return this.#transfers.filter((one) => {
      const session = `${one.to.index} ${one.source}`
      if (!one.arrived || busy.has(session)) return false
      if (one.source !== origin) busy.add(session)
      return true
    })
  }

  #arrive(transfer: Transfer): void {
    const { source, to, run } = transfer
    const piece = transfer.piece++ as PieceIndex
    const bytes = this.#layout.length(piece)
    if (transfer.piece === run.first + run.count) this.#drop((one) => one === transfer)
    else transfer.left = this.#layout.length(transfer.piece as PieceIndex)
    this.#tell(to, { _tag: "PieceReceived", source, piece, bytes, now: this.#now })
    this.#after(delays.verify, () => this.#tell(to, { _tag: "PieceHeld", source, piece, now: this.#now }))
  }

  #tell(host: Host, event: Event): void {
    if (host.gone) return
    const [commands, plan] = decide(host.plan, event)
    host.plan = plan
    host.commands.push(...commands)
    for (const command of commands) this.#carryOut(host, command)
  }

  #carryOut(host: Host, command: Command): void {
    if (command._tag === "Fetch") this.#fetch(host, command.source, command.run)
    else if (command._tag === "Finished") host.finished = this.#now
    else if (command._tag === "Cancel") {
      const { source, run } = command
      this.#drop((one) => one.to === host && one.source === source && one.run.first === run.first)
    } else if (command._tag === "Announce") {
      for (const other of host.met) {
        const { piece } = command
        const source = nameOf(host)
        this.#after(delays.lan, () => this.#tell(other, { _tag: "PeerHas", source, piece, now: this.#now }))
      }
    }
  }

  #fetch(to: Host, source: SourceId, run: PieceRun): void {
    const peer = this.#hosts.find((host) => nameOf(host) === source)
    const transfer: Transfer = {
      to,
      source,
      run,
      links: peer === undefined ? [this.#line, to.path, to.down] : [peer.up, to.down],
      piece: run.first,
      left: this.#layout.length(run.first),
      arrived: false,
      rate: 0
    }
    this.#transfers.push(transfer)
    this.#after(peer === undefined ? delays.origin : delays.lan, () => (transfer.arrived = true))
  }

  #begin(host: Host): void {
    this.#tell(host, { _tag: "SourceJoined", source: origin, kind: "Origin", held: "all", now: this.#now })
    this.#tick(host)
  }

  #tick(host: Host): void {
    if (host.gone || host.finished !== Infinity) return
    this.#tell(host, { _tag: "Tick", received: new Map(host.received), now: this.#now })
    this.#after(delays.tick, () => this.#tick(host))
  }

  #meet(a: Host, b: Host): void {
    if (a.gone || b.gone) return
    for (const [host, other] of [[a, b] as const, [b, a] as const]) {
      host.met.add(other)
      this.#tell(host, {
        _tag: "SourceJoined",
        source: nameOf(other),
        kind: "Lan",
        held: other.plan.held,
        peer: other.id,
        host: `host-${other.index}`,
        now: this.#now
      })
    }
  }

  #leave(host: Host): void {
    host.gone = true
    this.#drop((one) => one.to === host || one.source === nameOf(host))
    for (const other of host.met) {
      other.met.delete(host)
      this.#tell(other, { _tag: "SourceLeft", source: nameOf(host), now: this.#now })
    }
  }

  #drop(which: (transfer: Transfer) => boolean): void {
    this.#transfers = this.#transfers.filter((one) => !which(one))
  }

  #after(delay: number, run: () => void): void {
    const at = this.#now + delay
    this.#timers.splice(this.#timers.findLastIndex((other) => other.at <= at) + 1, 0, { at, run })
  }
}
