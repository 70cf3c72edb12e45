/** What is held, wanted and under way, and what is known of the sources. */
import type { Bitfield } from "@piecework/domain/Bitfield"
import type { PeerId } from "@piecework/domain/Peer"
import type { PieceLayout } from "@piecework/domain/PieceLayout"
import { defaults, type Settings } from "./Settings.ts"

export interface Plan {
  readonly layout: PieceLayout
  readonly self: PeerId
  readonly settings: Settings
  /** The pieces held, with those the plan began with. */
  readonly held: Bitfield
}

export const make = (options: {
  readonly layout: PieceLayout
  /** What is held already. */
  readonly held: Bitfield
  /** This client. Shares of the origin go by it, so it must be the id that peers see. */
  readonly self: PeerId
  /** Decides between choices that are equally good; the same seed and events give the same commands. */
  readonly seed: number
  readonly settings?: Partial<Settings> | undefined
}): Plan => ({
  layout: options.layout,
  self: options.self,
  settings: { ...defaults, ...options.settings },
  held: options.held
})

/** Every piece is held. */
export const isFinished = (plan: Plan): boolean => plan.held.bytes.length === 0
