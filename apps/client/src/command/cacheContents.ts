/** What the commands on contents of the cache share: which contents are meant, and what they run with. */
import type { CacheError } from "@piecework/cache/CacheError"
import { CacheKeeper, type KeptContent } from "@piecework/cache/CacheKeeper"
import { Failure } from "@piecework/terminal/Failure"
import { Output } from "@piecework/terminal/Output"
import { Effect, Option } from "effect"
import { Argument } from "effect/cli"
import * as DevicePolicy from "../DevicePolicy.ts"
import { exitCodes } from "../ExitCode.ts"
import { withStored } from "./existing.ts"
import * as options from "./options.ts"

export const ids = Argument.String("ID").pipe(
  Argument.withDescription("content id, or the beginning of one that no other content has"),
  Argument.variadic()
)
export const common = { state: options.state, policy: options.policy, json: options.json }

/** Contents as `piecework cache list` has them. */
export const chosen = Effect.fnUntraced(function* (
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
            sentence: `The cache holds no content "${text}"; see piecework cache list.`,
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

export const needed = (given: ReadonlyArray<string>): Effect.Effect<void, Failure> =>
  given.length > 0
    ? Effect.void
    : Effect.fail(new Failure({ sentence: "Name a content; piecework cache list shows them.", code: exitCodes.usage }))

/** Runs with the cache and the settings of this device. */
export const onCache =
  (input: { readonly state: Option.Option<string>; readonly policy: Option.Option<string> }) =>
  <A, R>(effect: Effect.Effect<A, CacheError | Failure, R>) =>
    Effect.gen(function* () {
      const policy = yield* DevicePolicy.load(input)
      return yield* withStored(input.state, policy)(effect)
    })

/** Says what was done to which contents. */
export const told = Effect.fnUntraced(function* (json: boolean, what: string, contents: ReadonlyArray<KeptContent>) {
  const output = yield* Output
  const names = contents.map(({ contentId }) => contentId)
  yield* json ? output.line(JSON.stringify({ contents: names })) : output.note(`${what} ${names.join(", ")}.`)
})
