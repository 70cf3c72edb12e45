/** One plan, told one thing after the other. */
import * as Bitfield from "@piecework/domain/Bitfield"
import { type DeviceId, idOf, PeerId } from "@piecework/domain/Peer"
import { type PieceIndex, PieceLayout } from "@piecework/domain/PieceLayout"
import type { Command } from "../src/Command.ts"
import { decide } from "../src/Decide.ts"
import type { Event, SourceId, SourceJoined } from "../src/Event.ts"
import * as Plan from "../src/Plan.ts"
import type { Settings } from "../src/Settings.ts"

type Untimed<E> = E extends Event ? Omit<E, "now"> : never

export const pieceSize = 1_048_576
export const deviceOf = (n: number): DeviceId => n.toString(16).padStart(32, "0") as DeviceId
export const peerOf = (n: number, suffix = 0): PeerId => idOf(deviceOf(n), suffix)
export const self = PeerId.make("f".repeat(40))

export class Story {
  plan: Plan.Plan
  now = 1_000_000
  /** What the last event led to. */
  commands: ReadonlyArray<Command> = []

  constructor(
    pieces: number,
    options: {
      readonly seed?: number
      readonly settings?: Partial<Settings>
      readonly awaitsLeases?: boolean
      readonly wanted?: Bitfield.Bitfield
      readonly self?: PeerId
    } = {}
  ) {
    const layout = new PieceLayout({ contentSize: pieces * pieceSize, pieceSize })
    this.plan = Plan.make({ layout, held: Bitfield.empty(pieces), self, seed: 1, ...options })
  }

  tell(event: Untimed<Event>): ReadonlyArray<Command> {
    const [commands, plan] = decide(this.plan, { ...event, now: this.now } as Event)
    this.plan = plan
    return (this.commands = commands)
  }

  /** Joins with the pieces that are named, or all. */
  join(
    source: SourceId,
    kind: SourceJoined["kind"],
    held: ReadonlyArray<number> | "all",
    more: Partial<SourceJoined> = {}
  ) {
    const pieces = held === "all" ? held : Bitfield.fromPieces(this.plan.pieceCount, held as ReadonlyArray<PieceIndex>)
    return this.tell({ _tag: "SourceJoined", source, kind, held: pieces, ...more })
  }

  /** The piece comes and is good. */
  deliver(source: SourceId, piece: number): ReadonlyArray<Command> {
    const commands = this.receive(source, piece)
    return [...commands, ...this.tell({ _tag: "PieceHeld", source, piece: piece as PieceIndex })]
  }

  /** The piece comes and is not. */
  spoil(source: SourceId, piece: number): ReadonlyArray<Command> {
    const commands = this.receive(source, piece)
    return [...commands, ...this.tell({ _tag: "PieceBad", source, piece: piece as PieceIndex })]
  }

  receive(source: SourceId, piece: number): ReadonlyArray<Command> {
    return this.tell({ _tag: "PieceReceived", source, piece: piece as PieceIndex, bytes: pieceSize })
  }

  fail(source: SourceId, fatal = false, reason = "Reset"): ReadonlyArray<Command> {
    const run = this.owed(source)[0] ?? { first: 0 as PieceIndex, count: 1 }
    return this.tell({ _tag: "FetchFailed", source, run, fatal, reason })
  }

  /** Time passes; bytes are told by source, in all. */
  wait(elapsed: number, received: Readonly<Record<SourceId, number>> = {}): ReadonlyArray<Command> {
    this.now += elapsed
    return this.tell({ _tag: "Tick", received: new Map(Object.entries(received)) })
  }

  /** What is under way from the source. */
  owed(source: SourceId) {
    return (this.plan.sources.get(source)?.flights ?? []).map((flight) => flight.run)
  }
}

export const fetchesOf = (commands: ReadonlyArray<Command>, source?: SourceId) =>
  commands.filter((one) => one._tag === "Fetch").filter((one) => source === undefined || one.source === source)

export const cancelsOf = (commands: ReadonlyArray<Command>) => commands.filter((one) => one._tag === "Cancel")
