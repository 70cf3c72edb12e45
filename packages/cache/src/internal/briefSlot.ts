/** A partial file that is small and in memory until it is placed; nothing of it is left for a later holder. */
import { Effect, Option } from "effect"
import type { ExportError } from "../CacheError.ts"
import { sha256 } from "./bytes.ts"
import type { Slot } from "./Shelf.ts"

export type Put = (bytes: Uint8Array, path: string, overwrite: boolean) => Effect.Effect<void, ExportError>

/** One piece long at most: who writes a second one is a bug. */
export const briefSlot = (put: Put): Slot => {
  let data = new Uint8Array(0)
  const clear = () => void (data = new Uint8Array(0))
  return {
    size: 0,
    digests: new Uint8Array(0),
    write: (piece, bytes) =>
      Effect.suspend(() => {
        if (piece !== 0) return Effect.die(new RangeError(`piece ${piece} of a file of one piece`))
        data = bytes.slice()
        return Effect.succeed(sha256(data))
      }),
    digestAt: () => Effect.succeed(Option.none()),
    cut: () => Effect.void,
    place: (size, path, overwrite) => Effect.map(put(data.subarray(0, size), path, overwrite), clear),
    remove: Effect.sync(clear)
  }
}
