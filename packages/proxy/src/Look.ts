/**
 * One byte from the origin, without anybody's credentials, before a known content is sent in its place: does it still have a file of this size
 * there, for everybody, and how does it call that version? So an answer from the swarm says what the origin's would have said, and
 * what the origin refuses, or has replaced, is left to the origin.
 */
import type { ContentUrl } from "@piecework/domain/ContentUrl"
import { HttpClient } from "@piecework/sources/HttpClient"
import { type Duration, Effect } from "effect"
import type { Facts } from "./Answer.ts"

export type Look =
  /** It has it. `isPublic`: for everybody alike. */
  | { readonly _tag: "Same"; readonly facts: Facts; readonly isPublic: boolean }
  /** It has something else there, or refuses. */
  | { readonly _tag: "Other" }
  /** It cannot be asked now. */
  | { readonly _tag: "Silent" }

export const silent: Look = { _tag: "Silent" }

export const take = Effect.fn("Look.take")(function* (
  url: ContentUrl,
  size: number,
  limit: Duration.Input
): Effect.fn.Return<Look, never, HttpClient> {
  const client = yield* HttpClient
  const look = Effect.gen(function* () {
    const { contentLength, contentRange, headers, status } = yield* client.get({ url, range: { start: 0, end: 0 } })
    // A server that is in trouble says nothing of the content.
    if (status >= 500) return silent
    const found = status === 206 ? contentRange?.total : status === 200 ? contentLength : undefined
    return found === size ? ({ _tag: "Same", facts: headers, isPublic: isPublic(headers) } as const) : other
  })
  return yield* Effect.scoped(look).pipe(
    Effect.catch(() => Effect.succeed(silent)),
    Effect.timeoutOrElse({ duration: limit, orElse: () => Effect.succeed(silent) })
  )
})

const other: Look = { _tag: "Other" }

/** Whether what is sent does not depend on who asks. Source: RFC 9111, section 5.2.2.7; RFC 9110, section 12.5.5. */
export const isPublic = (facts: Facts): boolean =>
  !/(?:^|[\s,])(?:private|no-store)(?:$|[\s,=])/i.test(facts.get("cache-control") ?? "") &&
  !/(?:^|[\s,])(?:\*|authorization|cookie)(?:$|[\s,])/i.test(facts.get("vary") ?? "")
