/**
 * Who calls, as the transport saw it and not as the caller says. Every role's handlers have one; the server's layer for
 * `CallerMiddleware` knows where it comes from: the socket over HTTP, a header between a client and handlers in one process.
 */
import { Context, Effect, Layer } from "effect"
import { RpcMiddleware } from "effect/rpc"
import { anonymous, type Identity } from "./Identity.ts"

export class Caller extends Context.Service<
  Caller,
  {
    /** The address that the service sees. */
    readonly externalIp: string
    /** URL by which the caller reached the service, without a slash at the end; the other roles are found under it. */
    readonly baseUrl: string
    /** Who it is, as far as it has proved it. */
    readonly identity: Identity
  }
>()("@piecework/cloud/Caller") {}

export class CallerMiddleware extends RpcMiddleware.Service<CallerMiddleware, { provides: Caller }>()(
  "@piecework/cloud/CallerMiddleware"
) {}

/** Header by which a client in the same process says which address it is to be seen at. HTTP servers never read it. */
export const externalIpHeader = "x-piecework-external-ip"

/**
 * For clients and handlers in one process. `baseUrl` is what the roles' URLs begin with, default "http://in.process";
 * `identity` is who all of them are, default Anonymous.
 */
export const layerInProcess = (options?: {
  readonly baseUrl?: string
  readonly identity?: Identity
}): Layer.Layer<CallerMiddleware> =>
  Layer.succeed(CallerMiddleware, (effect, { headers }) =>
    Effect.provideService(effect, Caller, {
      externalIp: headers[externalIpHeader] ?? "127.0.0.1",
      baseUrl: options?.baseUrl ?? "http://in.process",
      identity: options?.identity ?? anonymous
    })
  )
