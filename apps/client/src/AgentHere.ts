/** The agent that runs on a state folder, for commands that do without one as well. */
import { resolve } from "node:path"
import type { Agent } from "@piecework/client/Agent"
import { Effect, Option, type Scope } from "effect"
import type { Input } from "./command/anAgent.ts"

/** How long it may take to say who it is. */
const within = "3 seconds"

/** A connection to the agent of the folder for as long as the scope lasts; none where none runs, none answers, or it has another folder. */
export const find = Effect.fn("AgentHere.find")(function* (
  input: Input,
  root: string
): Effect.fn.Return<Option.Option<Agent["Service"]>, never, Scope.Scope> {
  // Other commands start without the socket's client.
  const { connect } = yield* Effect.promise(() => import("./command/withAgent.ts"))
  const found = yield* Effect.gen(function* () {
    const agent = yield* connect(input)
    const facts = yield* agent.facts
    return resolve(facts.stateFolder) === resolve(root) ? Option.some(agent) : Option.none()
  }).pipe(Effect.timeoutOption(within), Effect.option)
  return Option.flatten(Option.flatten(found))
})
