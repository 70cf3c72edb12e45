/** How much a device keeps of what it could not report yet. */
import { Context, Layer } from "effect"
import * as Arrival from "./Arrival.ts"

export class OutboxConfig extends Context.Service<
  OutboxConfig,
  {
    /** Most events, each of at most 16 KiB and mostly of one; 2 at least. Default 1000. */
    readonly mostEvents: number
    /** Milliseconds; older ones would be in no report. Default 28 days. */
    readonly keepMillis: number
  }
>()("@piecework/reports/OutboxConfig") {}

export const defaults: OutboxConfig["Service"] = { mostEvents: 1000, keepMillis: Arrival.oldest }

export const layer = (options?: Partial<OutboxConfig["Service"]>): Layer.Layer<OutboxConfig> =>
  Layer.succeed(OutboxConfig, { ...defaults, ...options })
