/**
 * The peers of one download, for as long as its scope lasts and the settings allow any: met through the service and on the local network,
 * announced to, and the leases that their site shares. What they tell becomes turns of the conductor's queue.
 */
import type { StoredContent } from "@piecework/cache/StoredContent"
import { Cloud } from "@piecework/cloud/Cloud"
import type { CloudError } from "@piecework/cloud/CloudError"
import type { Scope as SwarmScope } from "@piecework/cloud/Fields"
import type { ContentUrl } from "@piecework/domain/ContentUrl"
import { type DownloadMode, usesPeers } from "@piecework/domain/DownloadMode"
import { PeerAddress, type PeerId } from "@piecework/domain/Peer"
import type { PieceIndex } from "@piecework/domain/PieceLayout"
import { isPeer, total } from "@piecework/domain/SourceKind"
import { PeerHost } from "@piecework/peers/PeerHost"
import type { PeerEvent, PeerSession } from "@piecework/peers/PeerSession"
import { forbidsPeers } from "@piecework/policy/Eligibility"
import type { Priority } from "@piecework/policy/Facts"
import { short } from "@piecework/ledger/Recorder"
import { LivePolicy } from "@piecework/policy/LivePolicy"
import type { Plan } from "@piecework/scheduler/Plan"
import type { PieceSource, SourceId } from "@piecework/sources/PieceSource"
import { Effect, Option, type Scope } from "effect"
import * as Crowd from "./Crowd.ts"
import { CurrentLedger } from "./CurrentLedger.ts"
import { DownloadConfig } from "./DownloadConfig.ts"
import * as Feeders from "./Feeders.ts"
import type { Happening, Turn } from "./Fetches.ts"
import type { Halts } from "./Halts.ts"
import * as Leasing from "./Leasing.ts"
import * as Membership from "./Membership.ts"
import type { Meter } from "./Meter.ts"
import * as Neighbours from "./Neighbours.ts"
import * as Permission from "./Permission.ts"
import * as Switched from "./Switched.ts"

export interface CompanyOptions {
  readonly url: ContentUrl
  readonly mode: DownloadMode
  readonly store: StoredContent
  readonly priority: Priority
  readonly halts: Halts
  readonly meter: Meter
  /** Without one there are the peers of the local network, if any. */
  readonly cloud: Option.Option<Cloud["Service"]>
  /** Those of the download; peers come and go here. */
  readonly sources: Map<SourceId, PieceSource>
  readonly tell: (turn: Turn) => void
  readonly awaitsLeases: boolean
  /** As it is now. */
  readonly plan: () => Plan
  /** Those that sent bad pieces, so far. */
  readonly banned: ReadonlyArray<PeerId>
}

/** Nothing of it does anything while there are no peers. */
export interface Company {
  /** Tells them of a piece that is held. */
  readonly announce: (piece: PieceIndex) => void
  readonly dismiss: (peer: PeerId) => Effect.Effect<void>
  /** To be called after each happening: leases are taken by it. */
  readonly look: (happening: Happening) => void
  readonly peers: () => number
  readonly mostPeers: () => number
  /** Most that were named at once; `undefined` before anybody named any. */
  readonly named: () => number | undefined
  /** Some are there, or may still come. */
  readonly mayCome: () => boolean
  /** Tells the swarm that the content is whole. */
  readonly completed: Effect.Effect<void>
}

export const start = Effect.fn("Company.start")(function* (
  options: CompanyOptions
): Effect.fn.Return<Company, never, DownloadConfig | PeerHost | Scope.Scope> {
  const { awaitsLeases, banned, meter, plan, sources, store, tell, url } = options
  const { layout } = store.phf
  const config = yield* DownloadConfig
  const host = yield* PeerHost
  const permission = yield* Permission.Permission
  const ledger = yield* CurrentLedger
  const settings = yield* LivePolicy
  const cloud = Option.getOrUndefined(options.cloud)
  const feeders = Feeders.make()
  let mostPeers = 0
  let named: number | undefined

  const listener: Crowd.Listener = {
    joined: (session) => {
      const { id, kind, received, peer } = session
      sources.set(id, session)
      // Another session with the same peer may not have left yet.
      meter.leave(id)
      meter.join({
        id,
        kind,
        received,
        sent: () => session.counters().sent,
        host: session.address.host,
        port: session.address.port
      })
      feeders.joined(session)
      mostPeers = Math.max(mostPeers, peerCount())
      ledger.joined(id, kind, session.address.toString())
      const what = { kind, held: session.held(), peer, host: session.address.host, choked: session.choked() }
      tell(() => [{ _tag: "SourceJoined", source: id, ...what }])
    },
    told: (session) =>
      tell(() =>
        sources.get(session.id) === session ? session.takeEvents().map((event) => toHappening(session, event)) : []
      ),
    left: (session, why) => {
      ledger.left(session.id, why.reason)
      feeders.left(session)
      if (sources.get(session.id) !== session) return
      sources.delete(session.id)
      meter.leave(session.id, why.violation ?? why.reason)
      tell(() => (sources.has(session.id) ? [] : [{ _tag: "SourceLeft", source: session.id }]))
    }
  }

  let crowd: Crowd.Crowd | undefined
  let membership: Membership.Membership | undefined
  let leasing: Leasing.Leasing | undefined
  const peerCount = () => (crowd === undefined ? 0 : [...crowd.sessions()].length)
  /** Meets the peers, until its scope closes. */
  const attend = Effect.fnUntraced(function* (scope: SwarmScope) {
    const served = { phf: store.phf, store, priority: options.priority }
    const met = yield* Crowd.make({ served, maxPeers: config.maxPeers, listener })
    crowd = met
    const onAttempt = (failure: CloudError | undefined) => options.halts.answered(store.phf.contentId, failure)
    const member = {
      contentId: store.phf.contentId,
      self: host.self,
      address: new PeerAddress({ host: config.reportedHost ?? host.address.host, port: host.address.port }),
      scope,
      profile: config.profile,
      groupId: config.groupId,
      onAttempt,
      subnetMask: config.reportedMask
    }
    const meet = (from: "Service" | "Lan") => (peers: Parameters<typeof met.meet>[0]) => {
      named = Math.max(named ?? 0, peers.length)
      ledger.offered(from, peers)
      return met.meet(peers)
    }
    if (scope === "Group" && config.groupId !== undefined) {
      const setting = settings.current().isSet("DOGroupId") ? "DOGroupId" : "DOGroupIdSource"
      ledger.note({ _tag: "Group", id: short(config.groupId, 128), setting })
    }
    const isLocal = config.peersFrom === "Local"
    yield* Neighbours.meet({ ...member, swarm: store.phf.hashOfHashes, found: meet("Lan") })
    const { unreachable } = met
    if (cloud !== undefined) {
      const joining = Membership.join({
        ...member,
        url,
        isBackground: options.priority === "Background",
        isOfSubnet: config.peersFrom === "Subnet",
        peersWanted: isLocal ? 0 : config.maxPeers * 3,
        standing: Effect.sync(() => {
          const { CacheServer, Group, Internet, Lan, LinkLocal, Origin } = meter.received()
          const fromPeers = { linkLocal: LinkLocal, lan: Lan, group: Group, internet: Internet }
          return {
            uploaded: meter.sent(),
            downloaded: Origin + CacheServer + LinkLocal + Lan + Group + Internet,
            fromOrigin: Origin,
            fromCache: CacheServer,
            fromPeers,
            fedBy: feeders.received(),
            left: layout.contentSize - total(meter.useful()),
            contentSize: layout.contentSize
          }
        }),
        complaints: Effect.map(unreachable, (peers) => [
          ...banned.map((peerId) => ({ peerId, reason: "Bad" as const })),
          ...peers.map((peerId) => ({ peerId, reason: "Unreachable" as const }))
        ]),
        onHandout: (peers) => (isLocal ? Effect.void : meet("Service")(peers)),
        permission
      })
      membership = yield* Effect.provideService(joining, Cloud, cloud)
    }
    if (cloud !== undefined && awaitsLeases) {
      const leases = Leasing.start({
        ...member,
        arrays: membership?.arrays,
        timeout: config.leaseTimeout,
        plan,
        tell
      })
      leasing = yield* Effect.provideService(leases, Cloud, cloud)
    }
  })
  /** Without peers it goes on by itself: nobody is left, and nobody else fetches anything for it. */
  const goAlone = Effect.sync(() => {
    crowd = undefined
    membership = undefined
    leasing = undefined
    for (const [id, source] of sources) {
      if (!isPeer(source.kind)) continue
      sources.delete(id)
      meter.leave(id)
      tell(() => [{ _tag: "SourceLeft", source: id }])
    }
    tell(() => [{ _tag: "LeasesOff" }])
  })
  const may = Permission.mayPeer(permission)
  const mayMeet: Switched.Switch = {
    isOn: () => may.isOn() && !forbidsPeers(settings.current()),
    onChange: (call) => Effect.andThen(may.onChange(call), settings.onChange(call))
  }
  if (usesPeers(options.mode)) yield* Switched.run(mayMeet, attend(options.mode), goAlone)

  return {
    announce: (piece) => crowd?.announce(piece),
    dismiss: (peer) => Effect.suspend(() => crowd?.dismiss(peer) ?? Effect.void),
    look: (happening) => leasing?.look(happening),
    peers: peerCount,
    mostPeers: () => mostPeers,
    named: () => named,
    mayCome: () =>
      crowd !== undefined && (membership?.isAnswered() === false || crowd.dialling() > 0 || peerCount() > 0),
    completed: Effect.suspend(() => membership?.completed ?? Effect.void)
  }
})

const toHappening = (session: PeerSession, event: PeerEvent): Happening => {
  switch (event._tag) {
    case "Held":
      return { _tag: "PeerHolds", source: session.id, held: event.pieces }
    case "Have":
      return { _tag: "PeerHas", source: session.id, piece: event.piece }
    case "Choked":
    case "Unchoked":
      return { _tag: event._tag, source: session.id }
  }
}
