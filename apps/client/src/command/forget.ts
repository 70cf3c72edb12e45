/** `piecework forget`: deletes what the cache holds of a content, so that its space is free. Files it made stay. */
import { PieceCache } from "@piecework/cache/PieceCache"
import { type ContentId, parse } from "@piecework/domain/Content"
import { Records } from "@piecework/download/Records"
import * as Ending from "@piecework/terminal/Ending"
import { Failure } from "@piecework/terminal/Failure"
import { Output } from "@piecework/terminal/Output"
import { Effect, FileSystem, Option } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import * as CachePlace from "../CachePlace.ts"
import * as DevicePolicy from "../DevicePolicy.ts"
import { exitCodes } from "../ExitCode.ts"
import { defaultRoot, placesIn } from "@piecework/device/StateFolder"
import * as Amount from "../view/Amount.ts"
import { withStored } from "./existing.ts"
import * as options from "./options.ts"

const name = Argument.String("NAME").pipe(
  Argument.withDescription("a content id, or the URL that a file was fetched from"),
  Argument.optional
)

const all = Flag.Boolean("all").pipe(
  Flag.withDescription("everything, what interrupted downloads left included"),
  Flag.withDefault(false)
)

export const forget = Command.make(
  "forget",
  { name, all, state: options.state, policy: options.policy, json: options.json },
  Effect.fn("forget")(function* (input) {
    yield* Ending.forPrograms(input.json)
    if (input.all === Option.isSome(input.name)) {
      return yield* new Failure({
        sentence: "Say what to forget: a content id, a URL, or --all.",
        code: exitCodes.usage
      })
    }
    const policy = yield* DevicePolicy.load({ policy: input.policy })
    yield* Effect.gen(function* () {
      const output = yield* Output
      const cache = yield* PieceCache
      const known = yield* Records
      const { records } = yield* known.list
      const held = new Map((yield* cache.list).map((content) => [content.contentId, content.heldBytes]))
      const chosen = Option.match(input.name, {
        onNone: () => [...new Set([...held.keys(), ...records.map(({ contentId }) => contentId)])],
        onSome: (text) => {
          const id = Option.getOrUndefined(parse(text))
          const ids = records.filter(({ url }) => url === text).map(({ contentId }) => contentId)
          return id !== undefined && (held.has(id) || records.some((record) => record.contentId === id)) ? [id] : ids
        }
      })
      if (chosen.length === 0 && Option.isSome(input.name)) {
        return yield* new Failure({
          sentence: `Nothing is known of ${input.name.value}; see piecework status.`,
          code: exitCodes.notFound
        })
      }
      yield* Effect.forEach(chosen, (id) => forgetOne(id, held.has(id)))
      const root = Option.getOrElse(input.state, () => defaultRoot(process.env))
      if (input.all) yield* removePartials((yield* CachePlace.named(policy)) ?? placesIn(root).cache)
      const freed = chosen.reduce((sum, id) => sum + (held.get(id) ?? 0), 0)
      yield* input.json
        ? output.line(JSON.stringify({ forgotten: chosen, freedBytes: freed }))
        : output.note(`Forgot ${Amount.count(chosen.length, "content")}; ${Amount.bytes(freed)} of the cache are free.`)
    }).pipe(withStored(input.state, policy))
  })
).pipe(
  Command.withDescription("Delete what the cache holds of a file; the file itself stays"),
  Command.withExamples([
    { command: "piecework forget http://origin/image.iso", description: "Free the space of one file" },
    { command: "piecework forget --all", description: "Empty the cache" }
  ])
)

const forgetOne = Effect.fnUntraced(function* (id: ContentId, isHeld: boolean) {
  if (isHeld) yield* (yield* PieceCache).remove(id)
  yield* (yield* Records).remove(id)
})

/** What downloads in Simple mode had fetched when they were interrupted. */
const removePartials = Effect.fnUntraced(function* (cache: string) {
  const fs = yield* FileSystem.FileSystem
  yield* fs
    .remove(`${cache}/simple`, { recursive: true, force: true })
    .pipe(Effect.mapError((error) => new Failure({ sentence: error.message, code: exitCodes.storage })))
})
