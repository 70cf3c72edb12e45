/**
 * How the process stops being of service: it is not ready any more and takes no new connections, answers what has come, and
 * lets connections go behind their answers. A connection on which a request may be on its way is left open for a second, since
 * the caller has no way to know that nobody reads it any more.
 */
import type { Server } from "node:http"
import { Server as NetServer } from "node:net"
import * as Ending from "@piecework/terminal/Ending"
import { Clock, Duration, Effect } from "effect"
import type { Readiness } from "./Readiness.ts"
import type { Traffic } from "./Traffic.ts"

/** From when nobody can connect any more until connections without a request are closed. */
const idleFor = Duration.seconds(1)
/** From the beginning until all are. */
const mostly = Duration.millis(3500)
const step = Duration.millis(20)

export const drain = Effect.fnUntraced(function* (
  server: Server,
  readiness: Readiness["Service"],
  traffic: Traffic["Service"]
) {
  const started = yield* Clock.currentTimeMillis
  yield* readiness.drain
  yield* Effect.annotateLogs(Effect.logInfo("stopping"), {
    requests: traffic.inFlight(),
    signal: Ending.signal() ?? "none"
  })
  yield* stopListening(server)
  traffic.endConnections()
  // A process with much to do may have needed longer than that for the turns of its loop until here.
  const ending = yield* Clock.currentTimeMillis
  while ((yield* connections(server)) > 0) {
    const now = yield* Clock.currentTimeMillis
    if (now - started > Duration.toMillis(mostly)) break
    if (now - ending > Duration.toMillis(idleFor)) server.closeIdleConnections()
    yield* Effect.sleep(step)
  }
  const cut = yield* connections(server)
  if (cut > 0) yield* Effect.annotateLogs(Effect.logWarning("connections were cut"), { connections: cut })
  server.closeAllConnections()
})

const connections = (server: Server): Effect.Effect<number> =>
  Effect.callback<number>((resume) => {
    server.getConnections((error, count) => resume(error === null ? Effect.succeed(count) : Effect.die(error)))
  })

/** Turns of the event loop that are waited for one in which nobody connects, and milliseconds at most. */
const mostTurns = 100
const longest = 1500

/**
 * The system takes connections before the process does, and throws away those that it does not take. So the server is
 * closed behind a turn of the loop in which there were none. Its own `close` would also end connections that have no request
 * yet, on which one may be on its way.
 */
const stopListening = (server: Server): Effect.Effect<void> =>
  Effect.callback<void>((resume) => {
    let came = true
    let turns = 0
    const began = performance.now()
    const note = () => void (came = true)
    server.on("connection", note)
    const turn = () => {
      if (came && ++turns < mostTurns && performance.now() - began < longest) {
        came = false
        return setImmediate(turn)
      }
      server.off("connection", note)
      NetServer.prototype.close.call(server)
      return resume(Effect.void)
    }
    setImmediate(turn)
  })
