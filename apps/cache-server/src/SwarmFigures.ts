/** Counts what comes in for contents that the service vouches for, by where from, beside what `fills` brings for other files. */
import { Figures, type Received } from "@piecework/cachenode/Figures"
import { Downloader } from "@piecework/download/Downloader"
import type { Progress } from "@piecework/download/Progress"
import { fromPeers } from "@piecework/domain/SourceKind"
import { Effect, Layer } from "effect"

const none: Received = { origin: 0, parent: 0, peers: 0 }

/** Of content bytes by kind of source; what lay here already came in from nowhere. */
export const of = (received: Progress["received"]): Received => ({
  origin: received.Origin,
  parent: received.CacheServer,
  peers: fromPeers(received)
})

const added = (a: Received, b: Received): Received => ({
  origin: a.origin + b.origin,
  parent: a.parent + b.parent,
  peers: a.peers + b.peers
})

/** The downloads below, of which the open contents are counted. */
export const layer: Layer.Layer<Downloader, never, Downloader | Figures> = Layer.effect(
  Downloader,
  Effect.gen(function* () {
    const downloader = yield* Downloader
    const figures = yield* Figures
    const open = new Set<() => Progress>()
    let gone = none
    figures.watch(() => [...open].reduce((sum, progress) => added(sum, of(progress().received)), gone))
    return Downloader.of({
      ...downloader,
      open: (request) =>
        Effect.tap(downloader.open(request), ({ progress }) =>
          Effect.acquireRelease(
            Effect.sync(() => open.add(progress)),
            () =>
              Effect.sync(() => {
                open.delete(progress)
                gone = added(gone, of(progress().received))
              })
          )
        )
    })
  })
)
