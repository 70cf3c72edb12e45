/** Questions about published contents, and what publishers do with them. */
import {
  type AuditEntry,
  ContentAdminRpcs,
  type ContentRecord,
  maxPage,
  path,
  type Publication,
  type RuleRecord
} from "@piecework/cloud/ContentAdminRpcs"
import type { PolicyChange } from "@piecework/cloud/PolicySettings"
import type { ContentId } from "@piecework/domain/Content"
import type { ContentUrl } from "@piecework/domain/ContentUrl"
import { Effect } from "effect"
import { type Ask, calls } from "./Service.ts"
import type { Question } from "./useAsk.ts"

const contents = calls(ContentAdminRpcs, path)

export interface ContentPage {
  readonly contents: ReadonlyArray<ContentRecord>
  readonly next?: number
}

/** So many pages of the list, from the first publication on. */
export const pages = (count: number): Question<ContentPage> => ({
  key: ["contents", "pages", count],
  ask: contents((client) =>
    Effect.gen(function* () {
      const found: Array<ContentRecord> = []
      let next: number | undefined = 0
      for (let page = 0; page < count && next !== undefined; page++) {
        const reply: ContentPage = yield* client.List({ after: next, most: maxPage })
        found.push(...reply.contents)
        next = reply.next
      }
      return next === undefined ? { contents: found } : { contents: found, next }
    })
  )
})

export const one = (name: ContentId): Question<ContentRecord> => ({
  key: ["contents", "one", name],
  ask: contents((client) => client.Show({ name }))
})

/** Those of the ids that are published. */
export const some = (ids: ReadonlyArray<ContentId>): Question<ReadonlyArray<ContentRecord>> => ({
  key: ["contents", "some", ids.join(" ")],
  ask: ids.length === 0 ? async () => [] : contents((client) => client.Lookup({ contentIds: ids.slice(0, maxPage) }))
})

/** What the service is hashing, or was lately. */
export const publications: Question<ReadonlyArray<Publication>> = {
  key: ["contents", "publications"],
  ask: contents((client) => client.Publications())
}

export const rules: Question<ReadonlyArray<RuleRecord>> = {
  key: ["contents", "rules"],
  ask: contents((client) => client.ListRules())
}

export const publish = (input: { readonly url: ContentUrl; readonly policy: PolicyChange }): Ask<Publication> =>
  contents((client) => client.PublishUrl(input))

export const setPolicy = (input: { readonly name: ContentId; readonly change: PolicyChange }): Ask<ContentRecord> =>
  contents((client) => client.SetPolicy(input))

export const setHalted = (input: {
  readonly name: ContentId
  readonly isHalted: boolean
  readonly why?: string
}): Ask<ContentRecord> => contents((client) => client.SetHalted(input))

/** By an id all of it, by a URL that URL. */
export const unpublish = (name: ContentId | ContentUrl): Ask<unknown> =>
  contents((client) => client.Unpublish({ name }))

/** Entries of the audit log, the latest first: so many pages. */
export const audit = (
  count: number
): Question<{ readonly entries: ReadonlyArray<AuditEntry>; readonly isAll: boolean }> => ({
  key: ["audit", count],
  ask: contents((client) =>
    Effect.gen(function* () {
      const entries: Array<AuditEntry> = []
      for (let page = 0; page < count; page++) {
        const before = entries.at(-1)?.place
        const reply = yield* client.ReadAudit({ most: maxPage, ...(before === undefined ? {} : { before }) })
        entries.push(...reply)
        if (reply.length < maxPage) return { entries, isAll: true }
      }
      return { entries, isAll: false }
    })
  )
})
