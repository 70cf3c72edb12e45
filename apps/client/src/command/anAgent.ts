/** The running agent, for commands that hand it work: by which flags it is found. */
import type { Option } from "effect"
import { Flag } from "effect/cli"
import * as options from "./options.ts"

export const flags = {
  socket: Flag.String("socket").pipe(
    Flag.withDescription("socket of the agent; default $PIECEWORK_SOCKET, else where agents are looked for"),
    Flag.withMetavar("PATH"),
    Flag.optional
  ),
  state: options.state
}

export interface Input {
  readonly socket: Option.Option<string>
  readonly state: Option.Option<string>
}
