/** A port of loopback that nobody listens at, for programs that cannot choose one and say which. */
import { createServer } from "node:net"
import { Effect } from "effect"

/** Another program may take it before it is used; the system hands ports out in turn, so that is rare. */
export const find = Effect.callback<number>((resume) => {
  const server = createServer()
  server.on("error", (error) => resume(Effect.die(error)))
  server.listen(0, "127.0.0.1", () => {
    const address = server.address()
    const port = typeof address === "object" && address !== null ? address.port : 0
    server.close(() => resume(Effect.succeed(port)))
  })
})
