/**
 * Tunnels for `CONNECT host:443`: bytes in both directions, unseen, at the speed of the slower side. What goes through one is encrypted, so
 * contents of https origins have the reverse form instead.
 */
import { request } from "node:http"
import { connect, type Socket } from "node:net"
import type { Duplex } from "node:stream"
import type * as Proxies from "@piecework/sources/Proxies"
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
  const { connectMillis, connectPorts, proxies } = yield* ProxyConfig
  if (!connectPorts.includes(port)) {
    return yield* new TunnelError({ host, reason: "Port", detail: connectPorts.join(", ") })
  }
  if (!Destination.isAllowed(host, reach)) {
    const { message: detail } = new Destination.DestinationError({ host })
    return yield* new TunnelError({ host, reason: "Address", detail })
  }
  const proxy = proxies(new URL(`https://${host.includes(":") ? `[${host}]` : host}:${port}`))
  if (proxy !== undefined) return yield* through(proxy, { host, port })
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

/** The way to it through another proxy. */
export const through = Effect.fn("Tunnel.through")(function* (
  proxy: Proxies.Proxy | { readonly wrong: string },
  { host, port }: Authority
): Effect.fn.Return<Socket, TunnelError, ProxyConfig | Scope.Scope> {
  if ("wrong" in proxy) return yield* new TunnelError({ host, reason: "Unreachable", detail: proxy.wrong })
  const { connectMillis } = yield* ProxyConfig
  const authority = `${host.includes(":") ? `[${host}]` : host}:${port}`
  const headers = ["Host", authority]
  if (proxy.authorization !== undefined) headers.push("Proxy-Authorization", proxy.authorization)
  const asking = yield* Effect.acquireRelease(
    Effect.sync(() =>
      request({
        host: proxy.host,
        port: proxy.port,
        method: "CONNECT",
        path: authority,
        headers,
        agent: false,
        timeout: connectMillis
      })
    ),
    (asked) => Effect.sync(() => void asked.destroy())
  )
  const socket = yield* Effect.callback<Socket, TunnelError>((resume) => {
    const fail = (reason: TunnelError["reason"], detail: string) =>
      resume(Effect.fail(new TunnelError({ host, reason, detail })))
    asking.on("error", (error: NodeJS.ErrnoException) =>
      fail("Unreachable", `the proxy at ${proxy.host}: ${error.code ?? error.message}`)
    )
    asking.on("timeout", () => fail("TimedOut", "ETIMEDOUT"))
    // A proxy that answers otherwise makes no tunnel.
    asking.on("response", ({ statusCode }) => fail("Unreachable", `the proxy at ${proxy.host}: HTTP ${statusCode}`))
    asking.on("connect", ({ statusCode }, opened, head) => {
      if (statusCode !== 200) {
        opened.destroy()
        return fail("Unreachable", `the proxy at ${proxy.host}: HTTP ${statusCode}`)
      }
      if (head.length > 0) opened.unshift(head)
      opened.setTimeout(0)
      resume(Effect.succeed(opened))
    })
    asking.end()
  })
  return yield* Effect.acquireRelease(Effect.succeed(socket), (opened) => Effect.sync(() => opened.destroy()))
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
    client.once("close", over)
    far.once("close", () => {
      // What it said last may still be on its way to a client that is slow.
      if (far.readableEnded && !client.writableFinished) client.once("finish", over)
      else over()
    })
    if (head.length > 0) far.write(head)
    client.pipe(far)
    far.pipe(client)
    return Effect.sync(over)
  })
})
