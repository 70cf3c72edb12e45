/** `piecework-service unpublish`: forgets a content, or one of its URLs. */
import { Catalog } from "@piecework/catalog/Catalog"
import { parse } from "@piecework/domain/Content"
import { Effect, Option } from "effect"
import { Argument, Command } from "effect/cli"
import { exitCodes } from "../ExitCode.ts"
import { Failure, ofDatabase } from "../Failure.ts"
import { Output } from "../Output.ts"
import { catalogThere, contentUrl } from "./options.ts"
import { serve } from "./serve.ts"

const name = Argument.String("NAME").pipe(
  Argument.withDescription("a content id, which goes with all its URLs, or one URL; a content goes with its last one")
)

export const unpublish = Command.make("unpublish", { name }).pipe(
  Command.withDescription("Forgets a content or a URL; devices that have the content keep it"),
  Command.withHandler((options) =>
    Effect.gen(function* () {
      const { data, json } = yield* serve
      const output = yield* Output
      const removed = yield* remove(options.name).pipe(Effect.provide(catalogThere(data)))
      if (Option.isNone(removed)) {
        return yield* new Failure({
          sentence: `Nothing is published as ${options.name}.`,
          code: exitCodes.notFound
        })
      }
      return yield* json
        ? output.line(JSON.stringify({ contentId: removed.value }))
        : output.note(`Forgot ${options.name}.`)
    })
  )
)

/** Answers the content that the name led to. */
const remove = (text: string) =>
  Effect.gen(function* () {
    const catalog = yield* Catalog
    const id = parse(text)
    if (Option.isNone(id)) {
      return yield* Effect.mapError(catalog.unpublishUrl(yield* contentUrl(text)), ofDatabase)
    }
    const there = yield* Effect.mapError(catalog.unpublish(id.value), ofDatabase)
    return there ? id : Option.none()
  })
