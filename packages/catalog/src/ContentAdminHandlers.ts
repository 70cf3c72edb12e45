/** The contract's administration of contents, for callers that may. */
import { Caller } from "@piecework/cloud/Caller"
import {
  AuditEntry,
  ContentAdminRpcs,
  ContentRecord,
  maxUrls,
  PhfRefused,
  PublishReply,
  RuleRecord,
  RuleRefused,
  RuleUnknown,
  SettingRecord,
  SettingRefused
} from "@piecework/cloud/ContentAdminRpcs"
import { type Identity, mayDo, type OperatorScope } from "@piecework/cloud/Identity"
import { ContentUnknown, RequestRefused } from "@piecework/cloud/RoleError"
import type { DatabaseError } from "@piecework/database/DatabaseError"
import * as Phf from "@piecework/hashing/Phf"
import { Audit } from "@piecework/trust/Audit"
import { Effect, Option, Result } from "effect"
import { Administration, type ContentName } from "./Administration.ts"
import { Catalog } from "./Catalog.ts"
import { ClientSettings } from "./ClientSettings.ts"
import type * as Settings from "./ClientSettings.ts"
import type { Published } from "./Published.ts"
import * as RulePattern from "./RulePattern.ts"
import { Rules } from "./Rules.ts"
import * as Shown from "./Shown.ts"
import { UrlPublisher } from "./UrlPublisher.ts"

export const layer = ContentAdminRpcs.toLayer(
  Effect.gen(function* () {
    const administration = yield* Administration
    const audit = yield* Audit
    const catalog = yield* Catalog
    const rules = yield* Rules
    const settings = yield* ClientSettings
    const publisher = yield* UrlPublisher
    return ContentAdminRpcs.of({
      Publish: ({ phf: bytes, policy, urls }) =>
        Effect.gen(function* () {
          const who = yield* allowed("Publish")
          const phf = Phf.decode(bytes)
          if (Result.isFailure(phf)) return yield* new PhfRefused({ detail: phf.failure.message })
          const { added, content, isNew, moved } = yield* failing(
            administration.publish(who, { phf: phf.success, urls, policy })
          )
          return new PublishReply({ content: recordOf(content), isNew, added, moved })
        }),
      List: (page) =>
        Effect.gen(function* () {
          const who = yield* allowed("Read")
          const { contents, next } = yield* failing(catalog.page(page))
          return {
            contents: contents.map((content) => Shown.record(who, recordOf(content, mostListedUrls))),
            ...(next === undefined ? {} : { next })
          }
        }),
      Show: ({ name }) =>
        Effect.gen(function* () {
          const who = yield* allowed("Read")
          return Shown.record(who, yield* there(name, administration.find(name)))
        }),
      Lookup: ({ contentIds }) =>
        Effect.gen(function* () {
          const who = yield* allowed("Read")
          const found = yield* failing(Effect.forEach([...new Set(contentIds)], catalog.byId))
          return found
            .flatMap((one) => Option.toArray(one))
            .map((content) => Shown.record(who, recordOf(content, mostListedUrls)))
        }),
      PublishUrl: ({ policy, url }) => Effect.flatMap(allowed("Publish"), (who) => publisher.publish(who, url, policy)),
      Publications: () =>
        Effect.gen(function* () {
          const who = yield* allowed("Read")
          return (yield* publisher.list).map((one) => Shown.publication(who, one))
        }),
      SetPolicy: ({ change, name }) =>
        Effect.flatMap(allowed("Publish"), (who) => there(name, administration.setPolicy(who, name, change))),
      SetHalted: ({ isHalted, name, why }) =>
        Effect.flatMap(allowed("Publish"), (who) => there(name, administration.setHalted(who, name, isHalted, why))),
      Unpublish: ({ name }) =>
        Effect.gen(function* () {
          const who = yield* allowed("Publish")
          const removed = yield* failing(administration.unpublish(who, name))
          if (Option.isNone(removed)) return yield* new ContentUnknown({ content: name })
          return { contentId: removed.value }
        }),
      AddRule: ({ pattern: text, ...rule }) =>
        Effect.gen(function* () {
          const who = yield* allowed("Publish")
          const pattern = yield* patternOf(text)
          const added = yield* rules.add(who, pattern, rule).pipe(
            Effect.catchTag("TooManyRules", ({ message }) => Effect.fail(new RuleRefused({ detail: message }))),
            Effect.catchTag("DatabaseError", Effect.die)
          )
          return new RuleRecord(added)
        }),
      ListRules: () =>
        Effect.gen(function* () {
          yield* allowed("Read")
          return (yield* failing(rules.list)).map(({ rule }) => new RuleRecord(rule))
        }),
      RemoveRule: ({ pattern: text }) =>
        Effect.gen(function* () {
          const who = yield* allowed("Publish")
          const pattern = yield* patternOf(text)
          if (!(yield* failing(rules.remove(who, pattern)))) return yield* new RuleUnknown({ pattern: pattern.text })
        }),
      SetSetting: ({ name, value }) =>
        Effect.gen(function* () {
          const who = yield* allowed("Admin")
          return new SettingRecord(yield* settled(settings.set(who, name, value)))
        }),
      UnsetSetting: ({ name }) =>
        Effect.gen(function* () {
          const who = yield* allowed("Admin")
          return { wasSet: yield* settled(settings.unset(who, name)) }
        }),
      ListSettings: () =>
        Effect.gen(function* () {
          yield* allowed("Read")
          return (yield* failing(settings.list)).map((one) => new SettingRecord(one))
        }),
      ReadAudit: ({ before, most }) =>
        Effect.gen(function* () {
          const who = yield* allowed("Read")
          const entries = yield* failing(audit.entries({ most, ...(before === undefined ? {} : { before }) }))
          return entries.map((entry) => new AuditEntry({ ...entry, detail: Shown.detail(who, entry.detail) }))
        })
    })
  })
)

/** The caller, if it may. */
const allowed = (scope: OperatorScope): Effect.Effect<Identity, RequestRefused, Caller> =>
  Effect.flatMap(Caller, ({ identity }) =>
    mayDo(identity, scope) ? Effect.succeed(identity) : Effect.fail(new RequestRefused({ reason: "NotAllowed" }))
  )

const patternOf = (text: string): Effect.Effect<RulePattern.RulePattern, RuleRefused> =>
  Result.match(RulePattern.parse(text), {
    onFailure: ({ message }) => Effect.fail(new RuleRefused({ detail: message })),
    onSuccess: Effect.succeed
  })

/** The caller cannot help a database that fails, so it sees a service that does. */
const failing = Effect.orDie

const settled = <A>(change: Effect.Effect<A, DatabaseError | Settings.SettingRefused>) =>
  change.pipe(
    Effect.catchTag("SettingRefused", ({ detail }) => Effect.fail(new SettingRefused({ detail }))),
    Effect.catchTag("DatabaseError", Effect.die)
  )

const there = <E>(
  name: ContentName,
  found: Effect.Effect<Option.Option<Published>, E>
): Effect.Effect<ContentRecord, ContentUnknown> =>
  Effect.flatMap(
    failing(found),
    Option.match({
      onNone: () => Effect.fail(new ContentUnknown({ content: name })),
      onSome: (content) => Effect.succeed(recordOf(content))
    })
  )

/** URLs of one content in a list: a page stays under 4 MiB however long they are. */
const mostListedUrls = 4

const recordOf = ({ urls, ...content }: Published, mostUrls = maxUrls): ContentRecord =>
  new ContentRecord({ ...content, urls: urls.slice(-mostUrls) })
