/**
 * An address of its own for the console: what comes there goes to the same server as everything else, with a note that it came there; and the
 * console's paths are answered to nothing that did not. So operators' browsers can be kept apart from devices by addresses and firewalls.
 */
import type { IncomingMessage, Server, ServerResponse } from "node:http"

export interface ConsoleDoor {
  /** From now on what the other server is asked goes to the main one. */
  readonly lead: (from: Server, to: Server) => void
  /** Whether a request came by it. */
  readonly has: (request: object) => boolean
}

export const make = (): ConsoleDoor => {
  const came = new WeakSet<object>()
  return {
    lead: (from, to) =>
      void from.on("request", (request: IncomingMessage, response: ServerResponse) => {
        came.add(request)
        to.emit("request", request, response)
      }),
    has: (request) => came.has(request)
  }
}
