/** Multicast DNS on the networks that this device is on. What cannot be sent or understood is left out: the network is not to be relied on. */
import { networkInterfaces } from "node:os"
import { Context, Effect, Layer, Schedule, type Scope } from "effect"
import type { Socket } from "./internal/socket.ts"
import type { Message } from "./Message.ts"

export type Heard = (message: Message, from: string) => void

export class Multicast extends Context.Service<
  Multicast,
  {
    /** To all networks. */
    readonly send: (message: Message) => Effect.Effect<void>
    /** Calls with each message and the address that it came from, until the scope closes; own messages may be among them. */
    readonly listen: (heard: Heard) => Effect.Effect<void, never, Scope.Scope>
    /** Calls when the device has come to a network since, until the scope closes: nobody there has heard anything yet. */
    readonly onNetwork: (come: () => void) => Effect.Effect<void, never, Scope.Scope>
  }
>()("@piecework/lan/Multicast") {
  /** Of this machine: IPv4, port 5353, on every network with an address but loopback, also those that come later. */
  static readonly layer: Layer.Layer<Multicast> = Layer.effect(
    Multicast,
    Effect.suspend(() => make)
  )
}

/** Most interfaces that are spoken on; containers have dozens. */
const mostInterfaces = 16
/** How often is looked for networks that came and went. */
const lookEvery = "15 seconds"

const make = Effect.gen(function* () {
  const listeners = new Set<Heard>()
  const newcomers = new Set<() => void>()
  const sockets = new Map<string, Socket>()
  const heard: Heard = (message, from) => {
    for (const listener of listeners) listener(message, from)
  }

  /** Loaded when it is needed: everybody who downloads knows of this module. */
  const load = Effect.promise(() => import("./internal/socket.ts"))
  let isFirst = true
  const look = Effect.map(load, ({ open }) => {
    const before = new Set(sockets.keys())
    const addresses = new Set(ownAddresses())
    for (const [address, socket] of sockets) {
      if (addresses.has(address) && !socket.isBroken()) continue
      sockets.delete(address)
      void socket.close()
    }
    for (const address of addresses) {
      if (!sockets.has(address)) sockets.set(address, open(address, heard))
    }
    const hasCome = [...sockets.keys()].some((address) => !before.has(address))
    if (hasCome && !isFirst) for (const come of newcomers) come()
    isFirst = false
  })

  // The sockets are there from the first listener on: who only looks at settings opens none.
  const scope = yield* Effect.scope
  const opened = yield* Effect.cached(
    Effect.andThen(look, Effect.asVoid(Effect.forkIn(Effect.repeat(look, Schedule.spaced(lookEvery)), scope)))
  )
  yield* Effect.addFinalizer(() =>
    Effect.suspend(() => {
      const all = [...sockets.values()]
      sockets.clear()
      // A network that takes nothing any more keeps nobody.
      return Effect.timeoutOption(
        Effect.promise(() => Promise.all(all.map((socket) => socket.close()))),
        "1 second"
      )
    })
  )

  return Multicast.of({
    send: (message) =>
      Effect.andThen(
        opened,
        Effect.sync(() => sockets.forEach((socket) => socket.send(message)))
      ),
    onNetwork: (come) =>
      Effect.asVoid(
        Effect.acquireRelease(
          Effect.sync(() => newcomers.add(come)),
          () => Effect.sync(() => newcomers.delete(come))
        )
      ),
    listen: (listener) =>
      Effect.andThen(
        opened,
        Effect.asVoid(
          Effect.acquireRelease(
            Effect.sync(() => listeners.add(listener)),
            () => Effect.sync(() => listeners.delete(listener))
          )
        )
      )
  })
})

const ownAddresses = (): ReadonlyArray<string> =>
  Object.values(networkInterfaces())
    .flatMap((addresses) => addresses?.find(({ family, internal }) => family === "IPv4" && !internal)?.address ?? [])
    .slice(0, mostInterfaces)
