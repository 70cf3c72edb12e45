/** `piecework-service publish`: hashes a file, a URL or all files of a folder, and makes them known, while the service runs or not. */
import { statSync } from "node:fs"
import { basename } from "node:path"
import type { FolderError } from "@piecework/catalog/Folder"
import { hash, type UrlHashError } from "@piecework/catalog/UrlHasher"
import type { PublishReply } from "@piecework/cloud/ContentAdminRpcs"
import { maxUrls } from "@piecework/cloud/ContentAdminRpcs"
import type { ContentUrl } from "@piecework/domain/ContentUrl"
import * as FileHasher from "@piecework/hashing/FileHasher"
import * as HasherConfig from "@piecework/hashing/HasherConfig"
import * as Phf from "@piecework/hashing/Phf"
import { PieceHasher } from "@piecework/hashing/PieceHasher"
import { Failure } from "@piecework/terminal/Failure"
import { Output } from "@piecework/terminal/Output"
import { Clock, Effect, Layer, Option } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { exitCodes } from "../ExitCode.ts"
import { ofFile } from "../Explained.ts"
import * as Amount from "../view/Amount.ts"
import { progressLine } from "../view/ProgressLine.ts"
import * as contents from "./contents.ts"
import { contentUrl } from "./options.ts"
import * as remote from "./remote.ts"
import { serve } from "./serve.ts"
import { printable } from "../view/Printable.ts"

const source = Argument.String("FILE|URL|DIR").pipe(
  Argument.withDescription(
    "a file as the origin has it, a URL that is read once, or a folder that the origin has under --base-url"
  )
)

const urls = Flag.String("url").pipe(
  Flag.withMetavar("URL"),
  Flag.withDescription("where the origin has the file; may be given several times"),
  Flag.between(0, maxUrls - 1)
)

const baseUrl = Flag.String("base-url").pipe(
  Flag.withMetavar("URL"),
  Flag.withDescription("of a folder: the URL under which the origin has its files, by their paths in it"),
  Flag.optional
)

export const publish = Command.make("publish", {
  source,
  urls,
  baseUrl,
  ...contents.policyFlags,
  ...remote.flags
}).pipe(
  Command.withDescription("Makes a file, or all files of a folder, known, so that devices can share their pieces"),
  Command.withHandler(({ baseUrl: base, source: from, urls: texts, ...rest }) =>
    Effect.gen(function* () {
      const { data, json } = yield* serve
      const output = yield* Output
      const others = yield* Effect.forEach(texts, contentUrl)
      const plan = yield* planOf(from, others, Option.getOrUndefined(base))
      const where = { ...rest, data }
      const policy = contents.policyOf(rest)
      const published = yield* contents.administer(where, (client) =>
        Effect.flatMap(plan, (all) =>
          Effect.forEach(all, (one) =>
            Effect.gen(function* () {
              const onProgress = output.isWatched ? watch(output, yield* Clock.Clock, one.label) : undefined
              const phf = yield* one
                .hash(onProgress)
                .pipe(Effect.ensuring(onProgress === undefined ? Effect.void : output.redraw("")))
              const reply = yield* client.Publish({ phf: Phf.encode(phf), urls: one.urls, policy })
              return { reply, label: one.label }
            })
          )
        ).pipe(Effect.provide(PieceHasher.layer.pipe(Layer.provide(HasherConfig.layer()))), inWords)
      )
      return yield* told(output, published, { json, isFolder: Option.isSome(base) })
    })
  )
)

/** One content to be: how to hash it, and where its origin has it. */
interface Wanted {
  readonly label: string
  readonly urls: ReadonlyArray<ContentUrl>
  readonly hash: (onProgress: OnProgress | undefined) => Effect.Effect<Phf.Phf, Trouble, PieceHasher>
}

type OnProgress = (hashed: number, total: number | undefined) => void
type Trouble = FileHasher.FileHashError | UrlHashError | Failure
type Plan = Effect.Effect<ReadonlyArray<Wanted>, FolderError | Failure>

/** What is to be published; a folder is looked through only when it is carried out. */
const planOf = Effect.fnUntraced(function* (
  from: string,
  others: ReadonlyArray<ContentUrl>,
  base: string | undefined
): Effect.fn.Return<Plan, Failure> {
  if (/^https?:\/\//i.test(from)) {
    if (base !== undefined) return yield* usage("A --base-url goes with a folder, not with a URL.")
    const url = yield* contentUrl(from)
    return Effect.succeed([
      {
        label: from,
        urls: [url, ...others],
        hash: (onProgress) => ofUrl(url, onProgress === undefined ? {} : { onProgress })
      }
    ])
  }
  if (base !== undefined) {
    if (others.length > 0) return yield* usage("With a --base-url there is no --url.")
    const under = yield* contentUrl(base)
    if (new URL(under).search !== "") return yield* usage("A --base-url has no query.")
    return Effect.gen(function* () {
      const { files } = yield* Effect.promise(() => import("@piecework/catalog/Folder"))
      const all = yield* files(from, under)
      return all.map(({ path, url }): Wanted => ({ label: path, urls: [url], hash: ofFileAt(path) }))
    })
  }
  if (statSync(from, { throwIfNoEntry: false })?.isDirectory() === true) {
    return yield* usage(`${from} is a folder; give the --base-url under which the origin has its files.`)
  }
  if (others.length === 0) return yield* usage("Give a --url at which the origin has the file.")
  return Effect.succeed([{ label: basename(from), urls: others, hash: ofFileAt(from) }])
})

const usage = (sentence: string) => new Failure({ sentence, code: exitCodes.usage })

const ofFileAt = (path: string) => (onProgress: OnProgress | undefined) =>
  FileHasher.phfOf(path, onProgress === undefined ? {} : { onProgress })

/** The client of origins is loaded for those who need it. */
const ofUrl = (url: ContentUrl, options: { readonly onProgress?: OnProgress }) =>
  Effect.gen(function* () {
    const { HttpClient, HttpClientConfig, Proxies } = yield* Effect.promise(() => import("@piecework/sources"))
    const { Transport } = yield* Effect.promise(() => import("@piecework/transport"))
    const client = HttpClient.HttpClient.layer.pipe(
      Layer.provide(HttpClientConfig.layer({ proxies: Proxies.fromEnvironment(process.env) })),
      Layer.provide(Transport.Transport.layer)
    )
    const { phf } = yield* Effect.provide(hash(url, options), client)
    return phf
  })

const inWords = Effect.mapError(<E>(error: E | Trouble | FolderError): Exclude<E, Trouble | FolderError> | Failure => {
  const tag = typeof error === "object" && error !== null && "_tag" in error ? error._tag : undefined
  switch (tag) {
    case "FileHashError":
      return ofFile(error as FileHasher.FileHashError)
    case "FolderError":
      return new Failure({ sentence: (error as FolderError).message, code: exitCodes.file })
    case "UrlHashError": {
      const { message, reason } = error as UrlHashError
      return new Failure({ sentence: message, code: urlCodes[reason] })
    }
    default:
      return error as Exclude<E, Trouble | FolderError> | Failure
  }
})

const urlCodes = {
  Unreachable: exitCodes.unreachable,
  Refused: exitCodes.refused,
  Forbidden: exitCodes.badUrl,
  TooLarge: exitCodes.file,
  WrongLength: exitCodes.file,
  Changed: exitCodes.file,
  Failed: exitCodes.unexpected
} as const satisfies { readonly [R in UrlHashError["reason"]]: number }

/** Draws at most ten times a second. */
const watch = (output: Output["Service"], clock: Clock.Clock, name: string): OnProgress => {
  const started = clock.currentTimeMillisUnsafe()
  let drawnAt = 0
  return (hashed, total = hashed) => {
    const now = clock.currentTimeMillisUnsafe()
    if (now - drawnAt < 100 && hashed < total) return
    drawnAt = now
    output.redrawUnsafe(progressLine({ name, hashed, total, elapsed: now - started, columns: output.columns() }))
  }
}

interface Published {
  readonly label: string
  readonly reply: PublishReply
}

const told = (
  output: Output["Service"],
  published: ReadonlyArray<Published>,
  { isFolder, json }: { readonly isFolder: boolean; readonly json: boolean }
) =>
  Effect.gen(function* () {
    const [only] = published
    if (isFolder) {
      if (json) return yield* output.line(JSON.stringify(published.map(({ reply }) => forPrograms(reply))))
      const isNew = published.filter(({ reply }) => reply.isNew).length
      yield* output.note(`Published ${Amount.count(published.length, "file")}, ${isNew} of them new.`)
      for (const { label, reply } of published) {
        yield* output.line(`${reply.content.contentId}  ${printable(label)}`)
      }
      return
    }
    if (only === undefined) return
    if (json) return yield* output.line(JSON.stringify(forPrograms(only.reply)))
    yield* output.note(sentence(only.reply))
    return yield* output.line(only.reply.content.contentId)
  })

const forPrograms = ({ added, content, isNew, moved }: PublishReply) => ({
  ...contents.forPrograms(content),
  isNew,
  added,
  moved
})

const sentence = ({ added, content, isNew, moved }: PublishReply): string => {
  const halted = content.haltedAt === null ? "" : " It is halted: nobody gets it until it is resumed."
  if (isNew)
    return `Published ${Amount.bytes(content.contentSize)} in ${Amount.count(contents.piecesOf(content), "piece")}.`
  if (moved.length > 0) {
    return `These bytes were known already; ${moved.length} of the URLs had other bytes before.${halted}`
  }
  return added.length > 0
    ? `These bytes were known already; now under another URL too.${halted}`
    : `This was published already.${halted}`
}
