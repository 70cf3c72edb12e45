/** `piecework-service content`: what is published, and who may have it. */
import type { ContentRecord } from "@piecework/cloud/ContentAdminRpcs"
import { Failure } from "@piecework/terminal/Failure"
import { Output } from "@piecework/terminal/Output"
import { Clock, Effect, Option } from "effect"
import { Command, Flag } from "effect/cli"
import { exitCodes } from "../ExitCode.ts"
import * as contents from "./contents.ts"
import { list } from "./list.ts"
import { publish } from "./publish.ts"
import * as remote from "./remote.ts"
import { serve } from "./serve.ts"
import { unpublish } from "./unpublish.ts"

/** The content as it is, for a program or for people. */
const shown = (content: ContentRecord, sentence?: string) =>
  Effect.gen(function* () {
    const { json } = yield* serve
    const output = yield* Output
    if (json) return yield* output.line(JSON.stringify(contents.forPrograms(content)))
    if (sentence !== undefined) return yield* output.note(sentence)
    return yield* output.line(contents.forPeople(content, yield* Clock.currentTimeMillis))
  })

const show = Command.make("show", { name: contents.name, ...remote.flags }).pipe(
  Command.withDescription("Shows one content"),
  Command.withHandler(({ name: text, ...where }) =>
    Effect.gen(function* () {
      const { data } = yield* serve
      const name = yield* contents.named(text)
      return yield* shown(yield* contents.administerThere({ ...where, data }, (client) => client.Show({ name })))
    })
  )
)

const set = Command.make("set", { name: contents.name, ...contents.policyFlags, ...remote.flags }).pipe(
  Command.withDescription("Changes what may be done with a content; what is not said stays as it is"),
  Command.withHandler(({ name: text, ...rest }) =>
    Effect.gen(function* () {
      const { data } = yield* serve
      const name = yield* contents.named(text)
      const change = contents.policyOf(rest)
      if (Object.keys(change.set).length === 0 && change.reset.length === 0) {
        return yield* new Failure({ sentence: "Say what is to be set; see --help.", code: exitCodes.usage })
      }
      return yield* shown(
        yield* contents.administerThere({ ...rest, data }, (client) => client.SetPolicy({ name, change }))
      )
    })
  )
)

const why = Flag.String("why").pipe(
  Flag.withMetavar("TEXT"),
  Flag.withDescription("for the audit log"),
  Flag.filter(
    (text) => text.length <= 500,
    () => "A reason has at most 500 characters"
  ),
  Flag.optional
)

const halting = (command: string, description: string, isHalted: boolean, done: (name: string) => string) =>
  Command.make(command, { name: contents.name, why, ...remote.flags }).pipe(
    Command.withDescription(description),
    Command.withHandler(({ name: text, why: reason, ...where }) =>
      Effect.gen(function* () {
        const { data } = yield* serve
        const name = yield* contents.named(text)
        const detail = Option.match(reason, { onNone: () => ({}), onSome: (said) => ({ why: said }) })
        const content = yield* contents.administerThere({ ...where, data }, (client) =>
          client.SetHalted({ name, isHalted, ...detail })
        )
        return yield* shown(content, done(content.contentId))
      })
    )
  )

const halt = halting(
  "halt",
  "Takes a content back: nobody gets it any more, and devices that fetch or serve it stop within five seconds",
  true,
  (id) => `Halted ${id}; piecework-service content resume hands it out again.`
)

const resume = halting("resume", "Hands a halted content out again", false, (id) => `Resumed ${id}.`)

export const content = Command.make("content").pipe(
  Command.withDescription("Contents: publish, list, show, set, halt, resume, unpublish"),
  Command.withSubcommands([publish, list, show, set, halt, resume, unpublish])
)
