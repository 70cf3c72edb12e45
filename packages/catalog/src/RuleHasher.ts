/**
 * Publishes what rules are about when somebody first asks for it. Until a content's hashes are there it is unknown, so
 * clients take it in Simple mode; the same while nobody knows whether the origin still has those bytes. One URL is hashed
 * once however many ask, a few at a time, and one that failed is left alone for a while.
 */
import { type Identity, isOf } from "@piecework/cloud/Identity"
import { noChange, PolicyChange } from "@piecework/cloud/PolicySettings"
import type { DatabaseError } from "@piecework/database/DatabaseError"
import type { ContentUrl } from "@piecework/domain/ContentUrl"
import { PieceHasher } from "@piecework/hashing/PieceHasher"
import { HttpClient } from "@piecework/sources/HttpClient"
import { Clock, Context, Duration, Effect, FiberMap, Layer, Option, Semaphore } from "effect"
import { Administration } from "./Administration.ts"
import { Catalog } from "./Catalog.ts"
import { CatalogConfig } from "./CatalogConfig.ts"
import type { Published } from "./Published.ts"
import * as RulePattern from "./RulePattern.ts"
import { type Rule, Rules } from "./Rules.ts"
import * as UrlHasher from "./UrlHasher.ts"

export class RuleHasher extends Context.Service<
  RuleHasher,
  {
    /** What the URL leads to now, for this caller; `None` also while a rule is at work on it. */
    readonly find: (url: ContentUrl, identity: Identity) => Effect.Effect<Option.Option<Published>, DatabaseError>
  }
>()("@piecework/catalog/RuleHasher") {
  /** Without rules. */
  static readonly layerNone: Layer.Layer<RuleHasher, never, Catalog> = Layer.effect(
    RuleHasher,
    Effect.map(Catalog, ({ byUrl }) => RuleHasher.of({ find: byUrl }))
  )

  static readonly layer: Layer.Layer<
    RuleHasher,
    never,
    Administration | Catalog | CatalogConfig | HttpClient | PieceHasher | Rules
  > = Layer.effect(
    RuleHasher,
    Effect.suspend(() => make)
  )
}

/** Who publishes, in the audit log. */
const who: Identity = { _tag: "Operator", id: "rules", scopes: ["Publish"] }

/** Failures that are remembered: URLs come from callers. */
const mostFailures = 10_000

const make = Effect.gen(function* () {
  const administration = yield* Administration
  const catalog = yield* Catalog
  const config = yield* CatalogConfig
  const rules = yield* Rules
  const origins = yield* Effect.context<HttpClient | PieceHasher>()
  const working = yield* FiberMap.make<ContentUrl, void>()
  const turns = yield* Semaphore.make(config.ruleConcurrency)
  // A rule that somebody made or removed elsewhere counts as soon as other changes do.
  const matchers = yield* Effect.cachedWithTTL(rules.list, config.refreshEvery)
  /** Until when a URL that failed is left alone, in epoch milliseconds. */
  const failures = new Map<ContentUrl, number>()

  const failed = Effect.fnUntraced(function* (url: ContentUrl, why: string) {
    const now = yield* Clock.currentTimeMillis
    failures.delete(url)
    failures.set(url, now + Duration.toMillis(config.ruleFailureKept))
    for (const [oldest] of failures) {
      if (failures.size <= mostFailures) break
      failures.delete(oldest)
    }
    yield* Effect.logWarning("A content of a rule could not be hashed.").pipe(Effect.annotateLogs({ url, why }))
  })

  const publish = Effect.fnUntraced(function* (url: ContentUrl, rule: Rule) {
    const { phf, validators } = yield* UrlHasher.hash(url, { maxBytes: rule.maxBytes })
    const policy = new PolicyChange({ set: rule.policy, reset: [] })
    // A content that is there keeps its policy, which somebody may have changed.
    const isNew = Option.isNone(yield* catalog.byId(phf.contentId))
    yield* administration.publish(who, { phf, urls: [url], policy: isNew ? policy : noChange })
    yield* rules.setSeen(url, { validators, checkedAt: yield* Clock.currentTimeMillis })
  })

  /** Who asked before somebody else was done with the URL has nothing more to do for it. */
  const publishOnce = Effect.fnUntraced(function* (url: ContentUrl, rule: Rule, asked: number) {
    const seen = Option.getOrUndefined(yield* rules.seen(url))
    if (seen === undefined || seen.checkedAt < asked) yield* publish(url, rule)
  })

  /** Begins to hash the URL, unless somebody is at it, it failed lately, or there is too much to do. */
  const begin = Effect.fnUntraced(function* (url: ContentUrl, rule: Rule, asked: number) {
    const now = yield* Clock.currentTimeMillis
    if ((failures.get(url) ?? 0) > now) return
    if ((yield* FiberMap.size(working)) >= config.ruleQueue) return
    const work = turns.withPermit(publishOnce(url, rule, asked)).pipe(
      Effect.timeoutOrElse({
        duration: config.ruleHashTimeout,
        orElse: () => failed(url, "it took too long")
      }),
      Effect.catch((error) => failed(url, error.message)),
      Effect.provideContext(origins)
    )
    yield* FiberMap.run(working, url, work, { onlyIfMissing: true })
  })

  /** Whether the origin still has those bytes; what it has in their place is hashed. */
  const isCurrent = Effect.fnUntraced(function* (url: ContentUrl, rule: Rule, found: Published, asked: number) {
    const seen = Option.getOrUndefined(yield* rules.seen(url))
    // Somebody published it, and says so.
    if (seen === undefined) return true
    const now = yield* Clock.currentTimeMillis
    if (now - seen.checkedAt < Duration.toMillis(config.ruleMaxAge)) return true
    const known = { validators: seen.validators, size: found.contentSize }
    const word = yield* UrlHasher.look(url, known).pipe(
      Effect.provideContext(origins),
      Effect.timeoutOption(config.ruleLookTimeout),
      Effect.catch((error) => Effect.as(Effect.logDebug("an origin did not answer", error), Option.none()))
    )
    switch (Option.getOrUndefined(word)) {
      case "Same":
        yield* rules.setSeen(url, { ...seen, checkedAt: now })
        return true
      case "Changed":
        yield* begin(url, rule, asked)
        return false
      case "Gone":
        yield* administration.unpublish(who, url)
        return false
      case undefined:
        return false
    }
  })

  return RuleHasher.of({
    find: Effect.fn("RuleHasher.find")(function* (url, identity) {
      const asked = yield* Clock.currentTimeMillis
      const exact = yield* catalog.byUrl(url)
      const matcher = (yield* matchers).find(({ pattern }) => RulePattern.matches(pattern, url))
      if (matcher === undefined) return exact
      const { rule } = matcher
      const key = rule.countsQuery ? url : RulePattern.withoutQuery(url)
      const found = Option.isSome(exact) || key === url ? exact : yield* catalog.byUrl(key)
      const at = Option.isSome(exact) ? url : key
      if (Option.isSome(found)) return (yield* isCurrent(at, rule, found.value, asked)) ? found : Option.none()
      // Nobody makes the service read what is not for it.
      if (isOf(identity, rule.policy.groups ?? [])) yield* begin(key, rule, asked)
      return Option.none()
    })
  })
})
