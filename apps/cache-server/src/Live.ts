/** The settings and orders of a running cache server; whoever needs them asks at the moment of use. */
import { hostname } from "node:os"
import { Context, Layer } from "effect"
import * as Orders from "./Orders.ts"
import type { Settings } from "./Settings.ts"

export class Live extends Context.Service<
  Live,
  {
    readonly settings: () => Settings
    readonly orders: () => Orders.Orders
    readonly inForce: () => Orders.InForce
    readonly resettle: (settings: Settings) => void
    readonly obey: (orders: Orders.Orders) => void
  }
>()("@piecework/cache-server/Live") {
  static readonly layer = (first: Settings, orders: Orders.Orders): Layer.Layer<Live> =>
    Layer.sync(Live, () => {
      const host = hostname().slice(0, 64) || "cache"
      let settings = first
      let said = orders
      let now = Orders.inForce(settings, said, host)
      const changed = () => void (now = Orders.inForce(settings, said, host))
      return {
        settings: () => settings,
        orders: () => said,
        inForce: () => now,
        resettle: (next) => {
          settings = next
          changed()
        },
        obey: (next) => {
          said = next
          changed()
        }
      }
    })
}
