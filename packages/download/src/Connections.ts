/** The meter of a download whose connections are told of in the log as they end, with the bytes that it counted. */
import type { ContentId } from "@piecework/domain/Content"
import type { ContentUrl } from "@piecework/domain/ContentUrl"
import { PeerAddress } from "@piecework/domain/Peer"
import type { ConnectionEnded } from "@piecework/logs/Events"
import * as Journal from "@piecework/logs/Journal"
import type { PeerSession } from "@piecework/peers/PeerSession"
import { Effect, type Scope } from "effect"
import * as Meter from "./Meter.ts"

/** Those that are there when the scope closes end then. `file` names the content, as far as it is known. */
export const metered = Effect.fnUntraced(function* (
  file: () => ContentId | ContentUrl
): Effect.fn.Return<Meter.Meter, never, Scope.Scope> {
  const write = yield* Journal.pen
  const meter = Meter.make(({ host, id, kind, port, received, sent }, status) => {
    const [gotten, given] = [received(), sent()]
    // An origin that was there in case it was needed is no connection.
    if (host === undefined && gotten === 0) return
    write(() => [
      "A connection ended.",
      {
        event: "connection",
        file: file(),
        destination:
          host === undefined
            ? id.replace(/^(?:origin|cache):/, "")
            : new PeerAddress({ host, port: port ?? 0 }).toString(),
        kind,
        status,
        sent: given,
        received: gotten
      } satisfies ConnectionEnded
    ])
  })
  yield* Effect.addFinalizer(() => Effect.sync(meter.over))
  return meter
})

/** A connection of a peer to whom a content is served that nobody here downloads. */
export const served = (file: ContentId, session: PeerSession, status: string): Effect.Effect<void> =>
  Journal.verboseNote(() => [
    "A connection ended.",
    {
      event: "connection",
      file,
      destination: session.address.toString(),
      kind: session.kind,
      status,
      sent: session.counters().sent,
      received: session.received()
    } satisfies ConnectionEnded
  ])
