/**
 * A folder whose files an origin has under one URL: every file below it with its URL. What leads out of the folder is not
 * followed, so that a link in it publishes nothing that the origin does not have there.
 */
import { readdir, realpath, stat } from "node:fs/promises"
import { join, sep } from "node:path"
import { type ContentUrl, parse } from "@piecework/domain/ContentUrl"
import { Effect, Result, Schema } from "effect"

export class FolderError extends Schema.TaggedError<FolderError>()("FolderError", {
  path: Schema.String,
  reason: Schema.Literals([
    "NotFound",
    "Denied",
    "NotAFolder",
    /** A link that leads out of the folder, or nowhere. */
    "LeadsOut",
    /** The name makes no URL under the base. */
    "NoUrl",
    "TooMany",
    "Failed"
  ]),
  cause: Schema.optionalKey(Schema.Defect())
}) {
  override get message(): string {
    switch (this.reason) {
      case "NotFound":
        return `There is no folder ${this.path}.`
      case "Denied":
        return `${this.path} may not be read by this user.`
      case "NotAFolder":
        return `${this.path} is no folder.`
      case "LeadsOut":
        return `The link ${this.path} leads out of the folder or nowhere; remove it, or publish what it leads to by itself.`
      case "NoUrl":
        return `The name of ${this.path} makes no URL; rename it.`
      case "TooMany":
        return `${this.path} has more than ${maxFiles} files; publish parts of it.`
      case "Failed":
        return `The folder ${this.path} could not be read.`
    }
  }
}

/** Most files of one folder: their names are held in memory. */
export const maxFiles = 100_000

export interface PublishedFile {
  readonly path: string
  readonly url: ContentUrl
}

/** Every file under the folder, in the order of their paths. Names that are no text become none of its URLs: they fail. */
export const files = Effect.fn("Folder.files")(function* (
  folder: string,
  base: ContentUrl
): Effect.fn.Return<ReadonlyArray<PublishedFile>, FolderError> {
  const root = yield* attempt(folder, () => realpath(folder))
  if (!(yield* attempt(folder, () => stat(root))).isDirectory()) {
    return yield* new FolderError({ path: folder, reason: "NotAFolder" })
  }
  const found: Array<PublishedFile> = []
  const seen = new Set([root])
  const waiting: Array<ReadonlyArray<string>> = [[]]
  while (true) {
    const parts = waiting.pop()
    if (parts === undefined) break
    const here = join(folder, ...parts)
    for (const entry of yield* attempt(here, () => readdir(here, { withFileTypes: true }))) {
      const path = join(here, entry.name)
      const below = [...parts, entry.name]
      const real = yield* Effect.mapError(
        attempt(path, () => realpath(path)),
        (error) => (entry.isSymbolicLink() ? new FolderError({ path, reason: "LeadsOut" }) : error)
      )
      if (real !== root && !real.startsWith(root.endsWith(sep) ? root : root + sep)) {
        return yield* new FolderError({ path, reason: "LeadsOut" })
      }
      const what = yield* attempt(path, () => stat(real))
      if (what.isDirectory()) {
        // A link to a folder that was there already would go round and round.
        if (seen.has(real)) continue
        seen.add(real)
        waiting.push(below)
      } else if (what.isFile()) {
        if (found.length >= maxFiles) return yield* new FolderError({ path: folder, reason: "TooMany" })
        found.push({ path, url: yield* urlOf(path, base, below) })
      }
    }
  }
  return found.toSorted((a, b) => (a.path < b.path ? -1 : 1))
})

/** The URL under the base of a path below the folder: each part encoded, whatever is in it. */
const urlOf = (path: string, base: ContentUrl, parts: ReadonlyArray<string>) => {
  const under = new URL(base)
  const before = under.pathname.replace(/\/+$/, "")
  const encoded = Result.try(() => parts.map(encodeURIComponent).join("/"))
  if (Result.isFailure(encoded)) return Effect.fail(new FolderError({ path, reason: "NoUrl" }))
  under.pathname = `${before}/${encoded.success}`
  const url = parse(under.href)
  return Result.isFailure(url)
    ? Effect.fail(new FolderError({ path, reason: "NoUrl", cause: url.failure }))
    : Effect.succeed(url.success)
}

const attempt = <A>(path: string, evaluate: () => Promise<A>): Effect.Effect<A, FolderError> =>
  Effect.tryPromise({
    try: evaluate,
    catch: (cause) => new FolderError({ path, reason: reasonOf(cause), cause })
  })

const reasonOf = (cause: unknown): FolderError["reason"] => {
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined
  switch (code) {
    case "ENOENT":
      return "NotFound"
    case "ENOTDIR":
      return "NotAFolder"
    case "EACCES":
    case "EPERM":
      return "Denied"
    default:
      return "Failed"
  }
}
