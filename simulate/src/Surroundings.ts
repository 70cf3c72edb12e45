/** What all clients of a run share: time, chance, wires, the service, and the counters. */
import type { PeerId } from "@piecework/domain/Peer"
import type { PieceLayout } from "@piecework/domain/PieceLayout"
import type { Agenda } from "./Agenda.ts"
import type { Client } from "./Client.ts"
import type { Dice } from "./Dice.ts"
import type { Port } from "./Port.ts"
import type { Scene } from "./Scene.ts"
import type { Service } from "./Service.ts"
import type { Tally } from "./Tally.ts"

/** A site's line to the Internet. */
export interface Line {
  readonly up: Port
  readonly down: Port
}

/** What outlives its processes: the machine with its plug and its disk. */
export interface Device {
  readonly name: string
  readonly site: number
  readonly line: Line
  readonly up: Port
  readonly down: Port
  /** When it was switched on, and when it had all of the file; milliseconds. */
  readonly startsAt: number
  finishedAt: number | undefined
  client: Client | undefined
}

export interface Surroundings {
  readonly scene: Scene
  readonly layout: PieceLayout
  readonly agenda: Agenda
  readonly dice: Dice
  readonly service: Service
  readonly tally: Tally
  /** All processes that ever were. */
  readonly clients: Map<PeerId, Client>
}

/** Epoch milliseconds of virtual time 0. Any date will do; plans and tables know 0 as "never". */
const epoch = 1_000_000_000_000

/** Epoch milliseconds, whole ones as a clock of the system has them. */
export const clock = (agenda: Agenda): number => epoch + Math.floor(agenda.now)

/** Round trip on a LAN, in milliseconds, with what two event loops add to it. */
export const lanRoundTrip = 1

/** Round trip between the devices, in milliseconds: sites are as far from each other as from the origin. */
export const roundTrip = ({ scene }: Surroundings, a: Device, b: Device): number =>
  a.site === b.site ? lanRoundTrip : scene.rttMillis
