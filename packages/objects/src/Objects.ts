/** Files by their URL, at rest on the drives of a cache server. */
import type { ContentUrl } from "@piecework/domain/ContentUrl"
import { Context, type Effect, Layer, type Option, type Scope } from "effect"
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

/** A drive as it is now. */
export interface DriveSpace {
  readonly folder: string
  /** Bytes that it may hold. */
  readonly size: number
  /** Bytes that it holds, contents known to the service included. */
  readonly used: number
  /** Why nothing is kept there at present. */
  readonly problem: string | undefined
}

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
  /** In memory, with a drive as large as wanted. */
  static readonly layerMemory: Layer.Layer<Objects> = Layer.sync(Objects, () =>
    makeMemory("memory", Number.MAX_SAFE_INTEGER)
  )

  /** The same with a drive of so many bytes. */
  static readonly layerMemoryOf = (size: number): Layer.Layer<Objects> =>
    Layer.sync(Objects, () => makeMemory("memory", size))
}
