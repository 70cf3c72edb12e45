/** `piecework cache`: what the cache keeps, for how long, and what it shall not keep. */
import { CacheKeeper, type KeptContent } from "@piecework/cache/CacheKeeper"
import { farthestExpiry, isPinnedNow } from "@piecework/cache/CacheRules"
import type { CacheError } from "@piecework/cache/CacheError"
import { PieceCache } from "@piecework/cache/PieceCache"
import { usesPeers } from "@piecework/domain/DownloadMode"
import * as LivePolicy from "@piecework/policy/LivePolicy"
import { Records } from "@piecework/download/Records"
import { Failure } from "@piecework/terminal/Failure"
import { Output } from "@piecework/terminal/Output"
import * as Ending from "@piecework/terminal/Ending"
import { Clock, Duration, Effect, Option } from "effect"
import { Argument, Command, Flag, Prompt } from "effect/cli"
import * as DevicePolicy from "../DevicePolicy.ts"
import { exitCodes } from "../ExitCode.ts"
import * as Amount from "../view/Amount.ts"
import * as CacheTable from "../view/CacheTable.ts"
import { withStored } from "./existing.ts"
import * as options from "./options.ts"

const ids = Argument.String("ID").pipe(
  Argument.withDescription("content id, or the beginning of one that no other content has"),
  Argument.variadic()
)
const common = { state: options.state, policy: options.policy, json: options.json }

/** Contents as `piecework cache list` has them. */
const chosen = Effect.fnUntraced(function* (
  given: ReadonlyArray<string>
): Effect.fn.Return<ReadonlyArray<KeptContent>, CacheError | Failure, CacheKeeper> {
  const contents = yield* (yield* CacheKeeper).list
  return yield* Effect.forEach(given, (text) => {
    const exact = contents.filter(({ contentId }) => contentId === text)
    const found = exact.length > 0 ? exact : contents.filter(({ contentId }) => startsWith(contentId, text))
    const [one, ...others] = found
    if (one !== undefined && others.length === 0) return Effect.succeed(one)
    return Effect.fail(
      one === undefined
        ? new Failure({
            sentence: `The cache holds no content ${text}; see piecework cache list.`,
            code: exitCodes.notFound
          })
        : new Failure({
            sentence: `${text} is the beginning of ${found.length} contents; write more of the id.`,
            code: exitCodes.usage
          })
    )
  })
})

/** With or without the letters that all ids begin with. */
const startsWith = (id: string, text: string): boolean =>
  text !== "" && (id.startsWith(text) || id.replace(/^DO-/, "").startsWith(text))

const needed = (given: ReadonlyArray<string>): Effect.Effect<void, Failure> =>
  given.length > 0
    ? Effect.void
    : Effect.fail(new Failure({ sentence: "Name a content; piecework cache list shows them.", code: exitCodes.usage }))

/** Runs with the cache and the settings of this device. */
const onCache =
  (input: { readonly state: Option.Option<string>; readonly policy: Option.Option<string>; readonly json: boolean }) =>
  <A, R>(effect: Effect.Effect<A, CacheError | Failure, R>) =>
    Effect.gen(function* () {
      yield* Ending.forPrograms(input.json)
      const policy = yield* DevicePolicy.load(input)
      return yield* withStored(input.state, policy)(effect)
    })

const list = Command.make(
  "list",
  common,
  Effect.fn("cache.list")(function* (input) {
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

const expire = Command.make(
  "expire",
  {
    ids,
    at: Flag.String("at").pipe(
      Flag.withDescription("when: a date like 2027-01-31, or a date and time like 2027-01-31T18:00"),
      Flag.withMetavar("DATE"),
      Flag.optional
    ),
    in: options.duration("in").pipe(Flag.withDescription("in so long: 12h, 30 days"), Flag.optional),
    never: Flag.Boolean("unset").pipe(Flag.withDescription("leave it to the settings again"), Flag.withDefault(false)),
    ...common
  },
  Effect.fn("cache.expire")(function* (input) {
    yield* needed(input.ids)
    const now = yield* Clock.currentTimeMillis
    const at = yield* timeOf(input, now)
    yield* Effect.gen(function* () {
      const keeper = yield* CacheKeeper
      const contents = yield* chosen(input.ids)
      yield* Effect.forEach(contents, ({ contentId }) => keeper.expire(contentId, at))
      yield* told(
        input.json,
        at === undefined ? "Unset the expiry of" : `Set to expire on ${new Date(at).toISOString()}:`,
        contents
      )
    }).pipe(onCache(input))
  })
).pipe(
  Command.withDescription("Set when contents leave the cache, up to a year ahead; a pin holds until then"),
  Command.withExamples([
    { command: "piecework cache expire DO-x7 --in '30 days'", description: "Keep it for 30 days from now" }
  ])
)

const refuse = (sentence: string) => Effect.fail(new Failure({ sentence, code: exitCodes.usage }))

const timeOf = (
  given: {
    readonly at: Option.Option<string>
    readonly in: Option.Option<Duration.Duration>
    readonly never: boolean
  },
  now: number
): Effect.Effect<number | undefined, Failure> => {
  if (Number(Option.isSome(given.at)) + Number(Option.isSome(given.in)) + Number(given.never) !== 1) {
    return refuse("Say when with --at or --in, or leave it to the settings with --unset.")
  }
  if (given.never) return Effect.succeed(undefined)
  const at = Option.isSome(given.at)
    ? Date.parse(given.at.value)
    : now + Option.match(given.in, { onNone: () => 0, onSome: Duration.toMillis })
  if (Number.isNaN(at)) return refuse("That is no date; write it like 2027-01-31 or 2027-01-31T18:00.")
  if (at <= now) return refuse("That time is over; piecework cache delete deletes a content now.")
  if (at > now + farthestExpiry)
    return refuse("A content expires within a year at the latest; piecework cache pin keeps one for longer.")
  return Effect.succeed(Math.round(at))
}

const remove = Command.make(
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
    if (input.all === input.ids.length > 0) {
      return yield* new Failure({ sentence: "Say what to delete: content ids, or --all.", code: exitCodes.usage })
    }
    yield* Effect.gen(function* () {
      const keeper = yield* CacheKeeper
      const cache = yield* PieceCache
      const output = yield* Output
      const now = yield* Clock.currentTimeMillis
      const contents = input.all ? yield* keeper.list : yield* chosen(input.ids)
      const [going, staying] = parted(contents, (one) => reasonToStay(one, input, now) === undefined)
      const first = staying[0]
      // Of a content that was named one wants to know; of all, those go that can.
      if (!input.all && first !== undefined) {
        return yield* new Failure({ sentence: reasonToStay(first, input, now) ?? "", code: exitCodes.refused })
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
        yield* output.note(
          `${Amount.count(staying.length, "content")} stayed: ${[...new Set(staying.map((one) => reasonToStay(one, input, now)))].join(" ")}`
        )
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

const reasonToStay = (
  content: KeptContent,
  { force, includePinned }: { readonly force: boolean; readonly includePinned: boolean },
  now: number
): string | undefined => {
  if (!includePinned && content.isPinned && (!content.isComplete || isPinnedNow(content, now))) {
    return `The content ${content.contentId} is pinned; --include-pinned deletes it all the same.`
  }
  if (!force && content.isInUse) {
    return `The content ${content.contentId} is being downloaded or served; wait, or delete it with --force.`
  }
  return undefined
}

const parted = <A>(all: ReadonlyArray<A>, is: (one: A) => boolean): readonly [ReadonlyArray<A>, ReadonlyArray<A>] => [
  all.filter(is),
  all.filter((one) => !is(one))
]

const told = Effect.fnUntraced(function* (json: boolean, what: string, contents: ReadonlyArray<KeptContent>) {
  const output = yield* Output
  const names = contents.map(({ contentId }) => contentId)
  yield* json ? output.line(JSON.stringify({ contents: names })) : output.note(`${what} ${names.join(", ")}.`)
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
