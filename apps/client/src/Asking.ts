/** What a command line adds to the requests for a content: headers, as curl takes them, and other URLs of the same file. */
import { readFile } from "node:fs/promises"
import type { ContentUrl } from "@piecework/domain/ContentUrl"
import { mostOthers } from "@piecework/download/Origins"
import * as RequestHeaders from "@piecework/sources/RequestHeaders"
import { Failure } from "@piecework/terminal/Failure"
import { Effect, Result } from "effect"
import { Flag } from "effect/cli"
import { parseUrl } from "./command/options.ts"
import { exitCodes } from "./ExitCode.ts"

export const header = Flag.String("header").pipe(
  Flag.withAlias("H"),
  Flag.withDescription(
    'a header for the requests, like "Name: value", or @FILE with one a line; goes to the URL\'s own server; can be repeated'
  ),
  Flag.withMetavar("LINE"),
  Flag.between(0, RequestHeaders.maxHeaders)
)

export const mirror = Flag.String("mirror").pipe(
  Flag.withDescription(
    "another URL of the same file, asked beside the first one or when that is gone; can be repeated"
  ),
  Flag.withMetavar("URL"),
  Flag.between(0, mostOthers)
)

const usage = (sentence: string) => new Failure({ sentence, code: exitCodes.usage })

/** The lines of a file, for headers that other users of the machine must not see in the list of its processes. */
const linesOf = (path: string): Effect.Effect<ReadonlyArray<string>, Failure> =>
  Effect.tryPromise({
    try: () => readFile(path, "latin1"),
    catch: (cause) =>
      usage(`--header @${path}: the file cannot be read (${cause instanceof Error ? cause.message : "unknown"}).`)
  }).pipe(Effect.map((text) => text.split(/\r?\n/).filter((line) => line !== "")))

/** "Name;" is curl's way to write a header without a value. */
const written = (line: string): string => (/^[^:]+;$/.test(line) ? `${line.slice(0, -1)}:` : line)

export const parseHeaders = Effect.fn("Asking.parseHeaders")(function* (
  given: ReadonlyArray<string>
): Effect.fn.Return<RequestHeaders.RequestHeaders | undefined, Failure> {
  if (given.length === 0) return undefined
  const lines = yield* Effect.forEach(given, (one) =>
    one.startsWith("@") ? linesOf(one.slice(1)) : Effect.succeed([one])
  )
  const parsed = RequestHeaders.parse(lines.flat().map(written))
  return Result.isFailure(parsed) ? yield* usage(`--header: ${parsed.failure.message}`) : parsed.success
})

export const parseMirrors = (given: ReadonlyArray<string>): Effect.Effect<ReadonlyArray<ContentUrl>, Failure> =>
  Effect.forEach(given, parseUrl)
