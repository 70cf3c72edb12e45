/** `piecework get --seed`, with the matching service beyond the line, or without. */
import { Effect, Exit, Option, Schema, Scope } from "effect"
import * as Apps from "../Apps.ts"
import { ClientResult } from "../ClientResult.ts"
import { Meter } from "../Meter.ts"
import { type Contestant, inside, type Setting, type Tool } from "./Contestant.ts"

export const servicePort = 7670

const Line = Schema.fromJsonString(Schema.Struct({ result: ClientResult }))

/** What the line that ends a download tells; `None` when it is another line. */
export const resultOf = (line: string): Option.Option<ClientResult> =>
  Option.map(Schema.decodeUnknownOption(Line)(line), ({ result }) => result)

/** Until it has to die. A new one for every run: members of the last one are no peers in this one. */
export const startService = Effect.fn("PieceworkDevices.startService")(function* ({ service, topology }: Setting) {
  const meter = yield* Meter
  const life = yield* Scope.fork(yield* Effect.scope)
  const program = inside(topology.service.namespace, Apps.service(service.data, servicePort))
  const daemon = yield* Scope.provide(meter.start(program), life)
  yield* daemon.firstLine
  yield* Effect.forkScoped(Effect.andThen(service.death, Scope.close(life, Exit.void)))
})

export const contestant: Contestant<Tool> = {
  tool: "piecework",
  how: "piecework get --seed",
  install: "npm ci",
  version: Effect.succeedSome("bundle"),
  open: Effect.fnUntraced(function* (setting) {
    const { service, url } = setting
    if (service.up) yield* startService(setting)
    return ({ folder, host }) => ({
      namespace: host.namespace,
      folder,
      invocation: () =>
        Apps.getAtSite({ url, output: `${folder}/file`, state: `${folder}/state`, service: service.url }),
      done: { _tag: "Line", isIt: (line) => line.startsWith('{"result"') }
    })
  })
}
