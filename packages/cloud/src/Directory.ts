/** The three roles that tell a client where it is and whom to ask: Geo, KeyValue and Discovery, all in one process. */
import { Layer } from "effect"
import * as DiscoveryHandlers from "./DiscoveryHandlers.ts"
import * as GeoHandlers from "./GeoHandlers.ts"
import * as KeyValueHandlers from "./KeyValueHandlers.ts"

export const layer = (options?: KeyValueHandlers.Options) =>
  Layer.mergeAll(GeoHandlers.layer, KeyValueHandlers.layer(options), DiscoveryHandlers.layer)
