/**
 * Contents that the service vouches for, behind the URLs that clients ask for. The service is never waited for: a URL of which it said once
 * which content it has is answered from that content, any other from `fills`, and the service is asked beside it. When it knows the file,
 * the file becomes the content while it is read: what came is verified and given to the content, the rest comes by its swarm, and readers
 * go on there at the same byte. So nothing crosses the line twice. What the service halts ends for all readers at once.
 */
import { PieceCache } from "@piecework/cache/PieceCache"
import * as Bitfield from "@piecework/domain/Bitfield"
import type { ContentId } from "@piecework/domain/Content"
import * as ContentUrl from "@piecework/domain/ContentUrl"
import { type FillError, type Filled, Fills } from "@piecework/fills/Fills"
import { KnownContents as Memory } from "@piecework/objects/KnownContents"
import type { ObjectFacts } from "@piecework/objects/ObjectFacts"
import { Objects } from "@piecework/objects/Objects"
import { Contents, type Knowledge } from "@piecework/proxy/Contents"
import * as KnownUrls from "@piecework/proxy/KnownUrls"
import * as ProxyConfig from "@piecework/proxy/ProxyConfig"
import {
  Clock,
  Context,
  Deferred,
  Effect,
  Exit,
  Fiber,
  Layer,
  Option,
  RcMap,
  Result,
  Schedule,
  Scope,
  Semaphore
} from "effect"
import * as AllowList from "./AllowList.ts"
import * as Body from "./Body.ts"
import { CacheNodeConfig } from "./CacheNodeConfig.ts"
import * as ContentBody from "./ContentBody.ts"
import * as Donation from "./Donation.ts"
import * as FilledBody from "./FilledBody.ts"
import * as OpenContents from "./OpenContents.ts"

/** A file while it is read. */
export interface Reading {
  readonly facts: ObjectFacts
  readonly body: Body.Body
  /** Fails when the service halts it. */
  readonly halted: Effect.Effect<never, Body.BodyError>
  readonly cacheStatus: string
}

export interface KnownContents {
  /** A file of which it is known which content it is; `None`: it is not known, or nothing of it is here. */
  readonly recall: (url: ContentUrl.ContentUrl) => Effect.Effect<Option.Option<Reading>, Body.BodyError, Scope.Scope>
  /** A file that comes from its servers for now. */
  readonly beside: (filled: Filled) => Effect.Effect<Reading, never, Scope.Scope>
}

const halted = new Body.BodyError({
  reason: "Halted",
  detail: "The service has halted this content: its operator wants nobody to have it at present."
})

const reading = (filled: Filled): Reading => ({
  facts: filled.facts,
  body: FilledBody.make(filled),
  halted: Effect.never,
  cacheStatus: FilledBody.cacheStatus(filled)
})

/** Without a service, or without a cache for its contents. */
const none: KnownContents = {
  recall: () => Effect.succeedNone,
  beside: (filled) => Effect.succeed(reading(filled))
}

export const make: Effect.Effect<KnownContents, never, CacheNodeConfig | Fills | Scope.Scope> = Effect.gen(
  function* () {
    const contents = yield* Effect.serviceOption(Contents)
    const cache = yield* Effect.serviceOption(PieceCache)
    if (Option.isNone(contents) || Option.isNone(cache)) return none
    const config = yield* CacheNodeConfig
    const { knownFor, minContentSize, openFor, unknownFor } = config
    const fills = yield* Fills
    const objects = yield* Effect.serviceOption(Objects)
    const remembered = yield* Effect.serviceOption(Memory)
    const scope = yield* Effect.scope
    const known = Option.isSome(remembered)
      ? remembered.value
      : Context.get(yield* Layer.build(Memory.layerMemory), Memory)
    const opened = yield* OpenContents.make(contents.value, cache.value, openFor)
    const urls = yield* KnownUrls.make.pipe(
      Effect.provideService(Contents, contents.value),
      Effect.provideService(ProxyConfig.ProxyConfig, { ...ProxyConfig.defaults, knownFor, unknownFor })
    )
    /** URLs of which the service said last that they are halted. */
    const stopped = new Set<ContentUrl.ContentUrl>()
    const moves = new Map<ContentUrl.ContentUrl, Move>()
    /** Of those who read now. */
    const halts = new Map<ContentUrl.ContentUrl, Set<Deferred.Deferred<never, Body.BodyError>>>()
    const donating = yield* Semaphore.make(1)

    /** What is remembered of the URL is as old as the service's last word, and gone where that is another. */
    const confirm = Effect.fnUntraced(function* (url: ContentUrl.ContentUrl, contentId: ContentId) {
      const before = yield* known.find(url)
      if (Option.isNone(before)) return
      const now = yield* Clock.currentTimeMillis
      if (before.value.contentId !== contentId) yield* known.forget(url)
      else if (now - before.value.rememberedAt > renewAfter) yield* known.remember(url, before.value)
    })

    const note = Effect.fnUntraced(function* (url: ContentUrl.ContentUrl, knowledge: Knowledge) {
      stopped.delete(url)
      if (knowledge._tag === "Known") yield* confirm(url, knowledge.contentId)
      if (knowledge._tag !== "Halted") return
      stopped.add(url)
      const [oldest] = stopped
      if (stopped.size > maxStopped && oldest !== undefined) stopped.delete(oldest)
      halts.get(url)?.forEach((halt) => void Deferred.doneUnsafe(halt, Effect.fail(halted)))
    })

    /** What the service says; a question and its answer are remembered for a while, whoever waits. */
    const ask = Effect.fnUntraced(function* (url: ContentUrl.ContentUrl) {
      const parsed = ContentUrl.parse(url)
      if (Result.isFailure(parsed)) return unknown
      const knowledge = yield* Effect.flatMap(urls.ask(parsed.success), Fiber.join)
      yield* note(url, knowledge)
      return knowledge
    })
    const deny = (url: ContentUrl.ContentUrl) => {
      const parsed = ContentUrl.parse(url)
      return Result.isSuccess(parsed) ? urls.deny(parsed.success) : Effect.void
    }

    /** The service is asked again now and then, once for all who read the file at a time. */
    const watched = yield* RcMap.make({
      lookup: (url: ContentUrl.ContentUrl) => Effect.forkScoped(Effect.repeat(ask(url), Schedule.spaced(knownFor)))
    })
    /** Fails once the service halts the file. */
    const watch = Effect.fnUntraced(function* (url: ContentUrl.ContentUrl) {
      const halt = Deferred.makeUnsafe<never, Body.BodyError>()
      yield* Effect.acquireRelease(
        Effect.sync(() => halts.set(url, (halts.get(url) ?? new Set()).add(halt))),
        () =>
          Effect.sync(() => {
            const all = halts.get(url)
            all?.delete(halt)
            if (all?.size === 0) halts.delete(url)
          })
      )
      yield* RcMap.get(watched, url)
      return Deferred.await(halt)
    })

    /** From its servers, if they still have the file that a reader has the beginning of. */
    const again = Effect.fnUntraced(function* (
      facts: ObjectFacts
    ): Effect.fn.Return<Body.Body, Body.BodyError, Scope.Scope> {
      const reader = yield* Effect.scope
      const answered = yield* Effect.mapError(
        fills.open({ url: facts.url, isGuarded: AllowList.isGuarded(config.allow, facts.url) }),
        broken
      )
      if (answered._tag === "Filled" && isSame(answered.facts, facts)) {
        return FilledBody.make(answered, Scope.provide(again(facts), reader))
      }
      return yield* broken({ message: `${facts.url} is another file now.` })
    })

    /** The content, for whoever reads it until now from elsewhere. */
    const contentBody = (content: OpenContents.OpenContent, facts: ObjectFacts, reader: Scope.Scope) =>
      ContentBody.make(content, Scope.provide(again(facts), reader))

    /** Makes the file a content; see the header. */
    const move = Effect.fnUntraced(function* ({
      size,
      url
    }: ObjectFacts): Effect.fn.Return<Outcome, OpenContents.OpenContentError | FillError, Scope.Scope> {
      const knowledge = yield* ask(url)
      if (knowledge._tag !== "Known") return "Stays"
      const { contentId } = knowledge
      if (knowledge.size !== size) return yield* Effect.as(deny(url), "Stays" as const)
      // Its own, since the client that came first may leave.
      const filled = yield* fills.open({ url, isHead: true, isGuarded: AllowList.isGuarded(config.allow, url) })
      if (filled._tag !== "Filled" || filled.facts.size !== size) return "Stays"
      if ((yield* filled.place) === undefined) return "Stays"
      const { store } = yield* opened.open({ contentId, url })
      const isSameSize = store.phf.layout.contentSize === size
      const donated = isSameSize ? yield* donating.withPermit(Donation.give(filled, store)) : "Other"
      if (donated === "Other") yield* deny(url)
      if (donated !== "Same") return "Stays"
      // Whoever comes from here on waits for the content: it would be fetched twice for who opened the file meanwhile.
      const moving = moves.get(url)
      if (moving !== undefined) moving.isEnding = true
      yield* Effect.timeoutOption(filled.surrender, settlePatience)
      // What was under way.
      if ((yield* donating.withPermit(Donation.give(filled, store))) === "Other") {
        return yield* Effect.as(deny(url), "Stays" as const)
      }
      yield* known.remember(url, { contentId, size, headers: filled.facts.headers })
      if (Option.isSome(objects)) yield* Effect.ignore(objects.value.remove(url), { log: true })
      yield* Effect.logDebug("A file is a content that the service knows.", { url, contentId })
      return { contentId }
    })

    const startMove = Effect.fnUntraced(function* (facts: ObjectFacts) {
      const { url } = facts
      const before = moves.get(url)
      if (before !== undefined) return before
      const started: Move = { facts, outcome: Deferred.makeUnsafe(), isEnding: false }
      moves.set(url, started)
      const moving = Effect.scoped(move(facts)).pipe(
        Effect.catch((error) =>
          Effect.andThen(
            error.reason === "Halted" ? note(url, { _tag: "Halted" }) : Effect.logDebug(error),
            Effect.as(deny(url), "Stays" as const)
          )
        ),
        Effect.onExit((exit) =>
          Effect.sync(() => {
            moves.delete(url)
            Deferred.doneUnsafe(started.outcome, Effect.succeed(Exit.isSuccess(exit) ? exit.value : "Stays"))
          })
        )
      )
      yield* Effect.forkIn(moving, scope)
      return started
    })

    /** Where a reader goes on whose file comes from elsewhere now. */
    const onward = Effect.fnUntraced(function* (
      filled: Filled,
      { facts: moved, outcome }: Move
    ): Effect.fn.Return<Body.Body, Body.BodyError, Scope.Scope> {
      const { facts } = filled
      const reader = yield* Effect.scope
      const ended = yield* Deferred.await(outcome)
      if (ended === "Stays" || !isSame(moved, facts)) return yield* again(facts)
      const content = yield* Effect.mapError(opened.open({ url: facts.url, contentId: ended.contentId }), broken)
      // Pieces that came last.
      const donated = yield* donating.withPermit(Donation.give(filled, content.store))
      if (donated === "Other") {
        yield* Effect.andThen(deny(facts.url), known.forget(facts.url))
        return yield* again(facts)
      }
      return contentBody(content, facts, reader)
    })

    const recall = Effect.fnUntraced(function* (
      url: ContentUrl.ContentUrl
    ): Effect.fn.Return<Option.Option<Reading>, Body.BodyError, Scope.Scope> {
      if (stopped.has(url)) {
        const knowledge = yield* Effect.timeoutOption(ask(url), stoppedPatience)
        if (Option.isNone(knowledge) || knowledge.value._tag === "Halted") return yield* halted
      }
      const moving = moves.get(url)
      if (moving?.isEnding === true) yield* Deferred.await(moving.outcome)
      const file = yield* known.find(url)
      if (Option.isNone(file)) return Option.none()
      const { contentId, headers, rememberedAt, size } = file.value
      // Nobody vouched for it for long: its servers are asked what they have now.
      if ((yield* Clock.currentTimeMillis) - rememberedAt > goodFor) return Option.none()
      const found = yield* Effect.result(opened.find({ url, contentId }))
      if (Result.isFailure(found) || Option.isNone(found.success)) return Option.none()
      const content = found.success.value
      if (content.store.phf.layout.contentSize !== size) return Option.none()
      const halt = yield* watch(url)
      const facts: ObjectFacts = { url, size, headers, confirmedAt: rememberedAt, freshUntil: rememberedAt }
      const body = contentBody(content, facts, yield* Effect.scope)
      const isWhole = Bitfield.isFull(content.store.held())
      const cacheStatus = `${isWhole ? "hit" : "fwd=partial; stored"}; detail="verified"`
      return Option.some({ facts, body, halted: halt, cacheStatus })
    })

    const beside = Effect.fnUntraced(function* (filled: Filled): Effect.fn.Return<Reading, never, Scope.Scope> {
      const { facts } = filled
      if (facts.size < minContentSize || !filled.isKept) return reading(filled)
      const reader = yield* Effect.scope
      const halt = yield* watch(facts.url)
      const started = yield* startMove(facts)
      const body = FilledBody.make(filled, Scope.provide(onward(filled, started), reader))
      return { ...reading(filled), body, halted: halt }
    })

    return { recall, beside }
  }
)

/** What became of a file: it is this content's now, or stays what it was. */
type Outcome = "Stays" | { readonly contentId: ContentId }

interface Move {
  /** Of the file that it is about. */
  readonly facts: ObjectFacts
  /** Its servers are asked for nothing more; what was under way still comes. */
  isEnding: boolean
  readonly outcome: Deferred.Deferred<Outcome>
}

const unknown: Knowledge = { _tag: "Unknown" }

/**
 * How long the service's word on what a URL has is good while the service is away, and after which time it is written down anew when
 * it is heard again, in milliseconds: a week, and an hour.
 */
const goodFor = 604_800_000
const renewAfter = 3_600_000

/** URLs that are remembered as halted. */
const maxStopped = 10_000

/** How long pieces under way may take to come to their end; what comes later comes twice. */
const settlePatience = "10 seconds"

/** How long a client waits for the service's word on what it said was halted. */
const stoppedPatience = "3 seconds"

const broken = ({ message }: { readonly message: string }) => new Body.BodyError({ reason: "Broken", detail: message })

/** Whether it is the same file, as far as servers tell. */
const isSame = (a: ObjectFacts, b: ObjectFacts): boolean =>
  a.size === b.size &&
  a.headers.get("etag") === b.headers.get("etag") &&
  a.headers.get("last-modified") === b.headers.get("last-modified")
