/** Where the layers in memory export to: files by path, in folders that all exist. Tests look here for what arrived. */
import { Context, Effect, Layer, Option } from "effect"
import * as path from "node:path"
import { ExportError } from "./CacheError.ts"

export class MemoryFiles extends Context.Service<
  MemoryFiles,
  {
    /** The bytes of a file; `None` when there is none. */
    readonly get: (path: string) => Effect.Effect<Option.Option<Uint8Array>>
    /** Puts a file there; fails with `Exists` when there is one and `overwrite` was not asked for. */
    readonly put: (
      path: string,
      bytes: Uint8Array,
      options?: { readonly overwrite?: boolean | undefined }
    ) => Effect.Effect<void, ExportError>
    /** Absolute paths, in the order in which the files came. */
    readonly list: Effect.Effect<ReadonlyArray<string>>
  }
>()("@piecework/cache/MemoryFiles") {
  static readonly layer = Layer.sync(MemoryFiles, () => {
    const files = new Map<string, Uint8Array>()
    return MemoryFiles.of({
      get: (name) => Effect.sync(() => Option.fromUndefinedOr(files.get(path.resolve(name)))),
      put: (name, bytes, options) =>
        Effect.suspend(() => {
          const file = path.resolve(name)
          if (files.has(file) && options?.overwrite !== true) return new ExportError({ path: name, reason: "Exists" })
          files.set(file, bytes)
          return Effect.void
        }),
      list: Effect.sync(() => [...files.keys()])
    })
  })
}
