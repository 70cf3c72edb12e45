/** The agent of this device: asked over its socket, which does nothing to it. */
import { connect } from "node:net"
import { Agent } from "@piecework/client/Agent"
import type { AgentFacts } from "@piecework/client/AgentRpcs"
import * as AgentLink from "@piecework/client/AgentLink"
import * as AgentPlace from "@piecework/client/AgentPlace"
import type * as Findings from "@piecework/doctor/Findings"
import { Effect, Layer, Option } from "effect"

/** With the folder in which it keeps things. */
export interface Found {
  readonly agent: Findings.Agent
  readonly stateFolder: string | undefined
}

/** An agent that is well answers at once. */
const patience = "2 seconds"

const none: Found = { agent: { _tag: "None" }, stateFolder: undefined }

/** By which flags it is found. */
export interface Named {
  readonly socket: Option.Option<string>
  readonly state: Option.Option<string>
}

/** The first that answers; with a named socket or state folder only the agent of that one. */
export const look = Effect.fn("AgentProbe.look")(function* ({ socket, state }: Named): Effect.fn.Return<Found> {
  const env = {
    ...process.env,
    PIECEWORK_STATE: Option.getOrUndefined(state),
    ...(Option.isSome(socket) ? { PIECEWORK_SOCKET: socket.value } : {})
  }
  const own = AgentPlace.sockets(env)
  for (const path of Option.isSome(state) ? own.slice(0, 1) : own) {
    const code = yield* knock(path)
    if (code === "EACCES" || code === "EPERM") return { ...none, agent: { _tag: "Denied", socket: path } }
    if (code !== undefined) continue
    return yield* ask(path)
  }
  return none
})

/** What the system says to a connection; nothing when there is one. */
const knock = (path: string): Effect.Effect<string | undefined> =>
  Effect.callback<string | undefined>((resume) => {
    const socket = connect({ path })
    socket.once("connect", () => resume(Effect.succeed(undefined)))
    socket.once("error", (error: NodeJS.ErrnoException) => resume(Effect.succeed(error.code ?? "EIO")))
    return Effect.sync(() => socket.destroy())
  }).pipe(Effect.timeoutOrElse({ duration: patience, orElse: () => Effect.succeed("ETIMEDOUT") }))

const ask = (path: string): Effect.Effect<Found> =>
  Agent.use((agent) => agent.facts).pipe(
    Effect.provide(Layer.provide(Agent.layerLink, AgentLink.AgentLink.layer([path]))),
    Effect.timeoutOption(patience),
    Effect.orElseSucceed(() => Option.none<AgentFacts>()),
    Effect.map(
      Option.match({
        onNone: (): Found => ({ ...none, agent: { _tag: "Silent", socket: path } }),
        onSome: ({ peers, pid, stateFolder, version }): Found => ({
          agent: { _tag: "Runs", pid, version, peers },
          stateFolder
        })
      })
    )
  )
