/** Commands that ask the cache server which runs on this machine. */
import { defaultRoot } from "@piecework/device/StateFolder"
import * as Ending from "@piecework/terminal/Ending"
import { Output } from "@piecework/terminal/Output"
import { Clock, Effect, Option } from "effect"
import { Argument, Command } from "effect/cli"
import * as ControlClient from "../control/ControlClient.ts"
import { Checked, Files, Forgotten, Status } from "../control/Status.ts"
import { exitCodes } from "../ExitCode.ts"
import { program, socketsToAsk } from "../RunFolder.ts"
import * as Amount from "../view/Amount.ts"
import * as FileTable from "../view/FileTable.ts"
import * as StatusText from "../view/StatusText.ts"
import { Failure } from "@piecework/terminal/Failure"
import * as options from "./options.ts"

const flags = { state: options.state, json: options.json }

const socketsOf = (state: Option.Option<string>): ReadonlyArray<string> =>
  socketsToAsk(
    Option.getOrUndefined(state),
    Option.getOrElse(state, () => defaultRoot(process.env, program))
  )

export const status = Command.make(
  "status",
  flags,
  Effect.fn("status")(function* ({ json, state }) {
    yield* Ending.forPrograms(json)
    const output = yield* Output
    const now = yield* ControlClient.ask(socketsOf(state), { method: "GET", path: "/status" }, Status)
    yield* output.line(json ? JSON.stringify(now, null, 2) : StatusText.render(now, yield* Clock.currentTimeMillis))
  })
).pipe(Command.withDescription("Show how the running cache server is doing: hits, misses, bytes, drives, its service"))

export const list = Command.make(
  "list",
  flags,
  Effect.fn("list")(function* ({ json, state }) {
    yield* Ending.forPrograms(json)
    const output = yield* Output
    const { files } = yield* ControlClient.ask(socketsOf(state), { method: "GET", path: "/files" }, Files)
    const now = yield* Clock.currentTimeMillis
    yield* output.line(json ? JSON.stringify({ files }, null, 2) : FileTable.render(files, now))
  })
).pipe(Command.withDescription("Show the files that the running cache server keeps, those that were used last first"))

export const forget = Command.make(
  "forget",
  {
    ...flags,
    what: Argument.String("URL").pipe(
      Argument.withDescription("URL of the file at its origin, or the id of a content; all of them with --all"),
      Argument.optional
    ),
    all: options.all
  },
  Effect.fn("forget")(function* ({ all, json, state, what }) {
    yield* Ending.forPrograms(json)
    if (Option.isSome(what) === all) {
      return yield* new Failure({
        sentence: "Say what to forget: the URL of one file, or --all.",
        code: exitCodes.usage
      })
    }
    const output = yield* Output
    const path = Option.match(what, { onNone: () => "/files", onSome: (of) => `/files?of=${encodeURIComponent(of)}` })
    const gone = yield* ControlClient.ask(socketsOf(state), { method: "DELETE", path }, Forgotten)
    if (json) return yield* output.line(JSON.stringify(gone))
    return yield* output.note(`Forgot ${Amount.count(gone.files, "file")}, ${Amount.bytes(gone.bytes)}.`)
  })
).pipe(Command.withDescription("Have the running cache server forget a file, so that the next client fetches it anew"))

export const check = Command.make(
  "check",
  flags,
  Effect.fn("check")(function* ({ json, state }) {
    yield* Ending.forPrograms(json)
    const output = yield* Output
    const found = yield* ControlClient.ask(socketsOf(state), { method: "POST", path: "/check" }, Checked)
    const { bytes, damaged, files, pieces } = found
    if (json) yield* output.line(JSON.stringify(found))
    else {
      const looked = `Read ${Amount.count(pieces, "piece")} of ${Amount.count(files, "file")}, ${Amount.bytes(bytes)}`
      yield* output.note(
        damaged === 0
          ? `${looked}: all are what they were.`
          : `${looked}: ${Amount.count(damaged, "piece")} damaged, and forgotten; they are fetched again when somebody wants them.`
      )
    }
    if (damaged === 0) return
    return yield* new Failure({
      sentence: "A drive of the cache server loses data; look at its disk.",
      code: exitCodes.damaged
    })
  })
).pipe(Command.withDescription("Have the running cache server read and hash everything that it keeps"))
