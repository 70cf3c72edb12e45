/** An HTTP server that listens, and in words why one cannot. */
import type { Server } from "node:http"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { exitCodes } from "@piecework/terminal/ExitCode"
import { Failure } from "@piecework/terminal/Failure"
import { Effect, Layer } from "effect"
import type { Address } from "./Address.ts"

/** `flag` is what chooses another port. */
export const listening = (make: () => Server, { host, port }: Address, flag: string) =>
  Layer.effectContext(
    Effect.mapError(
      Layer.build(
        NodeHttpServer.layer(make, {
          port,
          ...(host === undefined ? {} : { host }),
          // Answers are short: whoever has none by then will not have it soon.
          gracefulShutdownTimeout: "1 second"
        })
      ),
      (error) => refusal(error.cause, host, port, flag)
    )
  )

const refusal = (cause: unknown, host: string | undefined, port: number, flag: string): Failure => {
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined
  const where = host === undefined ? `port ${port}` : `port ${port} of ${host}`
  switch (code) {
    case "EADDRINUSE":
      return new Failure({
        sentence: `Another program listens on ${where} already; choose another port with ${flag}.`,
        code: exitCodes.portInUse
      })
    case "EACCES":
    case "EPERM":
      return new Failure({
        sentence: `This user may not listen on ${where}; choose a port above 1023 with ${flag}.`,
        code: exitCodes.address
      })
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
    case "EAI_AGAIN":
    case "EINVAL":
      return new Failure({
        sentence: `${host ?? "The address"} is no address of this machine; choose another with ${flag === "--port" ? "--host" : flag}.`,
        code: exitCodes.address
      })
    default:
      return new Failure({ sentence: `Cannot listen on ${where} (${String(code ?? cause)}).`, code: exitCodes.address })
  }
}
