/** What commands stand on that look at a state folder and would not make one. */
import type { CacheError } from "@piecework/cache/CacheError"
import type { RecordsError } from "@piecework/download/Records"
import * as LivePolicy from "@piecework/policy/LivePolicy"
import type { Policy } from "@piecework/policy/Policy"
import { Failure } from "@piecework/terminal/Failure"
import { Effect, FileSystem, Layer, Option } from "effect"
import * as CachePlace from "../CachePlace.ts"
import { exitCodes } from "../ExitCode.ts"
import { usable } from "../Startup.ts"
import * as Storage from "../Storage.ts"
import { defaultRoot, placesIn } from "@piecework/device/StateFolder"

/** Runs with what is kept in the folder. One that was named has to be there; the usual one may not be yet. */
export const withStored =
  (state: Option.Option<string>, policy: Policy) =>
  <A, R>(effect: Effect.Effect<A, CacheError | RecordsError | Failure, R>) =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const root = Option.getOrElse(state, () => defaultRoot(process.env))
      yield* usable(root)
      const isThere = yield* Effect.orElseSucceed(fs.exists(root), () => false)
      if (Option.isSome(state) && !isThere) {
        return yield* new Failure({
          sentence: `There is no state folder ${root}; nothing was downloaded with it yet.`,
          code: exitCodes.notFound
        })
      }
      const places = placesIn(root)
      const cache = (yield* CachePlace.named(policy)) ?? places.cache
      const layer = Storage.stored({ ...places, cache }).pipe(Layer.provideMerge(LivePolicy.layerConstant(policy)))
      return yield* Effect.mapError(Effect.provide(effect, layer), (error) =>
        error instanceof Failure ? error : new Failure({ sentence: error.message, code: exitCodes.storage })
      )
    })
