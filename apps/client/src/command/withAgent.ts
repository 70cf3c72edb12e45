/** A connection to the running agent for a command, and what its errors are to the shell. */
import * as Agent from "@piecework/client/Agent"
import type { AgentLost, AgentNotFound, JobError, OptionsError } from "@piecework/client/AgentError"
import * as AgentLink from "@piecework/client/AgentLink"
import * as AgentPlace from "@piecework/client/AgentPlace"
import { Failure } from "@piecework/terminal/Failure"
import { Context, Effect, Layer, Option, type Scope } from "effect"
import { exitCodes } from "../ExitCode.ts"
import { ofJob } from "../rpc/JobExit.ts"
import type { Input } from "./anAgent.ts"

/** A connection to it, for as long as the layer is there. */
export const layer = ({ socket, state }: Input): Layer.Layer<Agent.Agent | AgentLink.AgentLink, AgentNotFound> => {
  const env = { ...process.env, PIECEWORK_STATE: Option.getOrUndefined(state) }
  const paths = Option.match(socket, { onNone: () => AgentPlace.sockets(env), onSome: (path) => [path] })
  return Layer.provideMerge(Agent.Agent.layerLink, AgentLink.AgentLink.layer(paths))
}

type Trouble = AgentNotFound | AgentLost | JobError | OptionsError

/** As a sentence and an exit code. */
export const failure = (error: Trouble): Failure => new Failure({ sentence: error.message, code: codeOf(error) })

const codeOf = (error: Trouble): number => {
  switch (error._tag) {
    case "AgentNotFound":
    case "AgentLost":
      return exitCodes.noAgent
    case "JobError":
      return ofJob(error.code)
    case "OptionsError":
      return exitCodes.usage
  }
}

/** Gives what needs the agent one, and its errors their sentences. */
export const withAgent =
  (input: Input) =>
  <A, E, R>(
    effect: Effect.Effect<A, E | Trouble, R>
  ): Effect.Effect<A, Exclude<E, Trouble> | Failure, Exclude<R, Agent.Agent | AgentLink.AgentLink>> =>
    Effect.provide(effect, layer(input)).pipe(
      Effect.mapError((error) => (isTrouble(error) ? failure(error) : (error as Exclude<E, Trouble>)))
    )

const tags: ReadonlySet<string> = new Set<Trouble["_tag"]>(["AgentNotFound", "AgentLost", "JobError", "OptionsError"])

const isTrouble = (error: unknown): error is Trouble =>
  typeof error === "object" && error !== null && "_tag" in error && tags.has(String(error._tag))

/** A connection to it, for as long as the scope lasts. */
export const connect = (input: Input): Effect.Effect<Agent.Agent["Service"], AgentNotFound, Scope.Scope> =>
  Effect.map(Layer.build(layer(input)), (context) => Context.get(context, Agent.Agent))
