/**
 * A Node stream that goes both ways as a `Socket`: what it brings is taken when somebody pulls, and who writes waits while the other side is slow.
 * However it ends, that is one error, `SocketCloseError`.
 */
import type { Duplex } from "node:stream"
import { Effect, type Scope } from "effect"
import { Socket } from "effect/socket"

const closed = new Socket.SocketError({ reason: new Socket.SocketCloseError({ code: 1000 }) })

type Pulled = readonly [Uint8Array, ...Array<Uint8Array>]

/** Over a stream that is open. Whoever made the stream closes it. */
export const of = (duplex: Duplex): Socket.Socket =>
  Socket.make({ reader: reader(duplex), writer: Effect.succeed({ write: write(duplex), writeAll: writeAll(duplex) }) })

/** The bytes that are there, at least one. */
export const pull = (duplex: Duplex): Effect.Effect<Effect.Effect<Pulled, Socket.SocketError>, never, Scope.Scope> =>
  Effect.gen(function* () {
    let waiting: ((pulled: Effect.Effect<Pulled, Socket.SocketError>) => void) | undefined
    const look = (): void => {
      if (waiting === undefined) return
      const chunk: Uint8Array | null = isOver(duplex) ? null : duplex.read()
      if (chunk === null && !isOver(duplex)) return
      const resume = waiting
      waiting = undefined
      resume(chunk === null ? Effect.fail(closed) : Effect.succeed([chunk]))
    }
    const events = ["readable", "end", "error", "close"] as const
    yield* Effect.acquireRelease(
      Effect.sync(() => events.forEach((event) => duplex.on(event, look))),
      () =>
        Effect.sync(() => {
          waiting?.(Effect.fail(closed))
          waiting = undefined
          events.forEach((event) => duplex.off(event, look))
          // What is still to come must not end the process.
          duplex.on("error", ignored)
        })
    )
    return Effect.callback<Pulled, Socket.SocketError>((resume) => {
      waiting = resume
      look()
      return Effect.sync(() => {
        if (waiting === resume) waiting = undefined
      })
    })
  })

const isOver = (duplex: Duplex): boolean => duplex.readableEnded || duplex.destroyed || duplex.errored !== null

const ignored = (): void => undefined

const reader = (duplex: Duplex): Socket.Socket["reader"] =>
  Effect.map(pull(duplex), (pulls) => ({
    pull: pulls,
    upgrade: () =>
      Effect.fail(
        new Socket.SocketError({
          reason: new Socket.SocketUpgradeError({ cause: new Error("no TLS over this socket") })
        })
      )
  }))

/** Waits until there is room for more. */
export const room = (duplex: Duplex): Effect.Effect<void, Socket.SocketError> =>
  Effect.callback<void, Socket.SocketError>((resume) => {
    const off = (): void => {
      duplex.off("drain", drained)
      duplex.off("close", gone)
    }
    const drained = (): void => {
      off()
      resume(Effect.void)
    }
    const gone = (): void => {
      off()
      resume(Effect.fail(closed))
    }
    if (duplex.destroyed || duplex.writableEnded) return gone()
    if (!duplex.writableNeedDrain) return drained()
    duplex.on("drain", drained)
    duplex.on("close", gone)
    return Effect.sync(off)
  })

const write =
  (duplex: Duplex): Socket.Writer["write"] =>
  (chunk) =>
    Effect.suspend(() => {
      if (Socket.isCloseEvent(chunk)) {
        duplex.destroy()
        return Effect.void
      }
      if (duplex.destroyed || duplex.writableEnded) return Effect.fail(closed)
      return duplex.write(chunk) ? Effect.void : room(duplex)
    })

const writeAll =
  (duplex: Duplex): Socket.Writer["writeAll"] =>
  (chunks) =>
    Effect.suspend(() => {
      if (duplex.destroyed || duplex.writableEnded) return Effect.fail(closed)
      duplex.cork()
      for (const chunk of chunks) duplex.write(chunk)
      duplex.uncork()
      return room(duplex)
    })
