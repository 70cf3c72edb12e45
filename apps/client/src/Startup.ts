/** What the layers of a command fail with when they are built, in words. */
import { Failure } from "@piecework/terminal/Failure"
import { TransportError } from "@piecework/transport/ByteStream"
import { Effect } from "effect"
import { exitCodes } from "./ExitCode.ts"
import * as StateFolder from "@piecework/device/StateFolder"

export const explained = <A, E, R>(
  effect: Effect.Effect<A, E | TransportError | StateFolder.StateFolderError, R>
): Effect.Effect<A, Exclude<E, TransportError | StateFolder.StateFolderError> | Failure, R> =>
  Effect.mapError(effect, (error) => {
    if (error instanceof StateFolder.StateFolderError)
      return new Failure({ sentence: error.message, code: exitCodes.storage })
    if (error instanceof TransportError) {
      return notListening(error)
    }
    return error as Exclude<E, TransportError | StateFolder.StateFolderError>
  })

/** Fails where a file stands in the place of the state folder: for commands that look at it and would make none. */
export const usable = (root: string) => explained(StateFolder.check(root))

const notListening = (error: TransportError): Failure => {
  const { address } = error
  switch (error.reason) {
    case "InUse":
      return new Failure({
        sentence: `Another program listens on ${address} already; choose another port with --port.`,
        code: exitCodes.portInUse
      })
    case "Denied":
      return new Failure({
        sentence: `This user may not listen on ${address}; choose a port above 1023 with --port.`,
        code: exitCodes.address
      })
    case "Unreachable":
    case "Unresolved":
      return new Failure({
        sentence: `${address.replace(/:\d+$/, "")} is no address of this machine; choose another with --host.`,
        code: exitCodes.address
      })
    default:
      return new Failure({ sentence: error.message, code: exitCodes.address })
  }
}
