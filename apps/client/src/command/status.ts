/** `piecework status`: what this device holds and where it came from. */
import { mostPeers, usualPeers } from "@piecework/client/ActivityLimits"
import * as Ending from "@piecework/terminal/Ending"
import { Effect } from "effect"
import { Command, Flag } from "effect/cli"
import * as anAgent from "./anAgent.ts"
import * as options from "./options.ts"

const cacheHosts = Flag.Boolean("cache-hosts").pipe(
  Flag.withDescription("only the cache servers that are known, with who named them and their bans"),
  Flag.withDefault(false)
)

const peers = Flag.Boolean("peers").pipe(
  Flag.withDescription("the peers that the running agent is connected to, by file, with their rates"),
  Flag.withDefault(false)
)

const selectPeerCount = Flag.Int("select-peer-count").pipe(
  Flag.filter(
    (n) => n >= 1 && n <= mostPeers,
    (n) => `${n} is no number of peers; choose one from 1 to ${mostPeers}`
  ),
  Flag.withDescription("how many peers of each file are shown with --peers, the busiest first; default 5"),
  Flag.withMetavar("N"),
  Flag.withDefault(usualPeers)
)

export const status = Command.make(
  "status",
  { ...anAgent.flags, policy: options.policy, cacheHosts, peers, selectPeerCount, json: options.json },
  Effect.fn("status")(function* (input) {
    yield* Ending.forPrograms(input.json)
    const { run } = yield* Effect.promise(() => import("./statusShown.ts"))
    yield* run(input)
  })
).pipe(Command.withDescription("Show what this device holds and where it came from"))
