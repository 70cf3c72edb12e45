/** `piecework-service unpublish`: forgets a content, or one of its URLs. */
import { Output } from "@piecework/terminal/Output"
import { Effect } from "effect"
import { Argument, Command } from "effect/cli"
import * as contents from "./contents.ts"
import * as remote from "./remote.ts"
import { serve } from "./serve.ts"

const name = Argument.String("NAME").pipe(
  Argument.withDescription("a content id, which goes with all its URLs, or one URL; a content goes with its last one")
)

export const unpublish = Command.make("unpublish", { name, ...remote.flags }).pipe(
  Command.withDescription("Forgets a content or a URL; devices that have the content keep it"),
  Command.withHandler(({ name: text, ...where }) =>
    Effect.gen(function* () {
      const { data, json } = yield* serve
      const output = yield* Output
      const called = yield* contents.named(text)
      const removed = yield* contents.administerThere({ ...where, data }, (client) =>
        client.Unpublish({ name: called })
      )
      return yield* json
        ? output.line(JSON.stringify({ contentId: removed.contentId }))
        : output.note(`Forgot ${called}.`)
    })
  )
)
