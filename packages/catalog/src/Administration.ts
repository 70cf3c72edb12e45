/**
 * What operators do with contents. Each change and its entry in the audit log are made together or not at all; what
 * changes nothing makes no entry.
 */
import type { Identity } from "@piecework/cloud/Identity"
import { noChange, type PolicyChange } from "@piecework/cloud/PolicySettings"
import { type ContentId, parse as parseId } from "@piecework/domain/Content"
import type { ContentUrl } from "@piecework/domain/ContentUrl"
import { Database } from "@piecework/database/Database"
import type { DatabaseError, Trouble } from "@piecework/database/DatabaseError"
import type { Phf } from "@piecework/hashing/Phf"
import { Audit } from "@piecework/trust/Audit"
import { Context, Effect, Layer, Option } from "effect"
import { Catalog } from "./Catalog.ts"
import type { Publication, Published } from "./Published.ts"

/** A content by its id or by one of its URLs. */
export type ContentName = ContentId | ContentUrl

/** A text that may be an id: a URL is none, since it has colons. */
export const isId = (name: ContentName): name is ContentId => Option.isSome(parseId(name))

export class Administration extends Context.Service<
  Administration,
  {
    readonly publish: (
      who: Identity,
      content: {
        readonly phf: Phf
        readonly urls: ReadonlyArray<ContentUrl>
        readonly policy?: PolicyChange | undefined
      }
    ) => Effect.Effect<Publication, DatabaseError>
    /** `None` when there is no such content; so it is with the other changes. */
    readonly setPolicy: (
      who: Identity,
      name: ContentName,
      change: PolicyChange
    ) => Effect.Effect<Option.Option<Published>, DatabaseError>
    /** `why` is for the audit log. */
    readonly setHalted: (
      who: Identity,
      name: ContentName,
      isHalted: boolean,
      why?: string
    ) => Effect.Effect<Option.Option<Published>, DatabaseError>
    /** By an id all of it, by a URL that URL, and all of it with the last one. Answers the content that it was. */
    readonly unpublish: (who: Identity, name: ContentName) => Effect.Effect<Option.Option<ContentId>, DatabaseError>
    readonly find: (name: ContentName) => Effect.Effect<Option.Option<Published>, DatabaseError>
  }
>()("@piecework/catalog/Administration") {
  static readonly layer: Layer.Layer<Administration, never, Audit | Catalog | Database> = Layer.effect(
    Administration,
    Effect.gen(function* () {
      const catalog = yield* Catalog
      const audit = yield* Audit
      const { during, sql } = yield* Database
      const together = <A>(change: Effect.Effect<A, Trouble>) => during("change a content")(sql.withTransaction(change))
      const find = (name: ContentName) => (isId(name) ? catalog.byId(name) : catalog.byUrl(name))

      /** Changes the content that the name leads to. */
      const withContent = (
        name: ContentName,
        change: (content: Published) => Effect.Effect<Option.Option<Published>, DatabaseError>
      ) =>
        together(
          Effect.flatMap(find(name), (found) => (Option.isNone(found) ? Effect.succeedNone : change(found.value)))
        )

      return Administration.of({
        find,

        publish: Effect.fn("Administration.publish")((who, { phf, policy = noChange, urls }) =>
          together(
            Effect.gen(function* () {
              const before = yield* catalog.byId(phf.contentId)
              const publication = yield* catalog.publish(phf, urls, policy)
              const { added, content, isNew, moved } = publication
              const isChanged = Option.isSome(before) && !samePolicy(before.value, content)
              if (isNew || added.length > 0 || moved.length > 0 || isChanged) {
                yield* audit.record({
                  who,
                  action: "content.publish",
                  subject: content.contentId,
                  detail: {
                    isNew,
                    added: added.slice(0, mostTold),
                    moved: moved.slice(0, mostTold),
                    policy: content.policy
                  }
                })
              }
              return publication
            })
          )
        ),

        setPolicy: Effect.fn("Administration.setPolicy")((who, name, change) =>
          withContent(
            name,
            Effect.fnUntraced(function* (before) {
              const after = yield* catalog.setPolicy(before.contentId, change)
              if (Option.isSome(after) && !samePolicy(before, after.value)) {
                const detail = { policy: after.value.policy, before: before.policy }
                yield* audit.record({ who, action: "content.policy", subject: before.contentId, detail })
              }
              return after
            })
          )
        ),

        setHalted: Effect.fn("Administration.setHalted")((who, name, isHalted, why) =>
          withContent(
            name,
            Effect.fnUntraced(function* ({ contentId, haltedAt }) {
              if ((haltedAt !== null) === isHalted) return yield* catalog.byId(contentId)
              yield* catalog.setHalted(contentId, isHalted)
              const action = isHalted ? "content.halt" : "content.resume"
              yield* audit.record({
                who,
                action,
                subject: contentId,
                ...(why === undefined ? {} : { detail: { why } })
              })
              return yield* catalog.byId(contentId)
            })
          )
        ),

        unpublish: Effect.fn("Administration.unpublish")((who, name) =>
          together(
            Effect.gen(function* () {
              const removed = isId(name)
                ? (yield* catalog.unpublish(name))
                  ? Option.some(name)
                  : Option.none()
                : yield* catalog.unpublishUrl(name)
              if (Option.isSome(removed)) {
                const detail = isId(name) ? {} : { url: name }
                yield* audit.record({ who, action: "content.unpublish", subject: removed.value, detail })
              }
              return removed
            })
          )
        )
      })
    })
  )
}

/** URLs of a publication that the audit log names. */
const mostTold = 32

const samePolicy = (a: Published, b: Published): boolean => JSON.stringify(a.policy) === JSON.stringify(b.policy)
