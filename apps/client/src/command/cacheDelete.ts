/** `piecework cache delete`: deletes contents, as far as they are not pinned or in use. */
import { CacheKeeper, type KeptContent } from "@piecework/cache/CacheKeeper"
import { isPinnedNow } from "@piecework/cache/CacheRules"
import { PieceCache } from "@piecework/cache/PieceCache"
import * as Ending from "@piecework/terminal/Ending"
import { Failure } from "@piecework/terminal/Failure"
import { Output } from "@piecework/terminal/Output"
import { Clock, Effect } from "effect"
import { Command, Flag, Prompt } from "effect/cli"
import { exitCodes } from "../ExitCode.ts"
import * as Amount from "../view/Amount.ts"
import { chosen, common, ids, onCache } from "./cacheContents.ts"

export const remove = Command.make(
  "delete",
  {
    ids,
    all: Flag.Boolean("all").pipe(Flag.withDescription("every content that is not pinned"), Flag.withDefault(false)),
    includePinned: Flag.Boolean("include-pinned").pipe(
      Flag.withDescription("pinned contents as well"),
      Flag.withDefault(false)
    ),
    force: Flag.Boolean("force").pipe(
      Flag.withDescription("also what is being downloaded or served now; a download goes on, and is not kept"),
      Flag.withDefault(false)
    ),
    yes: Flag.Boolean("yes").pipe(Flag.withAlias("y"), Flag.withDescription("do not ask"), Flag.withDefault(false)),
    ...common
  },
  Effect.fn("cache.delete")(function* (input) {
    yield* Ending.forPrograms(input.json)
    if (input.all === input.ids.length > 0) {
      return yield* new Failure({ sentence: "Say what to delete: content ids, or --all.", code: exitCodes.usage })
    }
    yield* Effect.gen(function* () {
      const keeper = yield* CacheKeeper
      const cache = yield* PieceCache
      const output = yield* Output
      const now = yield* Clock.currentTimeMillis
      const contents = input.all ? yield* keeper.list : yield* chosen(input.ids)
      const judged = contents.map((content) => ({ content, reason: reasonToStay(content, input, now) }))
      const going = judged.flatMap(({ content, reason }) => (reason === undefined ? [content] : []))
      const staying = judged.flatMap(({ content, reason }) => (reason === undefined ? [] : [{ content, reason }]))
      const [first] = staying
      // Of a content that was named one wants to know; of all, those go that can.
      if (!input.all && first !== undefined) {
        return yield* new Failure({ sentence: refusal(first), code: exitCodes.refused })
      }
      const bytes = going.reduce((sum, one) => sum + one.bytes, 0)
      const isAsked = input.all && !input.yes && !input.json && process.stdin.isTTY && output.isWatched
      if (isAsked && going.length > 0) {
        const message = `Delete ${Amount.count(going.length, "content")} (${Amount.bytes(bytes)})?`
        const sure = yield* Effect.orElseSucceed(Prompt.run(Prompt.Confirm({ message, initial: false })), () => false)
        if (!sure) return yield* output.note("Nothing was deleted.")
      }
      yield* Effect.forEach(going, ({ contentId }) => cache.drop(contentId))
      if (input.json) {
        return yield* output.line(
          JSON.stringify({ deleted: going.map(({ contentId }) => contentId), freedBytes: bytes, kept: staying.length })
        )
      }
      yield* output.note(`Deleted ${Amount.count(going.length, "content")} (${Amount.bytes(bytes)}).`)
      if (staying.length > 0) {
        const pinned = staying.filter(({ reason }) => reason === "Pinned").length
        const used = staying.length - pinned
        const why = [
          ...(pinned === 0 ? [] : [`${pinned} pinned (--include-pinned deletes them)`]),
          ...(used === 0 ? [] : [`${used} being downloaded or served (--force deletes them)`])
        ]
        yield* output.note(`${Amount.count(staying.length, "content")} stayed: ${why.join(", ")}.`)
      }
    }).pipe(onCache(input))
  })
).pipe(
  Command.withDescription("Delete contents from the cache; the files that were made of them stay"),
  Command.withExamples([
    { command: "piecework cache delete DO-x7", description: "Delete one, by the beginning of its id" },
    { command: "piecework cache delete --all --include-pinned", description: "Empty the cache" }
  ])
)

type Reason = "Pinned" | "InUse"

const reasonToStay = (
  content: KeptContent,
  { force, includePinned }: { readonly force: boolean; readonly includePinned: boolean },
  now: number
): Reason | undefined => {
  if (!includePinned && content.isPinned && (!content.isComplete || isPinnedNow(content, now))) return "Pinned"
  return !force && content.isInUse ? "InUse" : undefined
}

const refusal = ({
  content: { contentId },
  reason
}: {
  readonly content: KeptContent
  readonly reason: Reason
}): string =>
  reason === "Pinned"
    ? `The content ${contentId} is pinned; --include-pinned deletes it all the same.`
    : `The content ${contentId} is being downloaded or served; wait, or delete it with --force.`
