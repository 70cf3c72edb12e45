/**
 * Publishes files that operators name by their URLs: reads each once at its origin, hashes it, and keeps nothing of it but its hashes.
 * What waits, runs and was done lately is remembered by the process that does it, bounded, until it ends.
 */
import { randomUUID } from "node:crypto"
import { maxPublications, Publication } from "@piecework/cloud/ContentAdminRpcs"
import type { Identity } from "@piecework/cloud/Identity"
import type { PolicyChange } from "@piecework/cloud/PolicySettings"
import { RequestRefused } from "@piecework/cloud/RoleError"
import type { ContentUrl } from "@piecework/domain/ContentUrl"
import { PieceHasher } from "@piecework/hashing/PieceHasher"
import { HttpClient } from "@piecework/sources/HttpClient"
import { Clock, Context, Effect, FiberSet, Layer, Semaphore } from "effect"
import { Administration } from "./Administration.ts"
import { CatalogConfig } from "./CatalogConfig.ts"
import * as UrlHasher from "./UrlHasher.ts"

export class UrlPublisher extends Context.Service<
  UrlPublisher,
  {
    /** Answers at once; what is under way for the URL already is that. */
    readonly publish: (
      who: Identity,
      url: ContentUrl,
      policy: PolicyChange
    ) => Effect.Effect<Publication, RequestRefused>
    /** The latest first. */
    readonly list: Effect.Effect<ReadonlyArray<Publication>>
  }
>()("@piecework/catalog/UrlPublisher") {
  static readonly layer: Layer.Layer<UrlPublisher, never, Administration | CatalogConfig | HttpClient | PieceHasher> =
    Layer.effect(
      UrlPublisher,
      Effect.suspend(() => make)
    )

  /** Takes none: for commands, which hash by themselves. */
  static readonly layerNone: Layer.Layer<UrlPublisher> = Layer.succeed(UrlPublisher, {
    publish: () => Effect.fail(new RequestRefused({ reason: "NotAllowed" })),
    list: Effect.succeed([])
  })
}

/** Most that wait or run at a time. */
const mostAtOnce = 16

const make = Effect.gen(function* () {
  const administration = yield* Administration
  const config = yield* CatalogConfig
  const origins = yield* Effect.context<HttpClient | PieceHasher>()
  const running = yield* FiberSet.make<void>()
  const turns = yield* Semaphore.make(config.ruleConcurrency)
  /** By their ids, in the order in which they began. */
  const known = new Map<string, Publication>()

  const all = () => [...known.values()]
  const became = (of: Publication, state: Publication["state"]) => {
    if (known.has(of.id)) known.set(of.id, new Publication({ ...of, state }))
  }
  const forgetOldest = () => {
    for (const { id, state } of all()) {
      if (known.size < maxPublications) return
      if (isOver(state)) known.delete(id)
    }
  }

  const work = Effect.fnUntraced(function* (who: Identity, one: Publication, policy: PolicyChange) {
    became(one, { _tag: "Hashing", hashed: 0 })
    const onProgress = (hashed: number, total: number | undefined) =>
      became(one, { _tag: "Hashing", hashed, ...(total === undefined ? {} : { total }) })
    const { phf } = yield* UrlHasher.hash(one.url, { onProgress })
    const { content, isNew } = yield* administration.publish(who, { phf, urls: [one.url], policy })
    const { contentId, contentSize } = content
    became(one, { _tag: "Published", contentId, contentSize, isNew })
  })

  return UrlPublisher.of({
    publish: Effect.fn("UrlPublisher.publish")(function* (who, url, policy) {
      const underWay = all().filter(({ state }) => !isOver(state))
      const same = underWay.find((one) => one.url === url)
      if (same !== undefined) return same
      if (underWay.length >= mostAtOnce) return yield* new RequestRefused({ reason: "Overloaded" })
      forgetOldest()
      const beganAt = yield* Clock.currentTimeMillis
      const one = new Publication({ id: randomUUID(), url, beganAt, state: { _tag: "Waiting" } })
      known.set(one.id, one)
      const failed = (sentence: string) => became(one, { _tag: "Failed", sentence: sentence.slice(0, 1024) })
      yield* FiberSet.run(
        running,
        turns.withPermit(work(who, one, policy)).pipe(
          Effect.timeoutOrElse({
            duration: config.ruleHashTimeout,
            orElse: () => Effect.sync(() => failed("It took too long."))
          }),
          Effect.catch(({ message }) => Effect.sync(() => failed(message))),
          Effect.catchDefect((defect) =>
            Effect.andThen(
              Effect.logError("A file could not be published.", defect),
              Effect.sync(() => failed("The service failed; its log says why."))
            )
          ),
          Effect.provideContext(origins)
        )
      )
      return one
    }),
    list: Effect.sync(() => all().toReversed())
  })
})

const isOver = ({ _tag }: Publication["state"]): boolean => _tag === "Published" || _tag === "Failed"
