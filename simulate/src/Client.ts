/**
 * One process that fetches the file: the conductor of `packages/download` in virtual time. It tells its plan what happens,
 * carries out what `decide` answers, and goes on serving once it is done.
 *
 * A request is on its way for a whole round trip instead of half of one, and bytes for none; a taken-back fetch ends a
 * round trip later. Whoever asks sees the same, and no byte needs an event for its way.
 */
import * as Bitfield from "@piecework/domain/Bitfield"
import type { PeerId } from "@piecework/domain/Peer"
import * as DownloadConfig from "@piecework/download/DownloadConfig"
import type * as Command from "@piecework/scheduler/Command"
import { decide } from "@piecework/scheduler/Decide"
import type * as Event from "@piecework/scheduler/Event"
import * as Plan from "@piecework/scheduler/Plan"
import { Duration } from "effect"
import { Leasing } from "./Leasing.ts"
import { Membership } from "./Membership.ts"
import { Sessions } from "./Sessions.ts"
import { ask, lineChunk, Stream, type Transfer } from "./Stream.ts"
import { clock, type Device, type Surroundings } from "./Surroundings.ts"

/** An event without its time. */
export type Happening = Event.Event extends infer E ? (E extends Event.Event ? Omit<E, "now"> : never) : never

export const origin: Event.SourceId = "origin"

/** Milliseconds to hash a piece and to write it: 1.7 GB/s a core, and a disk as fast. */
const verifyMillis = 1
/** Between two Ticks. */
const tickMillis = Duration.toMillis(DownloadConfig.defaults.tick)

export class Client {
  readonly id: PeerId
  readonly device: Device
  readonly #around: Surroundings
  readonly #sessions: Sessions
  readonly #membership: Membership
  readonly #leasing: Leasing
  /** What it asked the origin for. */
  readonly #origin: Array<Transfer> = []
  /** A request over HTTP has a connection of its own. */
  readonly #streams = new WeakMap<Transfer, Stream>()
  #originReceived = 0
  #plan: Plan.Plan
  #isAlive = true

  constructor(around: Surroundings, device: Device, id: PeerId, held: Bitfield.Bitfield) {
    const { layout, dice } = around
    this.id = id
    this.device = device
    this.#around = around
    this.#plan = Plan.make({ layout, held, self: id, seed: dice.below(0x7fff_ffff), awaitsLeases: true })
    this.#sessions = new Sessions(around, this)
    this.#membership = new Membership(around, this, (peers) => this.#sessions.meet(peers))
    this.#leasing = new Leasing(around, this)
    around.clients.set(id, this)
    device.client = this
  }

  get plan(): Plan.Plan {
    return this.#plan
  }

  get isAlive(): boolean {
    return this.#isAlive
  }

  get sessions(): Sessions {
    return this.#sessions
  }

  start(): void {
    this.#membership.start()
    this.#leasing.expectAnswer()
    this.tell({ _tag: "SourceJoined", source: origin, kind: "Origin", held: "all" })
    this.#around.agenda.after(tickMillis, this.#tick)
  }

  /** As by `kill -9`: neighbours see their connections break, the service sees nothing. */
  kill(): void {
    this.#isAlive = false
    this.#sessions.end()
    while (this.#origin[0] !== undefined) this.#takeBack(this.#origin, this.#origin[0], "Killed")
    for (const piece of this.#plan.verifying.keys()) {
      this.#around.tally.waste("Killed", this.#around.layout.length(piece))
    }
  }

  tell(happening: Happening): void {
    if (!this.#isAlive || this.#plan.outcome === "Finished") return
    const { tally, agenda } = this.#around
    tally.told()
    // The union is put together again that `Happening` took apart.
    const [commands, plan] = decide(this.#plan, { ...happening, now: clock(agenda) } as Event.Event)
    this.#plan = plan
    for (const command of commands) this.#carryOut(command)
    this.#leasing.look(happening)
  }

  /** Bytes of the transfer came to the device. */
  readonly arrived = (one: Transfer, bytes: number): void => {
    const { tally, layout, agenda } = this.#around
    const session = this.#sessions.get(one.source)
    tally.received(session?.kind ?? (one.source === origin ? "Origin" : "Lan"), bytes)
    if (one.isTakenBack) return tally.waste("OnTheWay", bytes)
    if (session === undefined) this.#originReceived += bytes
    else session.received += bytes
    one.got += bytes
    const piece = one.coming
    const length = layout.length(piece)
    if (one.got < length) return
    one.got = 0
    one.coming++
    if (one.coming === one.run.first + one.run.count) remove(session?.asked ?? this.#origin, one)
    const isNew = !Bitfield.has(this.#plan.held, piece) && !this.#plan.verifying.has(piece)
    this.tell({ _tag: "PieceReceived", source: one.source, piece, bytes: length })
    if (isNew) agenda.after(verifyMillis, () => this.tell({ _tag: "PieceHeld", source: one.source, piece }))
    else tally.waste("SecondCopy", length)
  }

  readonly #tick = (): void => {
    if (!this.#isAlive || Plan.isFinished(this.#plan)) return
    this.tell({ _tag: "Tick", received: this.#sessions.received().set(origin, this.#originReceived) })
    this.#around.agenda.after(tickMillis, this.#tick)
  }

  #carryOut(command: Command.Command): void {
    this.#around.tally.decided(command)
    switch (command._tag) {
      case "Fetch":
        return this.#fetch(command)
      case "Cancel":
        return this.#cancel(command)
      case "Announce":
        return this.#sessions.announce(command.piece)
      case "Finished":
        this.device.finishedAt = this.#around.agenda.now
        return this.#membership.completed()
      case "Ban":
      case "Exhausted":
        // Nobody lies here, and the origin never ends: these would be bugs.
        throw new Error(`${this.device.name} decided ${command._tag}, for which there is no reason`)
    }
  }

  #fetch({ source, run }: Command.Fetch): void {
    const { agenda, layout, scene } = this.#around
    const one = ask(source, run, this.arrived)
    if (source === origin) {
      this.#origin.push(one)
      const stream = new Stream(layout, [this.device.line.down, this.device.down], lineChunk)
      this.#streams.set(one, stream)
      return agenda.after(scene.rttMillis, () => stream.add(one))
    }
    // A session that has just ended: that it left is told next.
    this.#sessions.get(source)?.ask(one)
  }

  #cancel({ source, run, reason }: Command.Cancel): void {
    const asked = source === origin ? this.#origin : this.#sessions.get(source)?.asked
    const one = asked?.find((other) => other.run.first === run.first && other.run.count === run.count)
    if (asked !== undefined && one !== undefined) this.#takeBack(asked, one, reason)
  }

  #takeBack(from: Array<Transfer>, one: Transfer, why: string): void {
    const { agenda, scene, tally } = this.#around
    remove(from, one)
    one.isTakenBack = true
    tally.waste(why, one.got)
    if (one.source !== origin) return this.#sessions.get(one.source)?.takeBack(one)
    agenda.after(scene.rttMillis, () => this.#streams.get(one)?.stop(one))
  }
}

const remove = (from: Array<Transfer>, one: Transfer): void => {
  const place = from.indexOf(one)
  if (place >= 0) from.splice(place, 1)
}
