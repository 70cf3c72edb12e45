/**
 * A downloader that notes down what became of its downloads, for the service. A download goes as it went without: what cannot be noted is
 * logged, and nothing waits for a network. Where its bytes came from is noted once, whether it completes, fails or is interrupted.
 */
import { randomBytes } from "node:crypto"
import type { ReportEvent } from "@piecework/cloud/ReportRpcs"
import { Downloader } from "@piecework/download/Downloader"
import type { Progress } from "@piecework/download/Progress"
import { Cause, Clock, Effect, Exit, Fiber, Layer, Option } from "effect"
import * as DownloadEvents from "./DownloadEvents.ts"
import { Outbox } from "./Outbox.ts"
import { ReportedDownloadsConfig } from "./ReportedDownloadsConfig.ts"

/** In the place of the downloader that it is given. */
export const layer: Layer.Layer<Downloader, never, Downloader | Outbox | ReportedDownloadsConfig> = Layer.effect(
  Downloader,
  Effect.gen(function* () {
    const inner = yield* Downloader
    const outbox = yield* Outbox
    const config = yield* ReportedDownloadsConfig
    const put = (event: ReportEvent) => outbox.put(event).pipe(Effect.catch((error) => Effect.logWarning(error)))

    return Downloader.of({
      open: Effect.fnUntraced(function* (request) {
        const began = yield* Clock.currentTimeMillis
        const jobID = randomBytes(16).toString("hex")
        let progress: (() => Progress) | undefined
        const told = (look: Progress): DownloadEvents.Told => ({ ...config, jobID, request, progress: look, began })
        // Runs once it is closed. What was read in parts is told of when it is known that something was.
        yield* Effect.addFinalizer(() =>
          Effect.gen(function* () {
            const look = progress?.()
            if (look === undefined || look.requestedBytes === 0) return
            if (request.isWhole === false) yield* put(DownloadEvents.started(told(look)))
            const isHere = look.requestedBytes !== undefined && look.heldBytes >= look.requestedBytes
            const ending: DownloadEvents.Ending = { _tag: isHere ? "Completed" : "Interrupted" }
            const events = DownloadEvents.ended(told(look), ending, yield* Clock.currentTimeMillis)
            for (const event of events) yield* put(event)
          }).pipe(Effect.catchDefect((defect) => Effect.logError("A report could not be made.", defect)))
        )
        const content = yield* inner.open(request)
        progress = content.progress
        if (request.isWhole !== false) yield* Effect.forkScoped(put(DownloadEvents.started(told(content.progress()))))
        return content
      }),
      start: Effect.fnUntraced(function* (request) {
        const began = yield* Clock.currentTimeMillis
        const jobID = randomBytes(16).toString("hex")
        let progress: (() => Progress) | undefined
        let isTold = false
        const told = (look: Progress): DownloadEvents.Told => ({ ...config, jobID, request, progress: look, began })
        const tell = (ending: DownloadEvents.Ending) =>
          Effect.gen(function* () {
            if (isTold || progress === undefined) return
            isTold = true
            const events = DownloadEvents.ended(told(progress()), ending, yield* Clock.currentTimeMillis)
            for (const event of events) yield* put(event)
          }).pipe(Effect.catchDefect((defect) => Effect.logError("A report could not be made.", defect)))
        // Runs once the download is over and done with, so that no byte comes in afterwards.
        yield* Effect.addFinalizer(() => tell({ _tag: "Interrupted" }))
        const active = yield* inner.start(request)
        progress = active.progress
        const noting = yield* Effect.forkScoped(put(DownloadEvents.started(told(active.progress()))))
        const ended = yield* active.result.pipe(
          Effect.onExit((exit) => {
            if (Exit.isSuccess(exit)) return tell({ _tag: "Completed" })
            const failure = Option.getOrUndefined(Cause.findErrorOption(exit.cause))
            return failure === undefined ? Effect.void : tell({ _tag: "Failed", error: failure })
          }),
          Effect.ensuring(Fiber.await(noting)),
          Effect.forkScoped
        )
        return { ...active, result: Fiber.join(ended) }
      })
    })
  })
)
