/** `piecework phf FILE`: the pieces hash file of a file, to lie beside it at the origin where no service vouches for it. */
import { resolve } from "node:path"
import * as FileHasher from "@piecework/hashing/FileHasher"
import * as HasherConfig from "@piecework/hashing/HasherConfig"
import * as Phf from "@piecework/hashing/Phf"
import { PieceHasher } from "@piecework/hashing/PieceHasher"
import * as Ending from "@piecework/terminal/Ending"
import { Failure } from "@piecework/terminal/Failure"
import { Output } from "@piecework/terminal/Output"
import { Effect, FileSystem, Layer, Option } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { exitCodes } from "../ExitCode.ts"
import * as options from "./options.ts"

const file = Argument.String("file").pipe(Argument.withDescription("the file, as the origin has it"))

const out = Flag.String("output").pipe(
  Flag.withAlias("o"),
  Flag.withDescription("name of the pieces hash file; default: the file's own and .phf"),
  Flag.withMetavar("FILE"),
  Flag.optional
)

export const phf = Command.make(
  "phf",
  { file, out, json: options.json },
  Effect.fn("phf")(function* (input) {
    yield* Ending.forPrograms(input.json)
    const output = yield* Output
    const fs = yield* FileSystem.FileSystem
    const made = yield* FileHasher.phfOf(input.file).pipe(
      Effect.provide(PieceHasher.layer.pipe(Layer.provide(HasherConfig.layer()))),
      Effect.mapError((error) => new Failure({ sentence: error.message, code: codeOf(error.reason) }))
    )
    const path = resolve(Option.getOrElse(input.out, () => `${input.file}.phf`))
    // Whole or not at all: who fetches it meanwhile gets the one before.
    const draft = `${path}.${process.pid}.part`
    yield* fs.writeFile(draft, Phf.encode(made)).pipe(
      Effect.andThen(fs.rename(draft, path)),
      Effect.onError(() => Effect.ignore(fs.remove(draft, { force: true }))),
      Effect.mapError((error) => new Failure({ sentence: error.message, code: exitCodes.destination }))
    )
    const { contentId, layout } = made
    if (input.json) {
      const { contentSize, pieceCount } = layout
      return yield* output.line(JSON.stringify({ contentId, contentSize, pieces: pieceCount, phf: path }))
    }
    yield* output.note(`Wrote ${path}; put it beside the file at the origin.`)
    return yield* output.line(contentId)
  })
).pipe(
  Command.withDescription("Write the hashes of a file's pieces, for devices that share it without a service"),
  Command.withExamples([
    { command: "piecework phf image.iso", description: "Write image.iso.phf, and print the content id" },
    {
      command: "piecework get http://origin/image.iso --content-id DO-…",
      description: "Then any device of the network fetches it together with the others"
    }
  ])
)

const codeOf = (reason: FileHasher.FileHashError["reason"]): number =>
  reason === "NotFound" ? exitCodes.notFound : exitCodes.storage
