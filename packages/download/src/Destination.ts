/** Whether a file could appear at a path, told before the first byte is fetched. */
import { Context, Effect, FileSystem, Layer, Option, Path, type PlatformError, Result } from "effect"
import { DestinationError } from "./DownloadError.ts"

export class Destination extends Context.Service<
  Destination,
  {
    /** Fails when the file is there and may not be replaced, or its folder is not there or cannot be written. */
    readonly check: (path: string, options: { readonly overwrite: boolean }) => Effect.Effect<void, DestinationError>
  }
>()("@piecework/download/Destination") {
  static readonly layer: Layer.Layer<Destination, never, FileSystem.FileSystem | Path.Path> = Layer.effect(
    Destination,
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const paths = yield* Path.Path

      const kindAt = (path: string) =>
        fs.stat(path).pipe(
          Effect.map((info) => Option.some(info.type)),
          Effect.catchIf(isNotFound, () => Effect.succeedNone)
        )

      return Destination.of({
        check: Effect.fn("Destination.check")(
          function* (path, { overwrite }) {
            const refused = (reason: DestinationError["reason"]) => new DestinationError({ path, reason })
            const folder = paths.dirname(paths.resolve(path))
            // Together: each is a trip to another thread, and what is small waits for little else.
            const [above, there, writable] = yield* Effect.all(
              [kindAt(folder), Effect.result(kindAt(path)), Effect.result(fs.access(folder, { writable: true }))],
              { concurrency: "unbounded" }
            )
            if (Option.isNone(above) || above.value !== "Directory") return yield* refused("NoFolder")
            const kind = yield* Effect.fromResult(there)
            if (Option.isSome(kind)) {
              if (kind.value === "Directory") return yield* refused("NotAFile")
              if (!overwrite) return yield* refused("Exists")
            }
            if (Result.isFailure(writable)) return yield* refused("Denied")
          },
          (effect, path) =>
            Effect.catchTag(effect, "PlatformError", (error) =>
              Effect.fail(
                codeOf(error) === "ENAMETOOLONG"
                  ? new DestinationError({ path, reason: "NameTooLong" })
                  : isDenied(error)
                    ? new DestinationError({ path, reason: "Denied" })
                    : new DestinationError({ path, reason: "Failed", detail: error.message })
              )
            )
        )
      })
    })
  )

  /** Takes every path. */
  static readonly layerAny: Layer.Layer<Destination> = Layer.succeed(Destination, { check: () => Effect.void })
}

const isNotFound = (error: PlatformError.PlatformError) => error.reason._tag === "NotFound"
/** The system's own word for it. */
const codeOf = (error: PlatformError.PlatformError): unknown => {
  const { cause } = error.reason
  return typeof cause === "object" && cause !== null && "code" in cause ? cause.code : undefined
}
const isDenied = (error: PlatformError.PlatformError) => error.reason._tag === "PermissionDenied"
