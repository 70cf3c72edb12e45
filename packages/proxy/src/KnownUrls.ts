/**
 * What the service says of URLs, remembered for seconds: requests for one URL at a time share one question, and a client that asks for a
 * thousand small files does not make the service say a thousand times that it knows none of them.
 */
import type { ContentUrl } from "@piecework/domain/ContentUrl"
import { Cache, Effect, Exit, Fiber, Scope } from "effect"
import { Contents, type Knowledge } from "./Contents.ts"
import { OriginMemory } from "./OriginMemory.ts"
import { ProxyConfig } from "./ProxyConfig.ts"

export interface KnownUrls {
  /** Goes on when nobody waits for it any more, for whoever asks next. */
  readonly ask: (url: ContentUrl) => Effect.Effect<Fiber.Fiber<Knowledge>>
  /** Whether its origin is one of which the service knows contents, as far as can be told. */
  readonly isPromising: (url: ContentUrl) => boolean
  /** It is left to its origin for a while. */
  readonly deny: (url: ContentUrl) => Effect.Effect<void>
}

/** Questions under way at once; what comes beyond is left to its origin. */
const maxQuestions = 64

const unknown: Knowledge = { _tag: "Unknown" }

export const make: Effect.Effect<KnownUrls, never, Contents | ProxyConfig | Scope.Scope> = Effect.gen(function* () {
  const contents = yield* Contents
  const { knownFor, maxRemembered, unknownFor } = yield* ProxyConfig
  const scope = yield* Effect.scope
  const memory = new OriginMemory()
  const question = (url: ContentUrl) =>
    Effect.tap(contents.known(url), ({ _tag }) => Effect.sync(() => memory.note(url, _tag !== "Unknown")))
  const cache = yield* Cache.makeWith(question, {
    capacity: maxRemembered,
    timeToLive: (exit) => (Exit.isSuccess(exit) && exit.value._tag === "Known" ? knownFor : unknownFor)
  })
  let questions = 0
  const counted = (asking: Effect.Effect<Knowledge>) =>
    Effect.suspend(() => {
      if (questions >= maxQuestions) return Effect.succeed(unknown)
      questions++
      return Effect.ensuring(
        asking,
        Effect.sync(() => void questions--)
      )
    })
  return {
    ask: (url) => Effect.forkIn(counted(Cache.get(cache, url)), scope, { startImmediately: true }),
    isPromising: (url) => memory.isPromising(url),
    deny: (url) => Cache.set(cache, url, unknown)
  }
})
