/** What the client keeps: the state folder, the cache where the settings say, and the records. */
import { availableParallelism } from "node:os"
import { CacheConfig, CacheKeeper, PartialFile, PieceCache } from "@piecework/cache"
import { defaultRoot, StateFolder } from "@piecework/device/StateFolder"
import { Records } from "@piecework/download"
import { HasherConfig, PieceHasher } from "@piecework/hashing"
import { Output } from "@piecework/terminal/Output"
import { Effect, Layer, Option } from "effect"
import * as CachePlace from "./CachePlace.ts"
import * as DevicePolicy from "./DevicePolicy.ts"

/** What is kept in a state folder that is there; makes nothing by itself. */
export const stored = (
  { cache, records }: { readonly cache: string; readonly records: string },
  hasher?: Partial<HasherConfig.HasherConfig["Service"]>
) =>
  Layer.mergeAll(
    CacheKeeper.CacheKeeper.layer.pipe(
      Layer.provideMerge(Layer.mergeAll(PieceCache.PieceCache.layer, PartialFile.PartialFiles.layer)),
      Layer.provide([CacheConfig.layer({ directory: cache }), DevicePolicy.thisHost])
    ),
    Records.Records.layer(records)
  ).pipe(Layer.provideMerge(PieceHasher.PieceHasher.layer), Layer.provide(HasherConfig.layer(hasher)))

export interface Options {
  readonly state: Option.Option<string>
  /** Where the cache lies, when the settings name a folder. */
  readonly cache: string | undefined
  /** Whether the command is of use without what outlives it. */
  readonly mayForget: boolean
  /** Whether it fetches at once: a thread that hashes starts while the origin is asked then. */
  readonly fetches: boolean
  /** Whether somebody may ask for a content at any moment and wait for its first byte: then that thread is there already. */
  readonly isAsked?: boolean | undefined
}

/** The state folder, and what is kept in it. A download that was given none of its own goes on without the usual one. */
export const layer = ({ cache, fetches, isAsked = false, mayForget, state }: Options) => {
  // On one core they would only take the time of the request.
  const hasher = { startedAhead: (fetches || isAsked) && availableParallelism() > 1 ? 1 : 0 }
  const folder = StateFolder.layer(Option.getOrElse(state, () => defaultRoot(process.env)))
  const usable =
    mayForget && Option.isNone(state)
      ? Layer.catchTag(folder, "StateFolderError", (error) =>
          Layer.unwrap(
            Effect.as(
              Effect.flatMap(Output, (output) =>
                output.note(
                  `piecework: The state folder ${error.path} cannot be used (${error.why}); a temporary one is, so an interrupted download begins anew.`
                )
              ),
              StateFolder.layerTemporary
            )
          )
        )
      : folder
  return Layer.unwrap(
    Effect.map(StateFolder, (places) => {
      const place = cache ?? places.cache
      return takenAlong(places.root, place).pipe(Layer.provideMerge(stored({ ...places, cache: place }, hasher)))
    })
  ).pipe(Layer.provideMerge(usable))
}

/** What lies where the cache was before comes along; what takes a copy while others begin already. */
const takenAlong = (root: string, to: string) =>
  Layer.effectDiscard(Effect.flatMap(CachePlace.takeAlong(root, to), Effect.forkScoped))
