/** A client of the service, as a download has it. */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { CloudConfig } from "@piecework/cloud"
import { Cloud } from "@piecework/cloud/Cloud"
import { Context, Duration, Effect, Layer } from "effect"

export const clientOf = (serviceUrl: string) =>
  Effect.map(
    Layer.build(
      Cloud.layer.pipe(
        Layer.provide([CloudConfig.layer({ serviceUrl, timeout: Duration.seconds(20) }), NodeHttpClient.layerUndici])
      )
    ),
    Context.get(Cloud)
  )
