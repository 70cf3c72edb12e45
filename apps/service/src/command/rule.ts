/** `piecework-service rule`: URLs that are published when somebody first asks for them. */
import { PolicySettings } from "@piecework/cloud/PolicySettings"
import { type RuleRecord, RuleRefused, RuleUnknown } from "@piecework/cloud/ContentAdminRpcs"
import { Failure } from "@piecework/terminal/Failure"
import { Output } from "@piecework/terminal/Output"
import { Effect, Schema } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { exitCodes } from "../ExitCode.ts"
import * as Amount from "../view/Amount.ts"
import * as contents from "./contents.ts"
import * as remote from "./remote.ts"
import { serve } from "./serve.ts"
import { printable } from "../view/Printable.ts"

const pattern = Argument.String("PATTERN").pipe(
  Argument.withDescription('"https://repo.example/debian/**": * is a part of a segment, ** any number of segments')
)

const countQuery = Flag.Boolean("count-query").pipe(
  Flag.withDescription("URLs with other queries are other contents; else the query is left out, also at the origin"),
  Flag.withDefault(false)
)

const maxSize = Flag.Int("max-size").pipe(
  Flag.withMetavar("BYTES"),
  Flag.withDescription("larger contents are not hashed; default 64 GiB"),
  Flag.filter(
    (n) => n >= 1,
    () => "A size is 1 byte or more"
  ),
  Flag.withDefault(64 * 1024 ** 3)
)

const inWords = Effect.mapError(<E>(error: E): Exclude<E, RuleRefused | RuleUnknown> | Failure => {
  if (Schema.is(RuleRefused)(error)) return new Failure({ sentence: error.message, code: exitCodes.badUrl })
  if (Schema.is(RuleUnknown)(error)) return new Failure({ sentence: error.message, code: exitCodes.notFound })
  return error as Exclude<E, RuleRefused | RuleUnknown>
})

const { reset: _, ...policyFlags } = contents.policyFlags

const add = Command.make("add", { pattern, countQuery, maxSize, ...policyFlags, ...remote.flags }).pipe(
  Command.withDescription("Publishes what is under these URLs when a device first asks for it"),
  Command.withHandler(({ countQuery: countsQuery, maxSize: maxBytes, pattern: text, ...rest }) =>
    Effect.gen(function* () {
      const { data, json } = yield* serve
      const output = yield* Output
      const policy = new PolicySettings(contents.policyOf({ ...rest, reset: [] }).set)
      const added = yield* contents
        .administer({ ...rest, data }, (client) => client.AddRule({ pattern: text, countsQuery, maxBytes, policy }))
        .pipe(inWords)
      return yield* json
        ? output.line(JSON.stringify(forPrograms(added)))
        : output.note(`What is under ${added.pattern} is hashed when a device first asks for it.`)
    })
  )
)

const list = Command.make("list", remote.flags).pipe(
  Command.withDescription("Shows the rules; of several that fit a URL the first counts"),
  Command.withHandler((where) =>
    Effect.gen(function* () {
      const { data, json } = yield* serve
      const output = yield* Output
      const rules = yield* contents.administerThere({ ...where, data }, (client) => client.ListRules())
      if (json) return yield* output.line(JSON.stringify(rules.map(forPrograms)))
      if (rules.length === 0) return yield* output.note("There are no rules; see piecework-service rule add --help.")
      return yield* output.line(rules.map(forPeople).join("\n"))
    })
  )
)

const remove = Command.make("remove", { pattern, ...remote.flags }).pipe(
  Command.withDescription("Removes a rule; what it has published stays"),
  Command.withHandler(({ pattern: text, ...where }) =>
    Effect.gen(function* () {
      const { data, json } = yield* serve
      const output = yield* Output
      yield* contents
        .administerThere({ ...where, data }, (client) => client.RemoveRule({ pattern: text }))
        .pipe(inWords)
      return yield* json ? output.line(JSON.stringify({ pattern: text })) : output.note(`Removed the rule ${text}.`)
    })
  )
)

export const rule = Command.make("rule").pipe(
  Command.withDescription("URLs that are published when a device first asks for them: add, list, remove"),
  Command.withSubcommands([add, list, remove])
)

const forPrograms = ({ createdAt, policy, ...rest }: RuleRecord) => ({
  ...rest,
  policy: { ...policy },
  createdAt: new Date(createdAt).toISOString()
})

const forPeople = ({ countsQuery, maxBytes, pattern: text, policy }: RuleRecord): string =>
  [
    text,
    `up to ${Amount.bytes(maxBytes)}`,
    ...(countsQuery ? ["with queries"] : []),
    ...((policy.groups ?? []).length === 0 ? [] : [`for ${(policy.groups ?? []).map(printable).join(", ")}`])
  ].join("  ")
