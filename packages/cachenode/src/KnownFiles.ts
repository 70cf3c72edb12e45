/**
 * Which URLs have which content, as the service said it once, and what the origin said of the file then: so that a content that lies
 * here is answered at once, also while the service is away. One small file for each URL, named by its SHA-256, written whole or not at all;
 * those that were not written for longest go first. What is read from the disk is believed only if it is of this URL.
 */
import { createHash } from "node:crypto"
import { ContentId } from "@piecework/domain/Content"
import { ContentUrl } from "@piecework/domain/ContentUrl"
import { Context, Effect, FileSystem, Layer, Option, Path, Schema } from "effect"

const KnownFileSchema = Schema.Struct({
  url: ContentUrl,
  contentId: ContentId,
  size: Schema.Natural,
  /** What the origin said of it: names in small letters, and values. */
  headers: Schema.Array(Schema.Tuple([Schema.String, Schema.String])),
  /** Epoch milliseconds at which it did. */
  confirmedAt: Schema.Natural
})
export type KnownFile = typeof KnownFileSchema.Type

const Json = Schema.fromJsonString(KnownFileSchema)

/** Bytes of one such file, at most: a URL of 4 KiB and headers of 16 KiB, with room for how JSON writes them. */
const maxBytes = 131_072

export interface KnownFilesOptions {
  /** Folder of its own; made when missing. */
  readonly directory: string
  /** Most URLs. Default 20,000. */
  readonly maxFiles?: number | undefined
}

export class KnownFiles extends Context.Service<
  KnownFiles,
  {
    readonly find: (url: ContentUrl) => Effect.Effect<Option.Option<KnownFile>>
    /** What cannot be written is remembered until the process ends. */
    readonly remember: (file: KnownFile) => Effect.Effect<void>
    readonly forget: (url: ContentUrl) => Effect.Effect<void>
  }
>()("@piecework/cachenode/KnownFiles") {
  static readonly layerMemory: Layer.Layer<KnownFiles> = Layer.sync(KnownFiles, () => {
    const files = new Map<ContentUrl, KnownFile>()
    return KnownFiles.of({
      find: (url) => Effect.sync(() => Option.fromNullishOr(files.get(url))),
      remember: (file) => Effect.sync(() => void remember(files, file.url, file)),
      forget: (url) => Effect.sync(() => void files.delete(url))
    })
  })

  /** On disk. */
  static readonly layer = ({
    directory,
    maxFiles = 20_000
  }: KnownFilesOptions): Layer.Layer<KnownFiles, never, FileSystem.FileSystem | Path.Path> =>
    Layer.effect(
      KnownFiles,
      Effect.gen(function* () {
        const fs = yield* FileSystem.FileSystem
        const path = yield* Path.Path
        // What was looked up lately, and what is not there.
        const looked = new Map<ContentUrl, Option.Option<KnownFile>>()
        const fileOf = (url: ContentUrl) =>
          path.join(directory, `${createHash("sha256").update(url).digest("hex")}.json`)

        yield* told(fs.makeDirectory(directory, { recursive: true }), undefined)
        const names = (yield* told(fs.readDirectory(directory), [])).filter((name) => /^[0-9a-f]{64}\.json$/.test(name))
        const aged = yield* Effect.forEach(
          names,
          (name) =>
            Effect.map(Effect.option(fs.stat(path.join(directory, name))), (info) => ({
              file: path.join(directory, name),
              at: Option.flatMap(info, ({ mtime }) => mtime).pipe(Option.match({ onNone: () => 0, onSome: Number }))
            })),
          { concurrency: 16 }
        )
        /** Those on disk, the oldest first. */
        const onDisk = new Set(aged.toSorted((a, b) => a.at - b.at).map(({ file }) => file))

        const read = (url: ContentUrl) =>
          Effect.gen(function* () {
            const file = fileOf(url)
            if (!onDisk.has(file)) return Option.none()
            const { size } = yield* fs.stat(file)
            if (size > BigInt(maxBytes)) return Option.none()
            const found = Schema.decodeOption(Json)(yield* fs.readFileString(file))
            return Option.filter(found, (known) => known.url === url)
          }).pipe((reading) => told(reading, Option.none<KnownFile>()))

        const write = (known: KnownFile) =>
          Effect.gen(function* () {
            const file = fileOf(known.url)
            const text = Schema.encodeSync(Json)(known)
            if (Buffer.byteLength(text) > maxBytes) return
            yield* fs.writeFileString(`${file}.part`, text)
            yield* fs.rename(`${file}.part`, file)
            onDisk.delete(file)
            onDisk.add(file)
            for (const oldest of onDisk) {
              if (onDisk.size <= maxFiles) break
              onDisk.delete(oldest)
              yield* fs.remove(oldest, { force: true })
            }
          })

        return KnownFiles.of({
          find: (url) =>
            Effect.suspend(() => {
              const known = looked.get(url)
              if (known !== undefined) return Effect.succeed(known)
              return Effect.tap(read(url), (found) => Effect.sync(() => remember(looked, url, found)))
            }),
          remember: (known) =>
            Effect.suspend(() => {
              remember(looked, known.url, Option.some(known))
              return told(write(known), undefined)
            }),
          forget: (url) =>
            Effect.suspend(() => {
              remember(looked, url, Option.none())
              onDisk.delete(fileOf(url))
              return told(fs.remove(fileOf(url), { force: true }), undefined)
            })
        })
      })
    )
}

/** What the disk refuses is told, and does without. */
const told = <A, E extends { readonly message: string }, R>(
  effect: Effect.Effect<A, E, R>,
  instead: A
): Effect.Effect<A, never, R> =>
  Effect.catch(effect, (error) =>
    Effect.as(Effect.logWarning("What is known of URLs cannot be kept.", error.message), instead)
  )

/** Looked-up URLs in memory. */
const maxLooked = 10_000

const remember = <A>(map: Map<ContentUrl, A>, url: ContentUrl, value: A): void => {
  map.delete(url)
  map.set(url, value)
  if (map.size <= maxLooked) return
  const [oldest] = map.keys()
  if (oldest !== undefined) map.delete(oldest)
}
