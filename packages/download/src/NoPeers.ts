/** A `PeerHost` that neither listens nor dials: for a process whose downloads have no use for peers. */
import { PeerAddress, type PeerId } from "@piecework/domain/Peer"
import { PeerError } from "@piecework/peers/PeerError"
import { PeerHost } from "@piecework/peers/PeerHost"
import { Effect, Layer } from "effect"

export const layer = (self: PeerId): Layer.Layer<PeerHost> =>
  Layer.succeed(PeerHost, {
    self,
    address: new PeerAddress({ host: "127.0.0.1", port: 0 }),
    serve: () => Effect.void,
    connect: (peer) =>
      Effect.fail(new PeerError({ peer: peer.id, address: peer.address.toString(), reason: "Unreachable" }))
  })
