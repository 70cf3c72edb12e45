/**
 * Fetches pieces hash files, and believes those that are the promised ones. Where one lies is tried after the other; the whole
 * takes no longer than `phfTimeout`. No credentials go there but those that are said for each place, and to the content's own server
 * those of the content.
 */
import * as Patience from "@piecework/domain/Patience"
import type { ContentUrl } from "@piecework/domain/ContentUrl"
import type { Digest } from "@piecework/domain/Digest"
import * as Phf from "@piecework/hashing/Phf"
import type { Access } from "@piecework/sources/Access"
import * as CacheServer from "@piecework/sources/CacheServer"
import { HttpClient, type Way } from "@piecework/sources/HttpClient"
import { Effect, Result } from "effect"
import { DownloadConfig } from "./DownloadConfig.ts"
import { Fallback } from "./DownloadError.ts"
import type { JobCache } from "./JobCache.ts"
import type { NamedHashes } from "./NamedHashes.ts"

export interface Place {
  readonly url: ContentUrl
  readonly headers: Readonly<Record<string, string>>
  readonly expected: Phf.Expected
  /** How it is asked for there. Default as the settings of HTTP say. */
  readonly way?: Way | undefined
}

/** Which places are asked in the place of one. */
export type Instead = (place: Place) => Effect.Effect<ReadonlyArray<Place>>

/** The cache server comes first for what lies beside the content: it is believed by its hash, whoever has it. */
export const fromCache =
  (cache: Pick<JobCache, "beside"> | undefined): Instead =>
  (place) =>
    cache === undefined
      ? Effect.succeed([place])
      : Effect.map(cache.beside(place.url), (found) => {
          if (found === undefined) return [place]
          const there = { url: found.url, headers: {}, expected: place.expected, way: CacheServer.way }
          return found.isOnly ? [there] : [there, place]
        })

/** Where the caller's own lie. `promised`: the hash of hashes, when that is known. */
export const placeOf = ({ expected, url }: NamedHashes, promised?: Digest): Place => ({
  url,
  headers: {},
  expected: promised === undefined ? expected : { ...expected, hashOfHashes: promised }
})

/** The verified file from the first place that has it; else why the last of them did not. */
export const fetchAny = Effect.fn("HashesFile.fetchAny")(function* (
  first: Place,
  others: ReadonlyArray<Place>,
  access: Access | undefined,
  instead: Instead = (place) => Effect.succeed([place])
): Effect.fn.Return<Phf.Phf, Fallback, DownloadConfig | HttpClient> {
  const { phfTimeout } = yield* DownloadConfig
  const at = (place: Place) =>
    Effect.flatMap(instead(place), ([one = place, ...rest]) =>
      rest.reduce((sofar, next) => Effect.catch(sofar, () => fetch(next, access)), fetch(one, access))
    )
  const all = others.reduce((sofar, place) => Effect.catch(sofar, () => at(place)), at(first))
  return yield* Effect.timeoutOrElse(all, {
    duration: phfTimeout,
    orElse: () => Effect.fail(missing(first.url, "it did not come in time"))
  })
})

const missing = (url: ContentUrl, detail: string) => new Fallback({ reason: "PhfMissing", detail: `${url}: ${detail}` })

const fetch = Effect.fnUntraced(function* (
  { expected, headers, url, way }: Place,
  access: Access | undefined
): Effect.fn.Return<Phf.Phf, Fallback, DownloadConfig | HttpClient> {
  const bytes = yield* Effect.scoped(download(url, headers, access, way))
  const verified = Phf.verify(bytes, expected)
  if (Result.isSuccess(verified)) return verified.success
  const error = diagnosed(bytes, verified.failure)
  const detail = `${url}: ${error.message}`
  switch (error.reason) {
    case "WrongVersion":
      return yield* Effect.fail(new Fallback({ reason: "PhfVersion", detail }))
    case "HashMismatch":
      return yield* Effect.fail(new Fallback({ reason: "PhfMismatch", detail }))
    default:
      return yield* Effect.fail(new Fallback({ reason: "PhfInvalid", detail }))
  }
})

/** Why the bytes are not the promised file, as exactly as can be told: what cannot be read is more than "another one". */
const diagnosed = (bytes: Uint8Array, error: Phf.PhfError): Phf.PhfError => {
  if (error.reason !== "HashMismatch") return error
  const decoded = Phf.decode(bytes)
  return Result.isFailure(decoded) ? decoded.failure : error
}

/** The bytes at the URL, as long as they can be a pieces hash file; room is made only for what came. */
const download = Effect.fnUntraced(function* (
  url: ContentUrl,
  headers: Readonly<Record<string, string>>,
  access: Access | undefined,
  way: Way | undefined
) {
  const http = yield* HttpClient
  const { lookupTimeout } = yield* DownloadConfig
  const response = yield* http.get({ url, headers, access, way }).pipe(
    Effect.mapError((error) => missing(url, error.message)),
    // The next URL may answer.
    Patience.timeoutOrElse({
      duration: lookupTimeout,
      orElse: () => Effect.fail(missing(url, "the server did not answer in time"))
    })
  )
  if (response.status !== 200) return yield* Effect.fail(missing(url, `HTTP ${response.status}`))
  const tooLarge = new Fallback({ reason: "PhfInvalid", detail: `${url}: more than ${Phf.maxBytes} bytes` })
  if (response.contentLength !== undefined && response.contentLength > Phf.maxBytes) {
    return yield* Effect.fail(tooLarge)
  }

  let bytes = new Uint8Array(Math.min(response.contentLength ?? firstRoom, firstRoom))
  let length = 0
  while (true) {
    length += yield* Effect.mapError(response.body.fill(bytes.subarray(length)), (error) => missing(url, error.message))
    if (length < bytes.length) break
    if (bytes.length > Phf.maxBytes) return yield* Effect.fail(tooLarge)
    const larger = new Uint8Array(Math.max(firstRoom, bytes.length * 2))
    larger.set(bytes)
    bytes = larger
  }
  return bytes.subarray(0, length)
})

/** Room for the hash file of a content of 22 GB; larger ones grow into theirs. */
const firstRoom = 1 << 20
