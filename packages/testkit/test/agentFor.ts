/** What the program in the README of the client stands on: an agent, and an origin with a file. */
import { spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtemp, rm } from "node:fs/promises"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { entryOf } from "@piecework/launch/bundle"
import { Effect, type Scope } from "effect"

const main = entryOf(join(import.meta.dirname, "../../../apps/client"))
const file = "Piecework delivers.\n"

export interface Ground {
  readonly env: Readonly<Record<string, string>>
  /** What a README calls them, and what they are here. */
  readonly names: ReadonlyArray<readonly [there: string, here: string]>
}

export const ground: Effect.Effect<Ground, never, Scope.Scope> = Effect.gen(function* () {
  const folder = yield* Effect.acquireRelease(
    Effect.promise(() => mkdtemp(join(tmpdir(), "piecework-readme-"))),
    (path) => Effect.promise(() => rm(path, { recursive: true, force: true }))
  )
  const origin = yield* Effect.acquireRelease(
    Effect.promise(async () => {
      const server = createServer((_, response) => void response.end(file)).listen(0, "127.0.0.1")
      await once(server, "listening")
      return server
    }),
    (server) =>
      Effect.sync(() => {
        server.closeAllConnections()
        server.close()
      })
  )
  const { port } = origin.address() as AddressInfo
  const args = ["agent", "--host", "127.0.0.1", "--port", "0", "--state", folder, "--no-rest", "--json"]
  yield* Effect.acquireRelease(
    Effect.promise(async () => {
      const agent = spawn(process.execPath, [main, ...args], {
        stdio: ["ignore", "pipe", "ignore"]
      })
      await once(agent.stdout, "data")
      return agent
    }),
    (agent) =>
      Effect.promise(async () => {
        const ended = once(agent, "exit")
        if (agent.exitCode === null && agent.kill("SIGKILL")) await ended
      })
  )
  return {
    env: { PIECEWORK_SOCKET: join(folder, "run", "agent.sock") },
    names: [
      ["http://origin", `http://127.0.0.1:${port}`],
      ["/data/", `${folder}/`]
    ]
  }
})
