/** Files by their URL, at rest on the drives of a cache server. */
import type { ContentUrl } from "@piecework/domain/ContentUrl"
import type { DriveSpace } from "@piecework/cache/Drive"
import type { Drives } from "@piecework/cache/Drives"
import type { PieceHasher } from "@piecework/hashing/PieceHasher"
import { Context, type Effect, Layer, type Option, type Scope } from "effect"
import { makeOnDisk } from "./internal/diskObjects.ts"
import { makeMemory } from "./internal/memoryObjects.ts"
import type { ObjectError } from "./ObjectError.ts"
import type { ObjectFacts } from "./ObjectFacts.ts"
import type { StoredObject } from "./StoredObject.ts"

/** A file as its record tells, without a look at its pieces. */
export interface ListedObject {
  readonly facts: ObjectFacts
  readonly heldBytes: number
  /** Epoch milliseconds at which it was last read. */
  readonly usedAt: number
  /** How many times it was opened to be read. */
  readonly uses: number
  /** The folder of its drive. */
  readonly drive: string
}

export type { DriveSpace }

export class Objects extends Context.Service<
  Objects,
  {
    /** The file, if it is here; everybody who has it open shares it. It is not thrown out while it is open. */
    readonly find: (url: ContentUrl) => Effect.Effect<Option.Option<StoredObject>, ObjectError, Scope.Scope>
    /** A new file without pieces, in the place of any that was there: whoever has that open goes on with it, and nobody finds it. */
    readonly create: (facts: ObjectFacts) => Effect.Effect<StoredObject, ObjectError, Scope.Scope>
    /** Forgets it, open or not. */
    readonly remove: (url: ContentUrl) => Effect.Effect<void, ObjectError>
    readonly list: Effect.Effect<ReadonlyArray<ListedObject>, ObjectError>
    readonly drives: Effect.Effect<ReadonlyArray<DriveSpace>>
  }
>()("@piecework/objects/Objects") {
  /** On the drives. */
  static readonly layer: Layer.Layer<Objects, never, Drives | PieceHasher> = Layer.effect(Objects, makeOnDisk)

  /** In memory, with a drive as large as wanted. */
  static readonly layerMemory: Layer.Layer<Objects> = Layer.sync(Objects, () =>
    makeMemory("memory", Number.MAX_SAFE_INTEGER)
  )

  /** The same with a drive of so many bytes. */
  static readonly layerMemoryOf = (size: number): Layer.Layer<Objects> =>
    Layer.sync(Objects, () => makeMemory("memory", size))
}
