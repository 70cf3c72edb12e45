/** `piecework doctor`: what keeps this device from having peers, or from downloading at all, and what to do about it. */
import * as Check from "@piecework/doctor/Check"
import * as Diagnosis from "@piecework/doctor/Diagnosis"
import * as Ending from "@piecework/terminal/Ending"
import { Failure } from "@piecework/terminal/Failure"
import { Output } from "@piecework/terminal/Output"
import { Clock, Effect, Layer, Option } from "effect"
import { Command, Flag } from "effect/cli"
import * as DevicePolicy from "../DevicePolicy.ts"
import { exitCodes } from "../ExitCode.ts"
import * as DoctorTable from "../view/DoctorTable.ts"
import * as anAgent from "./anAgent.ts"
import * as options from "./options.ts"

const only = Flag.String("only").pipe(
  Flag.withDescription("only these checks, with commas between, like reach,clock"),
  Flag.withMetavar("NAME,…"),
  Flag.optional
)

const url = Flag.String("url").pipe(
  Flag.withDescription("a file at an origin to try byte ranges with; default the last one that was downloaded here"),
  Flag.withMetavar("URL"),
  Flag.optional
)

export const doctor = Command.make(
  "doctor",
  {
    service: options.service,
    serviceCa: options.serviceCa,
    ...anAgent.flags,
    policy: options.policy,
    port: options.port,
    url,
    only,
    json: options.json
  },
  Effect.fn("doctor")(function* (input) {
    yield* Ending.forPrograms(input.json)
    const output = yield* Output
    const service = yield* options.parseService(input.service)
    const file = Option.isSome(input.url) ? Option.some(yield* options.parseUrl(input.url.value)) : Option.none()
    const wanted = yield* named(input.only)
    // Only this command needs all of it.
    const [{ examine }, { client }, { Multicast }] = yield* Effect.promise(() =>
      Promise.all([
        import("../doctor/Doctor.ts"),
        import("../doctor/OriginProbe.ts"),
        import("@piecework/lan/Multicast")
      ])
    )
    const found = yield* examine({ ...input, service, url: file, only: wanted }).pipe(
      Effect.scoped,
      Effect.provide(Layer.mergeAll(client(process.env), Multicast.layer, DevicePolicy.thisHost))
    )
    const all = Diagnosis.of(found, yield* Clock.currentTimeMillis)
    const checks = all.filter(({ id }) => wanted.has(id))
    const isColoured = process.stdout.isTTY === true && !process.env["NO_COLOR"] && process.env["TERM"] !== "dumb"
    yield* output.line(
      input.json ? JSON.stringify(DoctorTable.forPrograms(checks), null, 2) : DoctorTable.render(checks, isColoured)
    )
    if (!Diagnosis.isSound(checks)) yield* Ending.answering(exitCodes.unsound)
  })
).pipe(
  Command.withDescription("Find out what keeps this device from having peers, and what to do about it"),
  Command.withExamples([
    { command: "piecework doctor --service http://service:7670", description: "All checks" },
    { command: "piecework doctor --only reach,clock --json", description: "Some of them, for programs" }
  ])
)

/** The checks that were named, all where none was. */
const named = (text: Option.Option<string>): Effect.Effect<ReadonlySet<Check.CheckId>, Failure> => {
  if (Option.isNone(text)) return Effect.succeed(new Set(Check.ids))
  const words = text.value
    .split(",")
    .map((word) => word.trim())
    .filter((word) => word !== "")
  const unknown = words.find((word) => !Check.isId(word))
  return unknown !== undefined || words.length === 0
    ? Effect.fail(
        new Failure({
          sentence: `"${(unknown ?? text.value).slice(0, 60)}" is no check; they are ${Check.ids.join(", ")}.`,
          code: exitCodes.usage
        })
      )
    : Effect.succeed(new Set(words.filter(Check.isId)))
}
