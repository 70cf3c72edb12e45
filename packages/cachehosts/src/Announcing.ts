/** How a cache server tells the local network of itself, so that clients without settings find it. Source: spec.md §7.2. */
import { Lan } from "@piecework/lan/Lan"
import * as Names from "@piecework/lan/Names"
import type { Service } from "@piecework/lan/Services"
import { Effect, type Scope } from "effect"

export interface Announced {
  /** What tells it from other cache servers of the network, such as the machine's name; other characters than letters and digits become hyphens. */
  readonly instance: string
  readonly port: number
  /** The port speaks TLS: clients ask by https then, by the address, which the certificate has to name. */
  readonly isTls: boolean
}

/** Tells of it until the scope closes, and then that it is over: so `Lan` has to be there longer than the scope. */
export const announce = (announced: Announced): Effect.Effect<void, never, Lan | Scope.Scope> =>
  Lan.use((lan) => lan.offer(serviceOf(announced)))

export const serviceOf = ({ instance, isTls, port }: Announced): Service => ({
  type: Names.cacheServer,
  instance: Names.labelOf(instance),
  port,
  texts: isTls ? [tls] : []
})

/** The text by which clients know that it speaks TLS. Ours. */
export const tls = "tls=1"
