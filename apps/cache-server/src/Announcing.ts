/** Tells the local network, by DNS-SD, that a cache server is here. Loaded when it is to be told. */
import { zoneOf } from "@piecework/sources/ReservedAddress"
import { Effect, Layer } from "effect"
import { Live } from "./Live.ts"

export interface Doors {
  readonly http: number | undefined
  readonly https: number | undefined
}

/** Whether who hears of it could come: nobody but this machine reaches a server on its loopback addresses. */
export const isReachable = (host: string | undefined): boolean =>
  host === undefined || host === "0.0.0.0" || host === "::" || zoneOf(host) !== "Loopback"

/** Until the scope closes. By plain HTTP where there is that, since a certificate seldom names the address that clients would ask. */
export const announce = Effect.fn("Announcing.announce")(function* ({ http, https }: Doors) {
  const port = http ?? https
  if (port === undefined) return
  const [{ Announcing }, { Lan, Multicast }] = yield* Effect.promise(() =>
    Promise.all([import("@piecework/cachehosts"), import("@piecework/lan")])
  )
  const lan = yield* Layer.build(Lan.Lan.layer.pipe(Layer.provide(Multicast.Multicast.layer)))
  const { name } = (yield* Live).inForce()
  yield* Announcing.announce({ instance: name, port, isTls: http === undefined }).pipe(Effect.provide(lan))
})
