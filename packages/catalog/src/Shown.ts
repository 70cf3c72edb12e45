/**
 * What operators are shown of contents' URLs. A query often is the key to the file, so only who may publish sees it; others see the URL
 * without it, and that there is one. Pure.
 */
import { type AuditEntry, ContentRecord, Publication } from "@piecework/cloud/ContentAdminRpcs"
import { type Identity, mayDo } from "@piecework/cloud/Identity"
import { withoutQuery } from "./RulePattern.ts"

/** Whether it sees queries. */
const seesQueries = (who: Identity): boolean => mayDo(who, "Publish")

export const record = (who: Identity, of: ContentRecord): ContentRecord => {
  if (seesQueries(who)) return of
  const queryHidden = of.urls.flatMap((url, place) => (withoutQuery(url) === url ? [] : [place]))
  return queryHidden.length === 0 ? of : new ContentRecord({ ...of, urls: of.urls.map(withoutQuery), queryHidden })
}

export const publication = (who: Identity, of: Publication): Publication => {
  const url = withoutQuery(of.url)
  if (seesQueries(who) || url === of.url) return of
  // What went wrong is said of the URL.
  const state =
    of.state._tag === "Failed" ? { ...of.state, sentence: of.state.sentence.replaceAll(of.url, url) } : of.state
  return new Publication({ ...of, url, queryHidden: true, state })
}

/** Of an entry of the audit log its detail; a URL that is cut ends in "?…" there. */
export const detail = (who: Identity, of: AuditEntry["detail"]): AuditEntry["detail"] =>
  seesQueries(who) ? of : fieldsOf(of)

const fieldsOf = (of: object) => Object.fromEntries(Object.entries(of).map(([name, value]) => [name, told(value)]))

const told = (value: unknown): unknown => {
  if (typeof value === "string") return value.replace(query, "$1?…")
  if (Array.isArray(value)) return value.map(told)
  return typeof value === "object" && value !== null ? fieldsOf(value) : value
}

/** Of the URLs in a text: people write them into their reasons, too. */
const query = /\b(https?:\/\/[^\s?#]+)\?[^\s#]+/gi
