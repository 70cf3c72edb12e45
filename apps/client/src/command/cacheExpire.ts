/** `piecework cache expire`: when contents leave the cache. */
import { CacheKeeper } from "@piecework/cache/CacheKeeper"
import { farthestExpiry } from "@piecework/cache/CacheRules"
import * as Ending from "@piecework/terminal/Ending"
import { Failure } from "@piecework/terminal/Failure"
import { Clock, Duration, Effect, Option } from "effect"
import { Command, Flag } from "effect/cli"
import { exitCodes } from "../ExitCode.ts"
import * as Moment from "../view/Moment.ts"
import { chosen, common, ids, needed, onCache, told } from "./cacheContents.ts"
import * as options from "./options.ts"

export const expire = Command.make(
  "expire",
  {
    ids,
    at: Flag.String("at").pipe(
      Flag.withDescription("when: a date like 2027-01-31, or a date and time like 2027-01-31T18:00"),
      Flag.withMetavar("DATE"),
      Flag.optional
    ),
    in: options.duration("in").pipe(Flag.withDescription("in so long: 12h, 30 days"), Flag.optional),
    unset: Flag.Boolean("unset").pipe(Flag.withDescription("leave it to the settings again"), Flag.withDefault(false)),
    ...common
  },
  Effect.fn("cache.expire")(function* (input) {
    yield* Ending.forPrograms(input.json)
    yield* needed(input.ids)
    const now = yield* Clock.currentTimeMillis
    const at = yield* timeOf(input, now)
    yield* Effect.gen(function* () {
      const keeper = yield* CacheKeeper
      const contents = yield* chosen(input.ids)
      yield* Effect.forEach(contents, ({ contentId }) => keeper.expire(contentId, at))
      yield* told(
        input.json,
        at === undefined ? "Unset the expiry of" : `Set to expire on ${Moment.minute(at)}:`,
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

/** Epoch milliseconds; `undefined` for none of its own. */
export const timeOf = (
  given: {
    readonly at: Option.Option<string>
    readonly in: Option.Option<Duration.Duration>
    readonly unset: boolean
  },
  now: number
): Effect.Effect<number | undefined, Failure> => {
  if (Number(Option.isSome(given.at)) + Number(Option.isSome(given.in)) + Number(given.unset) !== 1) {
    return refuse("Say when with --at or --in, or leave it to the settings with --unset.")
  }
  if (given.unset) return Effect.succeed(undefined)
  const at = Option.isSome(given.at)
    ? Moment.parse(given.at.value)
    : now + Option.match(given.in, { onNone: () => 0, onSome: Duration.toMillis })
  if (at === undefined) return refuse("That is no date; write it like 2027-01-31 or 2027-01-31T18:00.")
  if (at <= now) return refuse("That time is over; piecework cache delete deletes a content now.")
  if (at > now + farthestExpiry)
    return refuse("A content expires within a year at the latest; piecework cache pin keeps one for longer.")
  return Effect.succeed(Math.round(at))
}
