/** What lies on a drive of a cache server as far as the drive needs to know: how much it takes, and how useful it is. */
import { join } from "node:path"
import type { Lodged } from "./DriveRules.ts"

/** Contents known to the service, and files by their URL. */
export type Kind = "contents" | "objects"

/** Of what was used: when it was last read (epoch milliseconds), and how often it was opened. */
export interface Use {
  readonly usedAt: number
  readonly uses: number
}

export class Lodging implements Lodged {
  readonly kind: Kind
  /** Its folder's name. */
  readonly name: string
  bytes = 0
  usedAt: number
  uses: number
  /** How many have it open. */
  openings = 0
  /** What its folder says of its use. */
  noted: Use

  constructor(kind: Kind, name: string, use: Use) {
    this.kind = kind
    this.name = name
    this.usedAt = use.usedAt
    this.uses = use.uses
    this.noted = use
  }

  get isOpen(): boolean {
    return this.openings > 0
  }
}

/** Its folder on the drive in that folder; files by their URL are many, so 256 folders share them. */
export const folderOf = (drive: string, { kind, name }: Pick<Lodging, "kind" | "name">): string =>
  kind === "contents" ? join(drive, kind, name) : join(drive, kind, name.slice(0, 2), name)
