/** The way to the agent: opens connections to it. */
import { connect as dial, type Socket as NetSocket } from "node:net"
import type { Duplex } from "node:stream"
import { Context, Effect, Layer, type Scope } from "effect"
import { AgentNotFound } from "./AgentError.ts"
import { longestPath, sockets } from "./AgentPlace.ts"

export class AgentLink extends Context.Service<
  AgentLink,
  {
    /** Another connection, closed with the scope. */
    readonly connect: Effect.Effect<Duplex, AgentNotFound, Scope.Scope>
  }
>()("@piecework/client/AgentLink") {
  /** By the first of these sockets that answers; without any where `AgentPlace.sockets` says. */
  static readonly layer = (paths?: ReadonlyArray<string>): Layer.Layer<AgentLink> => Layer.succeed(AgentLink, of(paths))
}

export const of = (paths?: ReadonlyArray<string>): AgentLink["Service"] => ({
  connect: Effect.suspend(() => firstOf(paths ?? sockets(process.env)))
})

const firstOf = Effect.fnUntraced(function* (
  paths: ReadonlyArray<string>
): Effect.fn.Return<Duplex, AgentNotFound, Scope.Scope> {
  const looked: Array<{ readonly path: string; readonly why: string }> = []
  for (const path of paths) {
    const opened = yield* open(path)
    if (typeof opened !== "string") return opened
    looked.push({ path, why: opened })
  }
  return yield* new AgentNotFound({ looked })
})

/** The connection, or what the system says. */
const open = (path: string): Effect.Effect<NetSocket | string, never, Scope.Scope> =>
  Buffer.byteLength(path) > longestPath
    ? Effect.succeed("ENAMETOOLONG")
    : Effect.map(
        Effect.acquireRelease(
          Effect.callback<{ readonly socket: NetSocket; readonly why: string | undefined }>((resume) => {
            const socket = dial({ path })
            const failed = (error: NodeJS.ErrnoException): void =>
              resume(Effect.succeed({ socket, why: error.code ?? error.message }))
            socket.once("error", failed)
            socket.once("connect", () => {
              socket.off("error", failed)
              // Whoever reads hears of it as an end.
              socket.on("error", () => undefined)
              resume(Effect.succeed({ socket, why: undefined }))
            })
            return Effect.sync(() => socket.destroy())
          }),
          ({ socket }) => Effect.sync(() => socket.destroy()),
          { interruptible: true }
        ),
        ({ socket, why }) => why ?? socket
      )
