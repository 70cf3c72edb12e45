/** The figures of this device for a command: those of its agent where one runs, else what is on the disk. */
import type { PerfMonth } from "@piecework/domain/PerfMonth"
import type { PerfSnap } from "@piecework/domain/PerfSnap"
import type { FileStatus } from "@piecework/domain/FileStatus"
import { placesIn } from "@piecework/device/StateFolder"
import * as Figures from "@piecework/download/Figures"
import { Months } from "@piecework/download/Months"
import * as Shaper from "@piecework/shaping/Shaper"
import { Failure } from "@piecework/terminal/Failure"
import { Effect, Layer, Option } from "effect"
import * as AgentHere from "./AgentHere.ts"
import type { Input } from "./command/anAgent.ts"
import { exitCodes } from "./ExitCode.ts"

export interface Device {
  /** Whether an agent tells. */
  readonly hasAgent: boolean
  readonly files: Effect.Effect<ReadonlyArray<FileStatus>, Failure>
  readonly perf: Effect.Effect<PerfSnap, Failure>
  readonly month: Effect.Effect<PerfMonth, Failure>
}

/** To be run with what is stored there (`withStored`); makes nothing. */
export const look = Effect.fn("DeviceHere.look")(function* (input: Input, root: string) {
  const agent = Option.getOrUndefined(yield* AgentHere.find(input, root))
  if (agent !== undefined) {
    const { files, month, perf } = agent
    return { hasAgent: true, files: said(files), perf: said(perf), month: said(month) } satisfies Device
  }
  const { line, months } = placesIn(root)
  const kept = yield* Layer.build(Layer.merge(Months.layer(months), Shaper.layer({ file: line })))
  const figures = yield* Effect.provide(Figures.make(), kept)
  return {
    hasAgent: false,
    files: read(figures.files),
    perf: read(figures.perf),
    month: figures.month
  } satisfies Device
})

const said = <A>(effect: Effect.Effect<A, { readonly message: string }>) =>
  Effect.mapError(effect, ({ message }) => new Failure({ sentence: message, code: exitCodes.noAgent }))

const read = <A>(effect: Effect.Effect<A, Figures.FiguresError>) =>
  Effect.mapError(effect, ({ message }) => new Failure({ sentence: message, code: exitCodes.storage }))
