/** An HTTP server in which one handler is asked before all others whether it takes a request. */
import { type IncomingMessage, Server, type ServerResponse } from "node:http"

/**
 * True: the handler answers. It may give the request back later, with everything that it had read put back: then it goes
 * the usual way.
 */
export type Shortcut = (request: IncomingMessage, response: ServerResponse, giveBack: () => void) => boolean

export class ShortcutServer extends Server {
  /** Told of each request before anybody answers it. */
  onArrival: ((request: IncomingMessage, response: ServerResponse) => void) | undefined
  /** Absent while there is none. */
  shortcut: Shortcut | undefined

  override emit(event: string, ...args: ReadonlyArray<unknown>): boolean {
    if (event === "request") {
      const [request, response] = args as [IncomingMessage, ServerResponse]
      this.onArrival?.(request, response)
      if (this.shortcut?.(request, response, () => super.emit(event, ...args))) return true
    }
    return super.emit(event, ...args)
  }
}
