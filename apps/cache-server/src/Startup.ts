/** What the layers of the server fail with when they are built, in words. */
import type { CacheNodeError } from "@piecework/cachenode/CacheNode"
import * as StateFolder from "@piecework/device/StateFolder"
import { Failure } from "@piecework/terminal/Failure"
import { TransportError } from "@piecework/transport/ByteStream"
import { Effect } from "effect"
import { exitCodes } from "./ExitCode.ts"

export const explained = <A, E, R>(
  effect: Effect.Effect<A, E | TransportError | StateFolder.StateFolderError, R>
): Effect.Effect<A, Exclude<E, TransportError | StateFolder.StateFolderError> | Failure, R> =>
  Effect.mapError(effect, (error) => {
    if (error instanceof StateFolder.StateFolderError)
      return new Failure({ sentence: error.message, code: exitCodes.storage })
    // Peers are the only ones that are listened for by this.
    if (error instanceof TransportError)
      return notListening(codes[error.reason] ?? error.message, error.address, "peer-port")
    return error as Exclude<E, TransportError | StateFolder.StateFolderError>
  })

/** Fails where a file stands in the place of the state folder: for commands that look at it and would make none. */
export const usable = (root: string) => explained(StateFolder.check(root))

const codes: { readonly [reason: string]: string } = {
  InUse: "EADDRINUSE",
  Denied: "EACCES",
  Unreachable: "EADDRNOTAVAIL",
  Unresolved: "ENOTFOUND"
}

/** `flag` is what chooses another place. */
export const ofFront =
  (flags: { readonly http: number; readonly tls: number | undefined }) =>
  ({ code, host, port }: CacheNodeError): Failure =>
    notListening(
      code,
      `${host.includes(":") ? `[${host}]` : host}:${port}`,
      port === flags.tls && port !== flags.http ? "tls-port" : "listen"
    )

const notListening = (code: string, address: string, flag: string): Failure => {
  const port = Number(/:(\d+)$/.exec(address)?.[1] ?? 0)
  switch (code) {
    case "EADDRINUSE":
      return new Failure({
        sentence: `Another program listens on ${address} already; end it, or choose another port with --${flag}.`,
        code: exitCodes.portInUse
      })
    case "EACCES":
    case "EPERM":
      return new Failure({
        sentence:
          port < 1024
            ? `This user may not listen on ${address}; choose a port above 1023 with --${flag}, or let the program (CAP_NET_BIND_SERVICE).`
            : `This user may not listen on ${address}; choose another place with --${flag}.`,
        code: exitCodes.address
      })
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
    case "EAI_AGAIN":
    case "EINVAL":
      return new Failure({
        sentence: `${address.replace(/:\d+$/, "")} is no address of this machine; choose another with --${flag}.`,
        code: exitCodes.address
      })
    default:
      return new Failure({ sentence: `Cannot listen on ${address} (${code}); see --${flag}.`, code: exitCodes.address })
  }
}
