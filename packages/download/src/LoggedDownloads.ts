/**
 * A downloader that leaves an entry in the log at the end of each download, however it ends: what an analysis of the log reads.
 * Downloads go as they went without.
 */
import { usesPeers } from "@piecework/domain/DownloadMode"
import type { DownloadEnded } from "@piecework/logs/Events"
import * as Journal from "@piecework/logs/Journal"
import { Cause, Clock, Effect, Exit, Layer, Option } from "effect"
import { DownloadConfig } from "./DownloadConfig.ts"
import type { DownloadError } from "./DownloadError.ts"
import { Downloader } from "./Downloader.ts"
import { type DownloadRequest, priorityOf } from "./DownloadRequest.ts"
import type { Progress } from "./Progress.ts"

/** In the place of the downloader that it is given. */
export const layer: Layer.Layer<Downloader, never, Downloader | DownloadConfig> = Layer.effect(
  Downloader,
  Effect.gen(function* () {
    const inner = yield* Downloader
    const { minContentSize } = yield* DownloadConfig

    const tell = Effect.fn("LoggedDownloads.tell")(function* (
      request: Pick<DownloadRequest, "url" | "priority">,
      look: Progress,
      began: number,
      outcome: DownloadEnded["outcome"],
      error?: DownloadError
    ) {
      const durationMillis = (yield* Clock.currentTimeMillis) - began
      const said = (): DownloadEnded => ({
        event: "download",
        file: look.contentId ?? "",
        url: request.url,
        outcome,
        isForeground: priorityOf(request) === "Foreground",
        fileBytes: look.fileBytes ?? 0,
        minPeerBytes: minContentSize,
        // The mode of one that failed before is only what was asked for.
        isEligible: look.why !== undefined && usesPeers(look.mode),
        mode: look.mode,
        why: look.why?.reason ?? "",
        peersFound: look.named ?? 0,
        received: look.received,
        sent: look.sent,
        durationMillis
      })
      yield* Journal.note(
        () => [sentences[outcome], said(), ...(error === undefined ? [] : [error])],
        outcome === "Failed" ? "Warn" : "Info"
      )
    })

    return Downloader.of({
      open: Effect.fnUntraced(function* (request) {
        const began = yield* Clock.currentTimeMillis
        let progress: (() => Progress) | undefined
        // Runs once it is closed.
        yield* Effect.addFinalizer(() => {
          const look = progress?.()
          if (look === undefined || look.requestedBytes === 0) return Effect.void
          const isHere = look.requestedBytes !== undefined && look.heldBytes >= look.requestedBytes
          return tell(request, look, began, isHere ? "Completed" : "Interrupted")
        })
        const content = yield* inner.open(request)
        progress = content.progress
        return content
      }),
      start: Effect.fnUntraced(function* (request) {
        const began = yield* Clock.currentTimeMillis
        let progress: (() => Progress) | undefined
        let isTold = false
        const once = (outcome: DownloadEnded["outcome"], error?: DownloadError) =>
          Effect.suspend(() => {
            if (isTold || progress === undefined) return Effect.void
            isTold = true
            return tell(request, progress(), began, outcome, error)
          })
        yield* Effect.addFinalizer(() => once("Interrupted"))
        const active = yield* inner.start(request)
        progress = active.progress
        // Before the caller goes on, who may close the scope at once.
        const told = <A>(ending: Effect.Effect<A, DownloadError>) =>
          Effect.onExit(ending, (exit) => {
            if (Exit.isSuccess(exit)) return once("Completed")
            const failure = Option.getOrUndefined(Cause.findErrorOption(exit.cause))
            return failure === undefined ? Effect.void : once("Failed", failure)
          })
        const result = told(active.result)
        yield* result.pipe(Effect.exit, Effect.forkScoped)
        return { ...active, result, arrived: told(active.arrived) }
      })
    })
  })
)

const sentences = {
  Completed: "A download is complete.",
  Failed: "A download failed.",
  Interrupted: "A download was interrupted."
} as const satisfies Record<DownloadEnded["outcome"], string>
