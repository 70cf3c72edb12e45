/** A local network in memory: machines with addresses that hear each other, but for those that were cut off. */
import { Context, Effect, Layer } from "effect"
import { type Heard, Multicast } from "./Multicast.ts"
import { from as withHosts, type Message } from "./Message.ts"

export class MemoryMulticast extends Context.Service<
  MemoryMulticast,
  {
    /** Of the machine with that address. */
    readonly machine: (address: string) => Multicast["Service"]
    /** Every message so far, with who sent it. */
    readonly sent: () => ReadonlyArray<{ readonly from: string; readonly message: Message }>
    /** The machine hears nobody any more, and nobody hears it. */
    readonly cut: (address: string) => Effect.Effect<void>
    readonly restore: (address: string) => Effect.Effect<void>
  }
>()("@piecework/lan/MemoryMulticast") {
  static readonly layer: Layer.Layer<MemoryMulticast> = Layer.sync(MemoryMulticast, () => {
    const listeners = new Map<Heard, string>()
    const alone = new Set<string>()
    const newcomers = new Map<() => void, string>()
    const sent: Array<{ readonly from: string; readonly message: Message }> = []
    return MemoryMulticast.of({
      sent: () => sent,
      cut: (address) => Effect.sync(() => void alone.add(address)),
      restore: (address) =>
        Effect.sync(() => {
          alone.delete(address)
          for (const [come, at] of newcomers) if (at === address) come()
        }),
      machine: (address) => ({
        send: (told) =>
          Effect.sync(() => {
            const message = withHosts(told, address)
            sent.push({ from: address, message })
            if (alone.has(address)) return
            for (const [heard, at] of listeners) if (!alone.has(at)) heard(message, address)
          }),
        onNetwork: (come) =>
          Effect.asVoid(
            Effect.acquireRelease(
              Effect.sync(() => newcomers.set(come, address)),
              () => Effect.sync(() => newcomers.delete(come))
            )
          ),
        listen: (heard) =>
          Effect.asVoid(
            Effect.acquireRelease(
              Effect.sync(() => listeners.set(heard, address)),
              () => Effect.sync(() => listeners.delete(heard))
            )
          )
      })
    })
  })
}

/** One machine of the network. */
export const layerMulticast = (address: string): Layer.Layer<Multicast, never, MemoryMulticast> =>
  Layer.effect(
    Multicast,
    MemoryMulticast.useSync((network) => network.machine(address))
  )
