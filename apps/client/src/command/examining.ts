/** What `piecework doctor` does: examines the device, and says what it found. Loaded when it is wanted. */
import * as Check from "@piecework/doctor/Check"
import * as Diagnosis from "@piecework/doctor/Diagnosis"
import { Multicast } from "@piecework/lan/Multicast"
import * as Ending from "@piecework/terminal/Ending"
import { Failure } from "@piecework/terminal/Failure"
import { Output } from "@piecework/terminal/Output"
import { Clock, Effect, Layer, Option } from "effect"
import * as DevicePolicy from "../DevicePolicy.ts"
import { examine } from "../doctor/Doctor.ts"
import { client } from "../doctor/OriginProbe.ts"
import { exitCodes } from "../ExitCode.ts"
import * as DoctorTable from "../view/DoctorTable.ts"
import type * as anAgent from "./anAgent.ts"
import * as options from "./options.ts"

export interface Input extends anAgent.Input {
  readonly service: Option.Option<string>
  readonly serviceCa: Option.Option<string>
  readonly policy: Option.Option<string>
  readonly port: Option.Option<number>
  readonly url: Option.Option<string>
  readonly only: Option.Option<string>
  readonly json: boolean
}

export const run = Effect.fnUntraced(function* (input: Input) {
  const output = yield* Output
  const service = yield* options.parseService(input.service)
  const file = Option.isSome(input.url) ? Option.some(yield* options.parseUrl(input.url.value)) : Option.none()
  const wanted = yield* named(input.only)
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
