/**
 * Tunnels for `CONNECT host:443`: bytes in both directions, unseen, at the speed of the slower side. What goes through one is encrypted, so
 * contents of https origins have the reverse form instead.
 */
import { connect, type Socket } from "node:net"
import type { Duplex } from "node:stream"
import { Effect, Schema, type Scope } from "effect"
import * as Destination from "./Destination.ts"
import { ProxyConfig } from "./ProxyConfig.ts"
import type { Authority } from "./Target.ts"

export class TunnelError extends Schema.TaggedError<TunnelError>()("TunnelError", {
  host: Schema.String,
  reason: Schema.Literals(["Port", "Address", "TimedOut", "Unreachable"]),
  /** What the system said, or the ports that are allowed. */
  detail: Schema.String
}) {
  override get message(): string {
    switch (this.reason) {
      case "Port":
        return `The proxy makes tunnels to these ports only: ${this.detail}.`
      case "Address":
        return this.detail
      case "TimedOut":
        return `${this.host} did not answer in time.`
      case "Unreachable":
        return `${this.host} cannot be reached (${this.detail}).`
    }
  }
}

/** Opens the way to it; the socket closes with the scope. */
export const open = Effect.fn("Tunnel.open")(function* (
  { host, port }: Authority,
  reach: Destination.Reach
): Effect.fn.Return<Socket, TunnelError, ProxyConfig | Scope.Scope> {
  const { connectMillis, connectPorts } = yield* ProxyConfig
  if (!connectPorts.includes(port)) {
    return yield* new TunnelError({ host, reason: "Port", detail: connectPorts.join(", ") })
  }
  if (!Destination.mayBeAllowed(host, reach)) {
    const { message: detail } = new Destination.DestinationError({ host })
    return yield* new TunnelError({ host, reason: "Address", detail })
  }
  const socket = yield* Effect.acquireRelease(
    Effect.sync(() => connect({ host, port, lookup: Destination.lookup(reach), timeout: connectMillis })),
    (opened) => Effect.sync(() => opened.destroy())
  )
  return yield* Effect.callback<Socket, TunnelError>((resume) => {
    const fail = (reason: TunnelError["reason"], detail: string) =>
      resume(Effect.fail(new TunnelError({ host, reason, detail })))
    socket.once("timeout", () => fail("TimedOut", "ETIMEDOUT"))
    socket.on("error", (error: NodeJS.ErrnoException) =>
      error instanceof Destination.DestinationError
        ? fail("Address", error.message)
        : fail("Unreachable", error.code ?? error.message)
    )
    socket.once("connect", () => {
      socket.removeAllListeners("timeout")
      resume(Effect.succeed(socket))
    })
  })
})

/** Ends when either side has closed, or nothing came either way for too long. */
export const join = Effect.fn("Tunnel.join")(function* (client: Duplex, head: Uint8Array, far: Socket) {
  const { idleMillis } = yield* ProxyConfig
  return yield* Effect.callback<void>((resume) => {
    const over = () => {
      client.destroy()
      far.destroy()
      resume(Effect.void)
    }
    far.setTimeout(idleMillis, over)
    for (const side of [client, far]) side.once("close", over)
    if (head.length > 0) far.write(head)
    client.pipe(far)
    far.pipe(client)
    return Effect.sync(over)
  })
})
