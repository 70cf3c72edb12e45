/**
 * What the providers say on this device, kept up beside the downloads: nobody who chooses waits for it, only who is `settled`. DHCP's word is read again
 * when it is older than a minute; the service's comes with KeyValue's replies; the local network is asked only while nobody
 * stronger names a cache server.
 */
import { isDeepStrictEqual } from "node:util"
import { Cloud } from "@piecework/cloud/Cloud"
import { Host } from "@piecework/host/Host"
import { vpn } from "@piecework/host/NetworkInterface"
import type { Lan } from "@piecework/lan/Lan"
import { LivePolicy } from "@piecework/policy/LivePolicy"
import { Clock, Deferred, Duration, Effect, FiberHandle, Latch, type Layer, Option, Queue, type Scope } from "effect"
import { nameOf } from "../CacheHost.ts"
import * as Hosts from "../Hosts.ts"
import type { Finding } from "./makeAsking.ts"

export interface LiveOptions {
  /** The way to the local network, built when it is of use. Default: it is not asked. */
  readonly lan?: Layer.Layer<Lan> | undefined
  /** Whether it begins to look before somebody wants to choose. Default no. */
  readonly atOnce?: boolean | undefined
}

/** How old DHCP's word may be, in milliseconds. */
const dhcpKept = 60_000
/** For how many milliseconds the service's word holds: until it is asked anew, a day at most, and ten minutes for it to answer. */
const serviceKept = (expiresInSeconds: number): number =>
  (Math.min(Math.max(expiresInSeconds, 60), 86_400) + 600) * 1000
/** How long the service is given to name some before the local network is asked. */
const patience = Duration.seconds(3)
/**
 * How long it takes to hear of cache servers on the local network, at most: answers come within 120 ms (RFC 6762, section 6), and a
 * question that was lost is asked again after a second.
 */
const hearing = Duration.seconds(1.5)

export const makeFinding = Effect.fnUntraced(function* ({
  atOnce = false,
  lan
}: LiveOptions): Effect.fn.Return<Finding, never, Host | Scope.Scope> {
  const host = yield* Host
  const live = yield* LivePolicy
  const cloud = yield* Effect.serviceOption(Cloud)

  let said = Hosts.silent
  const listeners = new Set<() => void>()
  const hear = (news: Partial<Hosts.Said>) => {
    const next = { ...said, ...news }
    if (isDeepStrictEqual(next, said)) return
    said = next
    for (const heard of listeners) heard()
  }

  const looks = yield* Queue.sliding<void>(1)
  /** Something may be of use now that was not before. */
  const look = () => void Queue.offerUnsafe(looks, undefined)

  // A device that has moved out of reach of its service is not at the place any more of which that spoke.
  const words = yield* Queue.sliding<number>(1)
  yield* Effect.gen(function* () {
    let until = yield* Queue.take(words)
    while (true) {
      const next = yield* Effect.timeoutOption(Queue.take(words), until)
      if (Option.isNone(next)) break
      until = next.value
    }
    hear({ service: [] })
    look()
  }).pipe(Effect.forever, Effect.forkScoped)

  const service = yield* Deferred.make<void>()
  if (Option.isNone(cloud)) yield* Deferred.succeed(service, undefined)
  else {
    yield* cloud.value.onWhereabouts(({ keyValue }) => {
      hear({ service: keyValue.cacheHosts ?? [] })
      Queue.offerUnsafe(words, serviceKept(keyValue.expiresInSeconds))
      Deferred.doneUnsafe(service, Effect.void)
      look()
    })
  }
  yield* live.onChange(look)

  const browsing = yield* FiberHandle.make()
  /** The local network was listened to for long enough. */
  const isHeard = yield* Latch.make(false)
  const browse = (way: Layer.Layer<Lan>) =>
    Effect.gen(function* () {
      yield* Effect.timeoutOption(Deferred.await(service), patience)
      // Loaded by those who ask it.
      const { browseFor } = yield* Effect.promise(() => import("./browseFor.ts"))
      yield* Effect.forkScoped(Effect.andThen(Effect.sleep(hearing), isHeard.open))
      return yield* browseFor(way, host.interfaces, (dnsSd) => Effect.sync(() => hear({ dnsSd })))
    }).pipe(Effect.scoped)

  let dhcpAt = Number.NEGATIVE_INFINITY
  let isBrowsing = false
  let isWanted = atOnce
  const isDhcpOld = (now: number) => Hosts.wants(live.current(), said).dhcp && now - dhcpAt >= dhcpKept
  const readDhcp = Effect.gen(function* () {
    const { cacheHosts } = yield* host.dhcp
    dhcpAt = yield* Clock.currentTimeMillis
    hear({ dhcp: cacheHosts })
  })
  const keepUp = Effect.gen(function* () {
    yield* Queue.take(looks)
    if (!isWanted) return
    const now = yield* Clock.currentTimeMillis
    if (isDhcpOld(now)) yield* readDhcp
    const isOfUse = lan !== undefined && Hosts.wants(live.current(), said).dnsSd
    if (isOfUse === isBrowsing) return
    isBrowsing = isOfUse
    yield* isHeard.close
    if (isOfUse) yield* FiberHandle.run(browsing, browse(lan))
    else {
      yield* FiberHandle.clear(browsing)
      hear({ dnsSd: [] })
    }
  })
  yield* Effect.forkScoped(Effect.forever(keepUp))
  if (atOnce) look()

  /** One is known, or nobody else has a say. */
  const isKnown = () => Hosts.of(live.current(), said).usable.length > 0
  const isSettled = () => isKnown() || !Hosts.isOpen(live.current())
  const settled: Finding["settled"] = Effect.fn("CacheHosts.settled")(function* ({ asksService }) {
    if (isKnown()) return
    isWanted = true
    if (isDhcpOld(yield* Clock.currentTimeMillis)) yield* readDhcp
    // The local network is looked at meanwhile.
    look()
    if (isSettled()) return
    const found = yield* Deferred.make<void>()
    const heard = () => {
      if (isSettled()) Deferred.doneUnsafe(found, Effect.void)
    }
    yield* Effect.acquireRelease(
      Effect.sync(() => listeners.add(heard)),
      () => Effect.sync(() => listeners.delete(heard))
    )
    const others = Effect.gen(function* () {
      if (asksService && Option.isSome(cloud)) yield* Effect.ignore(cloud.value.whereabouts)
      if (lan === undefined || !Hosts.wants(live.current(), said).dnsSd) return
      yield* Effect.timeoutOption(isHeard.await, Duration.sum(patience, hearing))
    })
    yield* Effect.raceFirst(others, Deferred.await(found))
  }, Effect.scoped)

  let lastUsed: string | undefined
  return {
    settled,
    said: () => said,
    onSaid: (heard) =>
      Effect.asVoid(
        Effect.acquireRelease(
          Effect.sync(() => listeners.add(heard)),
          () => Effect.sync(() => listeners.delete(heard))
        )
      ),
    vpn: Effect.map(host.interfaces, (all) => vpn(all, live.current().get("DOVpnKeywords"))),
    asked: Effect.gen(function* () {
      const now = yield* Clock.currentTimeMillis
      if (isWanted && !isDhcpOld(now)) return
      isWanted = true
      look()
    }),
    uses: (cache) => {
      // As DOCacheHost has it.
      const name = nameOf(cache).replace(/^http:\/\//, "")
      if (name === lastUsed || Option.isNone(cloud)) return Effect.void
      lastUsed = name
      return cloud.value.usesCacheHost(name)
    }
  }
})
