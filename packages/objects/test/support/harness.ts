/** The same surroundings for the layers in memory and on disk. */
import type { DriveSettings } from "@piecework/cache/Drive"
import { Drives } from "@piecework/cache/Drives"
import { PieceHasher } from "@piecework/hashing/PieceHasher"
import { Host, type Space } from "@piecework/host/Host"
import { Context, Effect, Layer } from "effect"
import { Objects } from "../../src/Objects.ts"
import { tempFolder } from "./folders.ts"

/** By name: the layer with a drive of so many bytes. */
export const harnesses: ReadonlyArray<readonly [string, (size: number) => Layer.Layer<Objects>]> = [
  ["in memory", Objects.layerMemoryOf],
  [
    "on disk",
    (size) => Layer.unwrap(Effect.map(tempFolder, (folder) => diskLayer([{ folder: `${folder}/drive`, size }], roomy)))
  ]
]

/** A disk with room for any test. */
export const roomy = (): Space => ({ total: 2 ** 40, free: 2 ** 39, device: 1 })

/** Files on these drives, hashed on this thread; every call makes another instance. */
export const diskLayer = (
  drives: ReadonlyArray<DriveSettings>,
  space?: (folder: string) => Space | undefined
): Layer.Layer<Objects | Drives> =>
  Objects.layer.pipe(
    Layer.provideMerge(Drives.layer(drives)),
    Layer.provide([PieceHasher.layerMemory, space === undefined ? Host.layer() : Host.layerTest({ space })]),
    Layer.fresh
  )

/** The same for as long as the scope lasts. */
export const objectsOn = (drives: ReadonlyArray<DriveSettings>, space?: (folder: string) => Space | undefined) =>
  Effect.map(Layer.build(diskLayer(drives, space)), (context) => Context.get(context, Objects))
