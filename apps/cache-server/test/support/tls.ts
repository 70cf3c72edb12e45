/** Looks at the certificate that a server shows. */
import { connect } from "node:tls"
import { Effect } from "effect"

/** The names in it, as "DNS:name"; `at` is "HOST:PORT". */
export const peerName = (at: string): Effect.Effect<string, Error> =>
  Effect.callback((resume) => {
    const [host, port] = at.split(":")
    const socket = connect({ host, port: Number(port), rejectUnauthorized: false }, () => {
      resume(Effect.succeed(socket.getPeerCertificate().subjectaltname ?? ""))
      socket.destroy()
    })
    socket.on("error", (error) => resume(Effect.fail(error)))
    return Effect.sync(() => void socket.destroy())
  })
