/** One drive of a cache server: a folder, how much may lie in it, and what does. */
import type { Effect, Scope } from "effect"
import { Schema } from "effect"
import type { Kind, Lodging, Use } from "./Lodging.ts"

/** How much a drive may hold. */
export interface DriveSettings {
  /** Folder of the drive; made when missing, for this user alone. */
  readonly folder: string
  /** Bytes; 0: as much as its disk allows. */
  readonly size: number
}

/** A drive as it is now. Sizes are bytes. */
export interface DriveSpace {
  readonly folder: string
  /** What it may hold. */
  readonly size: number
  /** What it holds, and what its names and records take. */
  readonly used: number
  /** Why nothing is kept there at present. */
  readonly problem: string | undefined
}

/** Nothing that may leave is enough. */
export class DriveFull extends Schema.TaggedError<DriveFull>()("DriveFull", {
  folder: Schema.String,
  /** Bytes that were to be written. */
  bytes: Schema.Natural
}) {
  override get message(): string {
    return `The drive ${this.folder} has no room for ${this.bytes} bytes, whatever leaves.`
  }
}

/** Someone who keeps things on drives. */
export interface Tenant {
  readonly kind: Kind
  /** Deletes what has that name, unless somebody opened it meanwhile; nothing there is fine. */
  readonly remove: (drive: Drive, lodging: Lodging) => Effect.Effect<void, SystemFailure>
  /** Looks through the drive for what earlier processes left, and tells it to the drive by `lodge`. */
  readonly scan: (drive: Drive) => Effect.Effect<void, SystemFailure>
}

/** What the system says, by its own word where it has one. */
export interface SystemFailure {
  readonly code?: string | undefined
}

export interface Drive {
  /** As a full path. */
  readonly folder: string
  readonly space: () => DriveSpace
  /** Whether what lies there can be used now. */
  readonly isReadable: () => boolean
  readonly find: (kind: Kind, name: string) => Lodging | undefined
  /** What has that name, counted from now on if it was not. */
  readonly lodge: (kind: Kind, name: string, use?: Use) => Lodging
  /** Its folder is gone. */
  readonly leave: (lodging: Lodging) => void
  /** Counts what it takes on the disk. */
  readonly resize: (lodging: Lodging, bytes: number) => void
  /** Keeps it from leaving as long as the scope lasts; notes its use in its folder at the end of the last. */
  readonly hold: (lodging: Lodging) => Effect.Effect<void, never, Scope.Scope>
  /**
   * Writes so many bytes, for which the least useful leave. When the disk is full all the same more of them leave, and it
   * is tried once more. A failure of the disk is noted. `undefined`: the work itself counts them. Nobody may hold what `Tenant.remove`
   * waits for. Not interrupted half way.
   */
  readonly write: <A, E extends object, R>(
    lodging: Lodging | undefined,
    bytes: number,
    work: Effect.Effect<A, E, R>
  ) => Effect.Effect<A, E | DriveFull, R>
  /** Takes note of a failure, if it is the drive's: then nothing is kept there until it was looked at again. */
  readonly report: (failure: object) => Effect.Effect<void>
  /** All that was left by earlier processes is counted. */
  readonly scanned: Effect.Effect<void>
}
