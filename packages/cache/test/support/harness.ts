/** The same surroundings for the layers in memory and on disk: a cache, partial files, and a folder to export to. */
import { CacheConfig, DrivenCache, type Drive, Drives, MemoryFiles, PartialFile, PieceCache } from "@piecework/cache"
import { HasherConfig } from "@piecework/hashing"
import { PieceHasher } from "@piecework/hashing/PieceHasher"
import { Host, type Space } from "@piecework/host/Host"
import { Context, Effect, Layer, Option } from "effect"
import * as fs from "node:fs"
import * as path from "node:path"
import { tempFolder } from "./folders.ts"

/** Where contents are exported to. */
export class Outside extends Context.Service<
  Outside,
  {
    readonly pathOf: (name: string) => string
    readonly read: (name: string) => Effect.Effect<Option.Option<Uint8Array>>
    /** What an export left, temporary files included. */
    readonly names: Effect.Effect<ReadonlyArray<string>>
  }
>()("@piecework/cache/test/Outside") {}

type Harness = Layer.Layer<PieceCache.PieceCache | PartialFile.PartialFiles | Outside>

const inMemory: Harness = Layer.effect(
  Outside,
  Effect.map(MemoryFiles.MemoryFiles, (files) => ({
    pathOf: (name) => `/outside/${name}`,
    read: (name) => files.get(`/outside/${name}`),
    names: Effect.map(files.list, (paths) => paths.map((file) => path.basename(file)).toSorted())
  }))
).pipe(Layer.provideMerge(Layer.mergeAll(PieceCache.PieceCache.layerMemory, PartialFile.PartialFiles.layerMemory)))

const onDisk: Harness = Layer.unwrap(
  Effect.map(tempFolder, (folder) => {
    const outside = path.join(folder, "outside")
    fs.mkdirSync(outside)
    return Layer.mergeAll(diskLayer(path.join(folder, "cache")), Layer.succeed(Outside, outsideAt(outside)))
  })
)

const outsideAt = (folder: string): Outside["Service"] => ({
  pathOf: (name) => path.join(folder, name),
  read: (name) =>
    Effect.sync(() => {
      const file = path.join(folder, name)
      return fs.existsSync(file) ? Option.some(new Uint8Array(fs.readFileSync(file))) : Option.none()
    }),
  names: Effect.sync(() => fs.readdirSync(folder).toSorted())
})

/** Two drives with room for anything. */
const onDrives: Harness = Layer.unwrap(
  Effect.map(tempFolder, (folder) => {
    const outside = path.join(folder, "outside")
    fs.mkdirSync(outside)
    const settings = ["one", "two"].map((name) => ({ folder: path.join(folder, name), size: 0 }))
    return Layer.mergeAll(
      drivenLayer(settings),
      PartialFile.PartialFiles.layer.pipe(
        Layer.provide([CacheConfig.layer({ directory: path.join(folder, "cache") }), PieceHasher.layerMemory])
      ),
      Layer.succeed(Outside, outsideAt(outside))
    )
  })
)

/** A disk with room for any test. */
export const roomy = (): Space => ({ total: 2 ** 40, free: 2 ** 39, device: 1 })

/** A cache on these drives, hashing on this thread; every call makes another instance. */
export const drivenLayer = (
  settings: ReadonlyArray<Drive.DriveSettings>,
  space: (folder: string) => Space | undefined = roomy
): Layer.Layer<PieceCache.PieceCache | Drives.Drives> =>
  DrivenCache.layer.pipe(
    Layer.provideMerge(Drives.Drives.layer(settings)),
    Layer.provide([PieceHasher.layerMemory, Host.layerTest({ space })]),
    Layer.fresh
  )

/** A cache and partial files in this folder, hashing on this thread; every call makes another instance. */
export const diskLayer = (directory: string): Layer.Layer<PieceCache.PieceCache | PartialFile.PartialFiles> =>
  Layer.mergeAll(PieceCache.PieceCache.layer, PartialFile.PartialFiles.layer).pipe(
    Layer.provide([CacheConfig.layer({ directory }), PieceHasher.layerMemory]),
    Layer.fresh
  )

/** A cache in this folder, for as long as the scope lasts. */
export const cacheIn = (directory: string) =>
  Effect.map(Layer.build(diskLayer(directory)), (context) => Context.get(context, PieceCache.PieceCache))

/** The same with the hasher's workers, which take every input that lies where they can reach it. */
export const cacheWithWorkersIn = (directory: string) =>
  Effect.map(
    Layer.build(
      PieceCache.PieceCache.layer.pipe(
        Layer.provide(CacheConfig.layer({ directory })),
        Layer.provide(PieceHasher.layer),
        Layer.provide(HasherConfig.layer({ workers: 2, workerMinimum: 0 })),
        Layer.fresh
      )
    ),
    (context) => Context.get(context, PieceCache.PieceCache)
  )

/** Partial files in this folder, for as long as the scope lasts. */
export const partialsIn = (directory: string) =>
  Effect.map(Layer.build(diskLayer(directory)), (context) => Context.get(context, PartialFile.PartialFiles))

export const harnesses: ReadonlyArray<readonly [name: string, layer: Harness]> = [
  ["in memory", inMemory],
  ["on disk", onDisk],
  ["on drives", onDrives]
]
