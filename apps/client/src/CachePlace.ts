/**
 * Where the cache lies: in the folder that `DOModifyCacheDrive` names, else in the state folder. Where it lay before is kept in the
 * state folder's `cache-places`, so that what is there is taken along, also when that is interrupted, or its disk is away for a while.
 */
import { randomBytes } from "node:crypto"
import { isAbsolute, join, resolve } from "node:path"
import type { CacheError } from "@piecework/cache/CacheError"
import * as CacheMove from "@piecework/cache/CacheMove"
import type { PieceHasher } from "@piecework/hashing/PieceHasher"
import type { LivePolicy } from "@piecework/policy/LivePolicy"
import type { Policy } from "@piecework/policy/Policy"
import { Failure } from "@piecework/terminal/Failure"
import { Effect, FileSystem, Option, Queue, Schema, type Scope } from "effect"
import { exitCodes } from "./ExitCode.ts"

/** Source: spec.md §3.5. */
const folderMissing = "0x80D03809"

/** A variable as Windows writes it, or as shells do. */
const variable = /%(\w+)%|\$\{(\w+)\}|\$(\w+)/g

/** The setting with its variables filled in; the sentence that says what is wrong with it otherwise. */
export const expanded = (
  text: string,
  env: Readonly<Record<string, string | undefined>>
): { readonly path: string } | { readonly flaw: string } => {
  const unknown: Array<string> = []
  const path = text.replace(variable, (_, ...names: ReadonlyArray<string | undefined>) => {
    const name = names.slice(0, 3).find((one) => one !== undefined) ?? ""
    const value = env[name]
    if (value === undefined || value === "") unknown.push(name)
    return value ?? ""
  })
  if (unknown.length > 0) return { flaw: `it names ${unknown.join(", ")}, which the environment does not have` }
  if (!isAbsolute(path)) return { flaw: `${path} is no full path` }
  return { path: resolve(path) }
}

/** The folder that the settings name, if they do. It has to be there: it may be on a disk that is not mounted. */
export const named = Effect.fn("CachePlace.named")(function* (
  policy: Policy
): Effect.fn.Return<string | undefined, Failure, FileSystem.FileSystem> {
  const said = policy.get("DOModifyCacheDrive")
  if (said === undefined || said === "") return undefined
  const found = expanded(said, process.env)
  if ("flaw" in found) return yield* refuse(`DOModifyCacheDrive cannot be used: ${found.flaw}.`)
  const fs = yield* FileSystem.FileSystem
  const kind = yield* Effect.option(fs.stat(found.path))
  if (Option.isNone(kind) || kind.value.type !== "Directory") {
    return yield* refuse(
      `The folder ${found.path} that DOModifyCacheDrive names is not there (${folderMissing}); mount its disk, make it, or change the setting.`
    )
  }
  return found.path
})

/** Runs with the cache where the settings say, and begins anew elsewhere when they change. A place that cannot be used is told, and left. */
export const following = Effect.fn("CachePlace.following")(function* <A, E, R>(
  live: LivePolicy,
  first: string | undefined,
  run: (at: string | undefined) => Effect.Effect<A, E, R>
): Effect.fn.Return<A, E, R | FileSystem.FileSystem | Scope.Scope> {
  const changes = yield* Queue.sliding<Policy>(1)
  yield* live.onChange((policy) => void Queue.offerUnsafe(changes, policy))
  const next = (at: string | undefined): Effect.Effect<string | undefined, never, FileSystem.FileSystem> =>
    Queue.take(changes).pipe(
      Effect.flatMap(named),
      Effect.catch((error) => Effect.as(Effect.logWarning(error), at)),
      Effect.flatMap((found) => (found === at ? next(at) : Effect.succeed(found)))
    )
  let at = first
  while (true) {
    const ended: Option.Option<A> = yield* Effect.raceFirst(
      Effect.asSome(run(at)),
      Effect.map(next(at), (place) => {
        at = place
        return Option.none<A>()
      })
    )
    if (Option.isSome(ended)) return ended.value
  }
}, Effect.scoped)

const refuse = (sentence: string) => new Failure({ sentence, code: exitCodes.storage })

const usual = (root: string): string => join(resolve(root), "cache")

const Places = Schema.fromJsonString(
  Schema.Struct({ places: Schema.Array(Schema.String).check(Schema.isMaxLength(100)) })
)

/** A hundred paths have less. */
const maxBytes = 500_000

/** Where contents may be that are to be taken along; a file that is none of ours says nothing. */
const formerPlaces = Effect.fnUntraced(function* (root: string) {
  const fs = yield* FileSystem.FileSystem
  const file = join(root, "cache-places")
  const read = Effect.gen(function* () {
    const { size, type } = yield* fs.stat(file)
    if (type !== "File" || Number(size) > maxBytes) return []
    const { places } = yield* Schema.decodeUnknownEffect(Places)(yield* fs.readFileString(file))
    return places.filter(isAbsolute)
  })
  return new Set([usual(root), ...(yield* Effect.orElseSucceed(read, () => []))])
})

/** Replaced whole, so that a reader sees the old list or the new one. */
const remember = Effect.fnUntraced(function* (root: string, places: ReadonlySet<string>) {
  const fs = yield* FileSystem.FileSystem
  const draft = join(root, `cache-places.${randomBytes(4).toString("hex")}`)
  yield* fs.writeFileString(draft, JSON.stringify({ places: [...places] })).pipe(
    Effect.andThen(fs.rename(draft, join(root, "cache-places"))),
    Effect.onError(() => Effect.ignore(fs.remove(draft)))
  )
})

/**
 * Takes along what renaming takes along, and answers the work that is left: copying from another disk, which may take long, and may
 * be interrupted. Whatever does not work is told, and tried again the next time.
 */
export const takeAlong = Effect.fn("CachePlace.takeAlong")(function* (
  root: string,
  to: string
): Effect.fn.Return<Effect.Effect<void, never, PieceHasher>, never, FileSystem.FileSystem> {
  const fs = yield* FileSystem.FileSystem
  const former = yield* formerPlaces(root)
  // Before anything is put there: a later change of the setting has to know of it.
  if (!former.has(to)) {
    yield* Effect.catch(remember(root, new Set([...former, to])), (error) => Effect.logWarning(error))
  }
  const told = (from: string) => (error: CacheError) =>
    Effect.annotateLogs(Effect.logWarning(`could not take the cache along: ${error.message}`), { from, to })
  const copies: Array<Effect.Effect<void, never, PieceHasher>> = []
  for (const from of former) {
    if (from === to || !(yield* Effect.orElseSucceed(fs.exists(from), () => false))) continue
    const rest = yield* Effect.catch(CacheMove.rename({ from, to }), (error) => Effect.as(told(from)(error), undefined))
    if (rest === undefined || rest.copies === 0) continue
    copies.push(Effect.catch(Effect.asVoid(CacheMove.copy({ from, to })), told(from)))
  }
  return Effect.all(copies, { discard: true })
})
