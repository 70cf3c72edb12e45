/**
 * Whether the disks take what a download will bring, told before anything is fetched. Where the disk of the cache does not, the bytes
 * lie beside the destination while they arrive, and nothing is kept for peers: a full cache fails no download that could go on.
 */
import { dirname, resolve } from "node:path"
import { type Aside, CacheKeeper } from "@piecework/cache/CacheKeeper"
import { Effect, Option, type Scope } from "effect"
import { DestinationError, StorageError } from "./DownloadError.ts"

export interface Need {
  /** Bytes that are still to come; those that are there already lie in the cache. */
  readonly missing: number
  /** Bytes of the whole. */
  readonly size: number
  /** Of the file; without one there is no place beside it. */
  readonly path: string | undefined
}

/**
 * `None`: in the cache. Without a keeper nobody looks, and the disk says so when it is full.
 */
export const find = Effect.fn("Room.find")(function* (
  keeper: Option.Option<CacheKeeper["Service"]>,
  { missing, path, size }: Need
): Effect.fn.Return<Option.Option<Aside>, StorageError | DestinationError, Scope.Scope> {
  if (Option.isNone(keeper) || size === 0) return Option.none()
  const { aside, makeRoom, space, spaceAt } = keeper.value
  const folder = path === undefined ? undefined : dirname(resolve(path))
  const [here, there] = yield* Effect.all([space, folder === undefined ? Effect.undefined : spaceAt(folder)])
  if (path !== undefined && there !== undefined && there.device !== here?.device && there.free < size) {
    return yield* new DestinationError({ path, reason: "NoRoom", detail: numbers(size, there.free) })
  }
  // A cache that cannot be looked through is no reason not to try.
  const room = yield* Effect.catch(makeRoom(missing), (error) =>
    Effect.as(Effect.logWarning(error), { isEnough: true } as const)
  )
  if (room.isEnough) return Option.none()
  if (folder === undefined || there === undefined || there.free < size) {
    return yield* new StorageError({ reason: "NoRoom", detail: numbers(missing, room.free) })
  }
  yield* Effect.logWarning(
    `The disk that holds the cache has no room for the file (${numbers(missing, room.free)}); it is not kept for peers.`
  )
  return yield* Effect.mapError(
    Effect.asSome(aside(folder)),
    (error) => new StorageError({ reason: "Failed", detail: error.message })
  )
})

/** People compare these with what `df` says. */
const numbers = (needed: number, free: number): string => `${needed} bytes are needed, ${Math.max(0, free)} can be had`
