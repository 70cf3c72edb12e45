/** The contents that the service of this device knows, downloaded as all that the device downloads: counted, recorded and reported alike. */
import { Cloud } from "@piecework/cloud/Cloud"
import { type DownloadMode, usesServices } from "@piecework/domain/DownloadMode"
import type { DownloadError } from "@piecework/download/DownloadError"
import { Downloader } from "@piecework/download/Downloader"
import { Effect, Layer, Option, Result, Stream } from "effect"
import { ContentError, Contents, type Knowledge } from "./Contents.ts"

const unknown: Knowledge = { _tag: "Unknown" }

/** `mode` is asked for each content. Without a `Cloud` in the context none is known. */
export const layer = (mode: Effect.Effect<DownloadMode>): Layer.Layer<Contents, never, Downloader> =>
  Layer.effect(
    Contents,
    Effect.gen(function* () {
      const downloader = yield* Downloader
      const cloud = yield* Effect.serviceOption(Cloud)
      return Contents.of({
        known: Effect.fn("SwarmContents.known")(function* (url) {
          if (Option.isNone(cloud) || !usesServices(yield* mode)) return unknown
          const found = yield* Effect.result(cloud.value.lookup({ url }))
          if (Result.isSuccess(found)) {
            const { contentId, contentSize: size } = found.success.policy
            return { _tag: "Known", contentId, size }
          }
          return found.failure.reason === "ContentHalted" ? { _tag: "Halted" } : unknown
        }),

        open: Effect.fn("SwarmContents.open")(function* ({ contentId, isWhole, url }) {
          const failed = (error: DownloadError) =>
            new ContentError({
              url,
              reason: error._tag === "HaltedError" ? "Halted" : "Failed",
              detail: error.message
            })
          const opening = downloader.open({ url, contentId, isWhole, mode: yield* mode, asker: { door: "proxy" } })
          const content = yield* Effect.mapError(opening, failed)
          const { size } = content
          if (content.contentId !== contentId || size === undefined) {
            const { why } = content.progress()
            return yield* new ContentError({
              url,
              reason: "Unknown",
              detail: why?.detail ?? why?.reason ?? "no hashes"
            })
          }
          return { size, read: (part) => Stream.mapError(content.read(part), failed) }
        })
      })
    })
  )
