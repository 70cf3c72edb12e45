/** `piecework cache`: what the cache keeps, for how long, and what it shall not keep. */
import { CacheKeeper } from "@piecework/cache/CacheKeeper"
import { usesPeers } from "@piecework/domain/DownloadMode"
import { Records } from "@piecework/download/Records"
import * as LivePolicy from "@piecework/policy/LivePolicy"
import * as Ending from "@piecework/terminal/Ending"
import { Failure } from "@piecework/terminal/Failure"
import { Output } from "@piecework/terminal/Output"
import { Clock, Effect } from "effect"
import { Command } from "effect/cli"
import * as DevicePolicy from "../DevicePolicy.ts"
import { exitCodes } from "../ExitCode.ts"
import * as CacheTable from "../view/CacheTable.ts"
import { chosen, common, ids, needed, onCache, told } from "./cacheContents.ts"
import { remove } from "./cacheDelete.ts"
import { expire } from "./cacheExpire.ts"
import * as options from "./options.ts"

const list = Command.make(
  "list",
  common,
  Effect.fn("cache.list")(function* (input) {
    yield* Ending.forPrograms(input.json)
    yield* Effect.gen(function* () {
      const output = yield* Output
      const contents = yield* (yield* CacheKeeper).list
      const { records } = yield* Effect.mapError(
        (yield* Records).list,
        (error) => new Failure({ sentence: error.message, code: exitCodes.storage })
      )
      const urls = new Map(records.map(({ contentId, url }) => [contentId, url]))
      const now = yield* Clock.currentTimeMillis
      const shown = contents
        .toSorted((a, b) => b.usedAt - a.usedAt)
        .map((content) => CacheTable.statusOf(content, urls.get(content.contentId), now))
      yield* output.line(input.json ? JSON.stringify(shown, null, 2) : CacheTable.render(shown))
    }).pipe(onCache(input))
  })
).pipe(Command.withDescription("Show what the cache holds, and how long each content stays"))

const setPin = (name: "pin" | "unpin", description: string) =>
  Command.make(
    name,
    { ids, ...common },
    Effect.fn(`cache.${name}`)(function* (input) {
      yield* Ending.forPrograms(input.json)
      yield* needed(input.ids)
      yield* Effect.gen(function* () {
        if (name === "pin") yield* mayPin
        const keeper = yield* CacheKeeper
        const contents = yield* chosen(input.ids)
        yield* Effect.forEach(contents, ({ contentId }) => keeper.pin(contentId, name === "pin"))
        yield* told(input.json, name === "pin" ? "Pinned" : "Unpinned", contents)
      }).pipe(onCache(input))
    })
  ).pipe(Command.withDescription(description))

/** Pins are for contents that peers get. Source: spec.md §3.5. */
const mayPin = Effect.gen(function* () {
  const mode = DevicePolicy.modeOf((yield* LivePolicy.LivePolicy).current())
  if (usesPeers(mode)) return
  return yield* new Failure({
    sentence: `Contents can be pinned in the modes lan, group and internet; the policy's is ${options.modeName(mode)}.`,
    code: exitCodes.usage
  })
})

export const cache = Command.make("cache").pipe(
  Command.withDescription("What the cache keeps, for how long, and what it shall not keep"),
  Command.withSubcommands([
    list,
    setPin("pin", "Keep contents until they are deleted by hand, or until they expire if that was set"),
    setPin("unpin", "Take pins away"),
    expire,
    remove
  ])
)
