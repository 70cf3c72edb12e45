/** Facts of the machine that the program runs on. In a container that has the machine's folders elsewhere, `PIECEWORK_HOST_ROOT` says where. */
import { Host } from "@piecework/host/Host"
import { Effect, Layer } from "effect"

export const layer: Layer.Layer<Host> = Layer.unwrap(
  Effect.sync(() => Host.layer({ root: process.env["PIECEWORK_HOST_ROOT"] || "/" }))
)
