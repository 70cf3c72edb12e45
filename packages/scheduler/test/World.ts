/**
 * Sources that answer, fail, stall, lie, choke, leave and come back, by a seed; and a conductor that does what the plan says
 * and complains when that makes no sense. Sources never answer what they were not asked, but late words do come.
 */
import { assert } from "@effect/vitest"
import * as Bitfield from "@piecework/domain/Bitfield"
import { idOf, PeerId } from "@piecework/domain/Peer"
import { type PieceIndex, PieceLayout } from "@piecework/domain/PieceLayout"
import type { SourceKind } from "@piecework/domain/SourceKind"
import type { Command, Fetch } from "../src/Command.ts"
import { decide } from "../src/Decide.ts"
import type { Event, PieceRun, SourceId } from "../src/Event.ts"
import * as Leases from "../src/Leases.ts"
import * as Plan from "../src/Plan.ts"
import { hasPending, isSameRun } from "../src/Source.ts"
import { Dice } from "./Dice.ts"
import { violations } from "./Invariant.ts"
import { noise } from "./Noise.ts"

interface Actor {
  readonly id: SourceId
  readonly kind: SourceKind
  readonly peer: PeerId | undefined
  readonly host: string | undefined
  readonly lies: boolean
  readonly dead: boolean
  readonly ignoresRanges: boolean
  held: Bitfield.Bitfield
  joined: boolean
  choked: boolean
}

interface Open {
  readonly source: SourceId
  readonly run: PieceRun
  readonly whole: boolean
  next: number
}

export class World {
  readonly #dice: Dice
  readonly #actors: ReadonlyArray<Actor>
  readonly #open: Array<Open> = []
  #closed: Array<Open> = []
  readonly #verifying: Array<{ readonly source: SourceId; readonly piece: PieceIndex }> = []
  readonly #pieces: number
  #now = 1_000_000
  plan: Plan.Plan
  finished = 0
  exhausted = 0
  readonly reasons = new Set<string>()
  /** Every command so far. */
  readonly commands: Array<Command> = []
  readonly #reads: "Never" | "Parts" | "Nothing"

  /**
   * `reads`: `Never`: all is wanted from the start, and nobody reads. `Parts`: some is wanted, more is later, and readers come and go.
   * `Nothing`: the plan is told again and again that all is wanted and that nobody reads.
   */
  constructor(seed: number, reads: "Never" | "Parts" | "Nothing" = "Never") {
    const dice = (this.#dice = new Dice(seed))
    this.#reads = reads
    const pieceSize = 1 << 20
    this.#pieces = 1 + dice.below(dice.chance(20) ? 150 : 40)
    const layout = new PieceLayout({
      contentSize: (this.#pieces - 1) * pieceSize + 1 + dice.below(pieceSize),
      pieceSize
    })
    this.plan = Plan.make({
      layout,
      held: this.#some(20),
      self: PeerId.make("0".repeat(40)),
      seed,
      awaitsLeases: dice.chance(50),
      ...(reads === "Parts" ? { wanted: this.#some(dice.pick([0, 10, 50, 100]) ?? 0) } : {}),
      ...(reads === "Nothing" ? { wanted: Bitfield.full(this.#pieces) } : {})
    })
    const kinds: ReadonlyArray<SourceKind> = [
      "Lan",
      "Lan",
      "Lan",
      "LinkLocal",
      "Group",
      "Internet",
      "CacheServer",
      "Origin"
    ]
    this.#actors = Array.from({ length: 1 + dice.below(8) }, (_, i) => {
      const kind = i === 0 && dice.chance(80) ? "Origin" : (dice.pick(kinds) ?? "Lan")
      const isPeer = kind !== "Origin" && kind !== "CacheServer"
      // Few devices and fewer hosts, so that some sources are one device and some devices share a host.
      const device = dice.below(6)
      const peer = isPeer ? idOf(PeerId.make(String(device).repeat(40)).slice(0, 32) as never, i) : undefined
      return {
        id: `${kind}-${i}`,
        kind,
        peer,
        host: isPeer ? `host-${device % 3}` : undefined,
        lies: dice.chance(15),
        dead: dice.chance(10),
        ignoresRanges: !isPeer && dice.chance(25),
        held: isPeer ? this.#some(dice.pick([0, 30, 100]) ?? 0) : Bitfield.full(this.#pieces),
        joined: false,
        choked: false
      }
    })
  }

  /** Anything may happen. */
  step(): void {
    const dice = this.#dice
    if (this.#reads === "Nothing") this.#sayNothing()
    if (this.#reads === "Parts" && dice.chance(15)) return this.#read()
    const actor = dice.pick(this.#actors)
    if (actor === undefined) return
    const chance = dice.below(100)
    if (chance < 40) this.#answer()
    else if (chance < 60) this.#verify()
    else if (chance < 68) this.#tick(dice.below(dice.chance(10) ? 12_000 : 400))
    else if (chance < 76) this.#join(actor)
    else if (chance < 78) this.#leave(actor)
    else if (chance < 84) this.#has(actor)
    else if (chance < 86) this.#holds(actor)
    else if (chance < 89) this.#choke(actor)
    else if (chance < 93) this.#fail()
    else if (chance < 94) this.#lease()
    else if (chance < 95) this.#tell({ _tag: dice.chance(50) ? "OriginHeld" : "OriginAllowed", now: this.#now })
    else if (chance < 96) this.#arriveLate()
    else if (chance < 97) this.#tell({ _tag: "Floor", rate: dice.pick([undefined, 0, 500, 1e9]), now: this.#now })
    else this.#noise()
  }

  /** Those that are alive do what they should, until the plan ends; how it ended. */
  settle(): Plan.Plan["outcome"] {
    for (const actor of this.#actors) if (actor.dead) this.#leave(actor)
    if (this.#reads === "Parts") this.#read()
    this.#tell({ _tag: "OriginAllowed", now: this.#now })
    // A service whose word is nothing must not keep it from the end; one that is gone neither.
    this.#tell(
      this.#dice.chance(50)
        ? { _tag: "Leased", runs: [], asked: [], now: this.#now }
        : { _tag: "LeasesOff", now: this.#now }
    )
    for (const actor of this.#actors) if (actor.joined && actor.choked) this.#choke(actor)
    for (const actor of this.#actors) if (!actor.joined && !actor.dead) this.#join(actor)
    for (let n = 0; n < 20_000 && this.plan.outcome !== "Finished" && this.plan.outcome !== "Exhausted"; n++) {
      this.#answer()
      this.#verify()
      if (n % 5 === 0 || this.#open.length === 0) this.#tick(250)
    }
    if (this.plan.outcome === "Finished") assert.deepStrictEqual(this.#open, [], "fetches are left after the end")
    return this.plan.outcome
  }

  #tell(event: Event): void {
    const before = fingerprint(this.plan)
    const [commands, next] = decide(this.plan, event)
    assert.strictEqual(fingerprint(this.plan), before, `${event._tag} changed the plan it met`)
    assert.deepStrictEqual(decide(this.plan, event)[0], commands, "the same event led to other commands")
    this.plan = next
    this.commands.push(...commands)
    for (const command of commands) this.#carryOut(command)
    assert.deepStrictEqual(violations(next), [], `after ${JSON.stringify(event)}`)
    for (const source of next.sources.values()) {
      const owed = this.#open.filter((one) => one.source === source.id).map((one) => one.run)
      assert.deepStrictEqual(
        source.flights.map((flight) => flight.run),
        owed,
        `what ${source.id} owes, after ${event._tag}`
      )
    }
  }

  #carryOut(command: Command): void {
    assert.isFalse(this.finished > 0 && this.#reads !== "Parts", "a command after the end")
    switch (command._tag) {
      case "Fetch":
        return this.#fetch(command)
      case "Cancel": {
        this.reasons.add(command.reason)
        const one = this.#openOf(command.source, command.run)
        assert.isDefined(one, `cancelled what is not open: ${JSON.stringify(command)}`)
        this.#close(one)
        return
      }
      case "Ban":
        assert.isTrue(
          this.#actors.some((actor) => actor.lies && actor.peer === command.peer),
          "banned an honest peer"
        )
        return
      case "Finished":
        assert.isTrue(Plan.isFinished(this.plan))
        assert.isTrue(this.#reads === "Parts" || Bitfield.count(this.plan.held) === this.#pieces)
        assert.deepStrictEqual(this.#open, [], "fetches are left after the end")
        this.finished++
        return
      case "Exhausted":
        assert.deepStrictEqual(this.#open, [])
        this.exhausted++
        return
      case "Announce":
        return
    }
  }

  #fetch(command: Fetch): void {
    const { source, run } = command
    this.reasons.add(command.reason)
    const actor = this.#actors.find((one) => one.id === source)
    assert.isTrue(actor?.joined, `${source} is asked but is not there`)
    assert.isFalse(actor?.choked, `${source} is asked while it chokes`)
    assert.isUndefined(this.#openOf(source, run), "the same run is asked for twice")
    const whole = command.reason === "WholeFile"
    const crosses = actor?.kind === "Origin" || actor?.kind === "Group" || actor?.kind === "Internet"
    const isOrigin = actor?.kind === "Origin"
    assert.isTrue(!isOrigin || this.plan.originAllowed, "the origin is asked while it is held back")
    const isRushed = isOrigin && command.reason === "ReaderWaits"
    const needsLease = crosses && !isRushed && !(isOrigin && this.plan.floor !== undefined)
    if (needsLease && !whole && Leases.areFollowed(this.plan)) {
      for (let piece = run.first; piece < run.first + run.count; piece++) {
        assert.isTrue(Leases.isLeased(this.plan, piece), `${piece} comes from ${source} without a lease`)
      }
    }
    if (whole) assert.strictEqual(run.count, this.#pieces)
    else {
      for (let piece = run.first; piece < run.first + run.count; piece++) {
        assert.isTrue(actor !== undefined && Bitfield.has(actor.held, piece), `${source} does not hold ${piece}`)
        const others = this.#open.filter(
          (one) => !one.whole && one.next <= piece && piece < one.run.first + one.run.count && this.#owes(one, piece)
        )
        if (command.reason !== "Endgame")
          assert.deepStrictEqual(others, [], `${piece} is asked of two: ${command.reason}`)
        else assert.isAtMost(Plan.remaining(this.plan), Math.max(3, Math.ceil(this.plan.neededCount / 100)))
      }
    }
    this.#open.push({ source, run, whole, next: run.first })
  }

  /** What came from elsewhere is owed no more, though it is in the run, and may have been bad there. */
  #owes(one: Open, piece: number): boolean {
    const flights = this.plan.sources.get(one.source)?.flights ?? []
    return flights.some((flight) => isSameRun(flight.run, one.run) && hasPending(flight, piece))
  }

  #openOf(source: SourceId, run: PieceRun): Open | undefined {
    return this.#open.find((one) => one.source === source && one.run.first === run.first && one.run.count === run.count)
  }

  #close(one: Open | undefined): void {
    if (one === undefined) return
    this.#open.splice(this.#open.indexOf(one), 1)
    this.#closed = [...this.#closed.slice(-5), one]
  }

  /** The next piece of something that was asked for comes. */
  #answer(): void {
    const one = this.#dice.pick(this.#open)
    const actor = this.#actors.find(({ id }) => id === one?.source)
    if (one === undefined || actor === undefined || actor.dead) return
    if (actor.ignoresRanges && one.run.count !== this.#pieces) {
      this.#close(one)
      return this.#tell({ _tag: "RangesIgnored", source: one.source, run: one.run, now: this.#now })
    }
    const piece = one.next++ as PieceIndex
    if (one.next === one.run.first + one.run.count) this.#close(one)
    const isNew = !Bitfield.has(this.plan.held, piece) && !this.plan.verifying.has(piece)
    if (isNew) this.#verifying.push({ source: one.source, piece })
    this.#tell({
      _tag: "PieceReceived",
      source: one.source,
      piece,
      bytes: this.plan.layout.length(piece),
      now: this.#now
    })
  }

  #verify(): void {
    const [one] = this.#verifying.splice(this.#dice.below(Math.max(1, this.#verifying.length)), 1)
    if (one === undefined) return
    const lies = this.#actors.find(({ id }) => id === one.source)?.lies === true
    const bad = lies && this.#dice.chance(70)
    const _tag = bad ? "PieceBad" : this.#dice.chance(3) ? "PieceLost" : "PieceHeld"
    this.#tell({ _tag, ...one, now: this.#now })
  }

  #tick(elapsed: number): void {
    this.#now += elapsed
    const received = new Map(this.#actors.map(({ id }) => [id, this.plan.sources.get(id)?.delivered ?? 0]))
    this.#tell({ _tag: "Tick", received, now: this.#now })
  }

  #join(actor: Actor): void {
    if (actor.joined && !this.#dice.chance(5)) return
    for (const one of this.#open.filter(({ source }) => source === actor.id)) this.#close(one)
    actor.joined = true
    actor.choked = false
    const { id: source, kind, peer, host, held } = actor
    this.#tell({
      _tag: "SourceJoined",
      source,
      kind,
      peer,
      host,
      held: peer === undefined ? "all" : held,
      now: this.#now
    })
  }

  #leave(actor: Actor): void {
    for (const one of this.#open.filter(({ source }) => source === actor.id)) this.#close(one)
    actor.joined = false
    this.#tell({ _tag: "SourceLeft", source: actor.id, now: this.#now })
  }

  #has(actor: Actor): void {
    if (actor.peer === undefined || !actor.joined) return
    const piece = this.#dice.below(this.#pieces) as PieceIndex
    actor.held = Bitfield.add(actor.held, piece)
    this.#tell({ _tag: "PeerHas", source: actor.id, piece, now: this.#now })
  }

  #holds(actor: Actor): void {
    if (actor.peer === undefined || !actor.joined) return
    actor.held = this.#some(this.#dice.below(101))
    this.#tell({ _tag: "PeerHolds", source: actor.id, held: actor.held, now: this.#now })
  }

  #lease(): void {
    if (this.#dice.chance(20)) return this.#tell({ _tag: "LeasesOff", now: this.#now })
    const runs = () =>
      Array.from({ length: this.#dice.below(4) }, () => ({
        first: this.#dice.below(this.#pieces + 3) - 1,
        count: this.#dice.below(20)
      }))
    this.#tell({ _tag: "Leased", runs: runs(), asked: runs(), now: this.#now })
  }

  /** Readers come, go on, and go; or somebody wants something. */
  #read(): void {
    const dice = this.#dice
    const runs = Array.from({ length: dice.below(5) }, () => ({
      first: dice.below(this.#pieces + 2) - (dice.chance(5) ? 0.5 : 0),
      count: dice.below(dice.chance(20) ? 60 : 6),
      waits: dice.chance(70)
    }))
    const onward = this.plan.reading.flatMap(({ count, first }) =>
      dice.chance(60) ? [{ first: first + dice.below(2), count, waits: dice.chance(80) }] : []
    )
    if (dice.chance(25)) this.#tell({ _tag: "Want", runs, now: this.#now })
    else this.#tell({ _tag: "Reading", runs: [...onward, ...runs.slice(onward.length)], now: this.#now })
    if (dice.chance(30)) this.#tick(dice.pick([500, 2500]) ?? 0)
  }

  #sayNothing(): void {
    const before = this.commands.length
    this.#tell({ _tag: "Reading", runs: [], now: this.#now })
    this.#tell({ _tag: "Want", runs: [{ first: 0, count: this.#pieces }], now: this.#now })
    assert.strictEqual(this.commands.length, before, "what says nothing leads to nothing")
  }

  #choke(actor: Actor): void {
    if (actor.peer === undefined || !actor.joined) return
    actor.choked = !actor.choked
    this.#tell({ _tag: actor.choked ? "Choked" : "Unchoked", source: actor.id, now: this.#now })
  }

  #fail(): void {
    const one = this.#dice.pick(this.#open)
    if (one === undefined) return
    this.#close(one)
    const fatal = this.#dice.chance(10)
    this.#tell({ _tag: "FetchFailed", source: one.source, run: one.run, fatal, reason: "Reset", now: this.#now })
  }

  /** A piece of a fetch that is over comes all the same, and is verified. */
  #arriveLate(): void {
    const late = this.#dice.pick(this.#closed)
    if (late === undefined) return
    const { source, run } = late
    const piece = run.first
    if (
      this.#open.some((one) => one.source === source && one.run.first <= piece && piece < one.run.first + one.run.count)
    )
      return
    this.#tell({ _tag: "PieceReceived", source, piece, bytes: this.plan.layout.length(piece), now: this.#now })
    const lies = this.#actors.find(({ id }) => id === source)?.lies === true
    this.#tell({ _tag: lies ? "PieceBad" : "PieceHeld", source, piece, now: this.#now })
  }

  /** Words that come late, come twice or mean nothing. */
  #noise(): void {
    const dice = this.#dice
    const late = dice.pick(this.#closed)
    const isLate = late !== undefined && this.#openOf(late.source, late.run) === undefined
    const nowhere = { first: 0 as PieceIndex, count: 1 }
    const source = isLate ? late.source : "nobody"
    const run = isLate ? late.run : nowhere
    const now = dice.pick([0, Number.NaN, this.#now]) ?? 0
    const events = noise(this.#pieces, dice, source, run, now)
    const event = dice.pick(events)
    if (event !== undefined) this.#tell(event)
  }

  #some(percent: number): Bitfield.Bitfield {
    const pieces = Array.from({ length: this.#pieces }, (_, piece) => piece as PieceIndex)
    return Bitfield.fromPieces(
      this.#pieces,
      pieces.filter(() => this.#dice.chance(percent))
    )
  }
}

/** Everything a plan says, as text. */
const fingerprint = (plan: Plan.Plan): string =>
  JSON.stringify(plan, (_, value) =>
    value instanceof Map ? [...value] : ArrayBuffer.isView(value) ? Array.from(value as Uint8Array).join() : value
  )
