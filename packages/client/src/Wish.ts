/** What callers write, texts and spans of time, as options of the contract; whatever makes no sense is one `OptionsError`. */
import { resolve } from "node:path"
import * as ContentUrl from "@piecework/domain/ContentUrl"
import { Duration, Effect, Result, Schema } from "effect"
import { OptionsError } from "./AgentError.ts"
import { JobOptions, OpenOptions, type Range, Ranges } from "./JobOptions.ts"

interface OfContent {
  /** What the bytes have to be, `DO-…`: other bytes are refused, and the hashes need no service. */
  readonly contentId?: string | undefined
  /** Go with the requests, to the server of the URL. */
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** Go there as well, once that server asks who we are (401). */
  readonly authHeaders?: Readonly<Record<string, string>> | undefined
  /** Other URLs of the same content. */
  readonly mirrors?: ReadonlyArray<string | URL> | undefined
  /** Whether somebody waits for it. Default "Foreground". */
  readonly priority?: "Foreground" | "Background" | undefined
}

export interface DownloadWish extends OfContent {
  /** Where the file shall be, from the present folder on; nothing may be there. Default: the last part of the URL. */
  readonly path?: string | undefined
  /** These bytes alone; the file has them one after the other. */
  readonly ranges?: ReadonlyArray<Range> | undefined
  /** Gives up when nothing came for so long, 10 seconds at least. Default 5 minutes; a number is milliseconds. */
  readonly noProgressTimeout?: Duration.Input | undefined
  /** Whether bytes that nobody vouches for are refused. Default false. */
  readonly mandatoryIntegrity?: boolean | undefined
  /** Whether redirects may lead from https to http. Default false. */
  readonly allowInsecureRedirect?: boolean | undefined
}

export interface OpenWish extends OfContent {
  /** Whether all of it is fetched even if only parts are read. Default true. */
  readonly isWhole?: boolean | undefined
}

export const job = Effect.fnUntraced(function* (
  url: string | URL,
  wish: DownloadWish
): Effect.fn.Return<JobOptions, OptionsError> {
  const { allowInsecureRedirect, mandatoryIntegrity: isMandatory, noProgressTimeout, path } = wish
  const ofContent = yield* content(url, wish)
  const name = path ?? ContentUrl.fileName(ofContent.url)
  if (name === undefined || name === "") {
    return yield* new OptionsError({ detail: `${ofContent.url} does not end in a file name; give one as path.` })
  }
  return yield* decode(JobOptions, {
    ...ofContent,
    path: resolve(name),
    noProgressTimeoutSeconds: noProgressTimeout === undefined ? undefined : yield* seconds(noProgressTimeout),
    integrity: isMandatory === undefined ? undefined : { isMandatory },
    allowInsecureRedirect
  })
})

/** The parts of the content that are wished for; `undefined` for all of it. */
export const parts = ({ ranges }: DownloadWish): Effect.Effect<ReadonlyArray<Range> | undefined, OptionsError> =>
  ranges === undefined
    ? Effect.succeed(undefined)
    : Schema.decodeUnknownEffect(Ranges)(ranges).pipe(
        Effect.mapError(({ message }) => new OptionsError({ detail: message }))
      )

export const open = Effect.fnUntraced(function* (
  url: string | URL,
  wish: OpenWish
): Effect.fn.Return<OpenOptions, OptionsError> {
  return yield* decode(OpenOptions, { ...(yield* content(url, wish)), isWhole: wish.isWhole })
})

const content = Effect.fnUntraced(function* (url: string | URL, wish: OfContent) {
  const { authHeaders, contentId, headers, mirrors, priority = "Foreground" } = wish
  return {
    url: yield* parse(url),
    contentId,
    headers,
    authHeaders,
    mirrors: mirrors === undefined ? undefined : yield* Effect.forEach(mirrors, parse),
    priority
  }
})

const parse = (url: string | URL): Effect.Effect<ContentUrl.ContentUrl, OptionsError> =>
  Result.match(ContentUrl.parse(String(url)), {
    onSuccess: (parsed) => Effect.succeed(parsed),
    onFailure: ({ message }) => Effect.fail(new OptionsError({ detail: message }))
  })

const seconds = (span: Duration.Input): Effect.Effect<number, OptionsError> =>
  Effect.fromOption(Duration.fromInput(span)).pipe(
    Effect.map((duration) => Math.ceil(Duration.toSeconds(duration))),
    Effect.mapError(() => new OptionsError({ detail: `noProgressTimeout is no span of time.` }))
  )

/** What is `undefined` is not given. */
const decode = <A>(
  schema: Schema.Codec<A, unknown>,
  options: Readonly<Record<string, unknown>>
): Effect.Effect<A, OptionsError> =>
  Schema.decodeUnknownEffect(schema)(
    Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
  ).pipe(Effect.mapError(({ message }) => new OptionsError({ detail: message })))
