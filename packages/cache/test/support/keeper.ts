/** A cache in a folder with its keeper, on a disk of which the test says how full it is. */
import { CacheConfig, CacheKeeper, PartialFile, PieceCache } from "@piecework/cache"
import { PieceHasher } from "@piecework/hashing/PieceHasher"
import { Host, type Space } from "@piecework/host/Host"
import * as LivePolicy from "@piecework/policy/LivePolicy"
import * as Policy from "@piecework/policy/Policy"
import { Context, Effect, Layer } from "effect"
import type { TestContent } from "./contents.ts"

/** No limits but those that a test says. */
export const unlimited = { DOAbsoluteMaxCacheSize: 0, DOMaxCacheAge: 0 }

export const mebibyte = 1_048_576

export interface Kept {
  readonly keeper: CacheKeeper.CacheKeeper["Service"]
  readonly cache: PieceCache.PieceCache["Service"]
  readonly partials: PartialFile.PartialFiles["Service"]
  readonly settings: LivePolicy.Changing
  readonly set: (values: { readonly [name: string]: unknown }) => void
}

const policyOf = (values: { readonly [name: string]: unknown }) =>
  Policy.resolve([{ provider: "MachineFile", values: { ...unlimited, ...values } }])

export const keptIn = (
  directory: string,
  values: { readonly [name: string]: unknown } = {},
  space: () => Space | undefined = () => undefined
) =>
  Effect.gen(function* () {
    const settings = LivePolicy.changing(policyOf(values))
    const context = yield* Layer.build(
      CacheKeeper.CacheKeeper.layer.pipe(
        Layer.provideMerge(Layer.mergeAll(PieceCache.PieceCache.layer, PartialFile.PartialFiles.layer)),
        Layer.provide([
          CacheConfig.layer({ directory }),
          PieceHasher.layerMemory,
          Host.layerTest({ space }),
          Layer.succeed(LivePolicy.LivePolicy, settings)
        ]),
        Layer.fresh
      )
    )
    return {
      keeper: Context.get(context, CacheKeeper.CacheKeeper),
      cache: Context.get(context, PieceCache.PieceCache),
      partials: Context.get(context, PartialFile.PartialFiles),
      settings,
      set: (changed) => settings.set(policyOf(changed))
    } satisfies Kept
  })

/** Puts the whole content, or its first pieces, as a download does that is over. */
export const fill = (kept: Kept, content: TestContent, pieces = content.pieces.length) =>
  Effect.scoped(
    Effect.gen(function* () {
      const stored = yield* kept.cache.open(content.phf)
      yield* Effect.forEach(content.pieces.slice(0, pieces), (piece) => stored.put(piece, content.piece(piece)))
      yield* kept.keeper.note(content.phf.contentId, {}, pieces === content.pieces.length)
    })
  )
