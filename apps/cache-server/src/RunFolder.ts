/** Where a running cache server is found by its own commands: a socket, in a folder that follows from the environment and the state folder. */
import { join } from "node:path"
import { longestPath } from "@piecework/client/AgentPlace"

export const program = "piecework-cache"

type Environment = Readonly<Record<string, string | undefined>>

/** With a state folder that was named the socket is in there, so that several servers of one machine are told apart. */
export const socketOf = (state: string | undefined, root: string, env: Environment): string => {
  const run = env["RUNTIME_DIRECTORY"]?.split(":")[0]
  return join(state === undefined && run ? run : join(root, "run"), "cache.sock")
}

/** Those at which a command looks, best first: the server of this user, then the one that systemd runs. */
export const socketsToAsk = (state: string | undefined, root: string): ReadonlyArray<string> => {
  const own = join(root, "run", "cache.sock")
  return (state === undefined ? [own, `/run/${program}/cache.sock`] : [own]).filter(
    (path) => Buffer.byteLength(path) <= longestPath
  )
}
