/**
 * Who is asked for a file over plain HTTP: its origin, or cache servers in the origin's stead, one at a time. Each answer says what kind
 * of server it is from; whoever reads it tells what became of it.
 */
import type { ContentUrl } from "@piecework/domain/ContentUrl"
import type { HttpError } from "@piecework/sources/HttpError"
import type { Origin } from "@piecework/sources/Origin"
import type { SourceError } from "@piecework/sources/PieceSource"
import { Effect } from "effect"
import { CurrentLedger } from "./CurrentLedger.ts"
import { NoSourceError } from "./DownloadError.ts"

/** What is to be done after a failure. */
export type Verdict =
  /** Asking anybody again is of no use. */
  | { readonly _tag: "Fatal" }
  /** Somebody else is asked next, so there is nothing to wait for. */
  | { readonly _tag: "AtOnce" }
  /** The same one is asked again after a while; that nothing comes is no reason to give up before `until`, in epoch milliseconds. */
  | { readonly _tag: "Later"; readonly until: number }

/** Those that can be asked in the origin's stead. */
export interface Instead {
  /** Waits while nobody is to be asked. */
  readonly ready: Effect.Effect<void>
  /** The last attempt failed; `hasGrown` says whether anything came of it. */
  readonly failed: (error: SourceError | HttpError, hasGrown: boolean) => Effect.Effect<Verdict>
  /**
   * The bytes that came were not the ones that were expected. Answers whether those of a cache server are among them, which is not asked
   * again then, and somebody else may be.
   */
  readonly spoiled: Effect.Effect<boolean>
  /** The origin is never to be asked. */
  readonly isAlone: () => boolean
  /** Bytes of a cache server came since the last beginning. */
  readonly hasGiven: () => boolean
}

/** An origin is one. */
export interface Asked extends Pick<Origin, "id" | "url" | "probe" | "stream"> {
  /** Absent where only the origin can be asked. */
  readonly instead?: Instead | undefined
}

/** Whose the failure is that ends the download; as `NoSourceError` has it. */
export const endOf = ({ instead, url }: Pick<Asked, "instead" | "url">, error: SourceError): NoSourceError =>
  NoSourceError.from(url, error, instead?.isAlone())

/** The bytes that came are not the expected ones, and nobody else can be asked. */
export const badPieces = ({ instead }: Pick<Asked, "instead">, url: ContentUrl): NoSourceError => {
  const cacheServer = instead?.hasGiven() === true ? (instead.isAlone() ? "Alone" : "BeforeOrigin") : undefined
  return new NoSourceError({
    url,
    reason: "BadPieces",
    ...(cacheServer === undefined ? {} : { cacheServer, detail: "the bytes do not match the published hashes" })
  })
}

/** What is to be done after a failure of who was asked last. */
export const verdictOn = Effect.fnUntraced(function* (
  asked: Asked,
  error: SourceError | HttpError,
  hasGrown: boolean
): Effect.fn.Return<Verdict> {
  const source = error._tag === "SourceError" ? error.source : asked.id
  const detail = error._tag === "SourceError" ? error.description : error.message
  ;(yield* CurrentLedger).failed(source, error.reason, detail)
  return yield* asked.instead === undefined ? Effect.succeed(ofOrigin(error)) : asked.instead.failed(error, hasGrown)
})

/** Of an origin that nobody stands in for. */
export const ofOrigin = (error: SourceError | HttpError): Verdict =>
  error._tag === "SourceError" && error.isFatal ? { _tag: "Fatal" } : { _tag: "Later", until: -Infinity }
