/** An HTTP or HTTPS server in which one handler is asked before all others whether it takes a request. */
import type { IncomingMessage, Server, ServerResponse } from "node:http"

/**
 * True: the handler answers. It may give the request back later, with everything that it had read put back: then it goes
 * the usual way.
 */
export type Shortcut = (request: IncomingMessage, response: ServerResponse, giveBack: () => void) => boolean

export interface ShortcutServer {
  readonly server: Server
  /** Told of each request before anybody answers it. */
  onArrival: ((request: IncomingMessage, response: ServerResponse) => void) | undefined
  /** Absent while there is none. */
  shortcut: Shortcut | undefined
}

/** From now on the server's requests come by here. */
export const make = (server: Server): ShortcutServer => {
  const made: ShortcutServer = { server, onArrival: undefined, shortcut: undefined }
  const usual = server.emit.bind(server) as (event: string, ...args: ReadonlyArray<unknown>) => boolean
  server.emit = (event: string, ...args: ReadonlyArray<unknown>): boolean => {
    if (event === "request") {
      const [request, response] = args as [IncomingMessage, ServerResponse]
      made.onArrival?.(request, response)
      if (made.shortcut?.(request, response, () => usual(event, ...args))) return true
    }
    // A request whose sender waits to be told that it may go on is one like the others.
    if (event === "checkContinue") made.onArrival?.(...(args as [IncomingMessage, ServerResponse]))
    return usual(event, ...args)
  }
  return made
}
