/** Bytes of a content in order while they arrive, without a file. */
import { Effect, type Scope, Stream } from "effect"
import type * as Agent from "./Agent.ts"
import type { AgentNotFound, OptionsError } from "./AgentError.ts"
import { agentFor } from "./Download.ts"
import type { Range } from "./JobOptions.ts"
import * as Wish from "./Wish.ts"

export interface OpenOptions extends Wish.OpenWish {
  /** The agent's socket. Default: the one that is found; see `AgentPlace`. */
  readonly socket?: string | undefined
}

export type OpenError = AgentNotFound | OptionsError | Agent.CallError

/** Answers as soon as size and kind are known. What was fetched stays in the agent's cache when the scope closes. */
export const open = Effect.fn("Piecework.open")(function* (
  url: string | URL,
  options: OpenOptions = {}
): Effect.fn.Return<Agent.OpenContent, OpenError, Scope.Scope> {
  const wish = yield* Wish.open(url, options)
  const agent = yield* agentFor(options.socket)
  return yield* agent.open(wish)
})

/** The bytes alone, of a part or of all of it. */
export const read = (
  url: string | URL,
  options: OpenOptions & { readonly range?: Range | undefined } = {}
): Stream.Stream<Uint8Array, OpenError> =>
  Stream.unwrap(Effect.map(open(url, options), (content) => content.read(options.range)))
