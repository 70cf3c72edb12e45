/** A site with a cache server that has what the origin has, and a device that may ask it. */
import type { CacheHost } from "@piecework/cachehosts/CacheHost"
import * as LivePolicy from "@piecework/policy/LivePolicy"
import * as Policy from "@piecework/policy/Policy"
import { TestCacheHosts, type TestOrigin, World } from "@piecework/testkit"
import { MemoryNetwork } from "@piecework/transport"
import { Effect } from "effect"

export const bytes = World.bytesOf(30 * 4096 + 77)
export const cache = World.cacheAt(World.cacheHost)
export const other = World.cacheAt(World.otherCacheHost)

export interface Options {
  /** Seconds of DODelayCacheServerFallbackForeground. */
  readonly delay?: number | undefined
  readonly hosts?: ReadonlyArray<CacheHost> | undefined
  /** Nobody listens there. */
  readonly isAbsent?: boolean | undefined
  readonly faults?: TestOrigin.Faults | undefined
}

export const settings = (values: { readonly [name: string]: unknown }) =>
  Policy.resolve([{ provider: "MachineFile", values }])
export const delayed = (delay: number | undefined) =>
  settings(delay === undefined ? {} : { DODelayCacheServerFallbackForeground: delay })

/** A world whose cache server has what the origin has; both are behind a line that takes a good second for it. */
const site = Effect.fnUntraced(function* ({ delay, faults = {}, hosts = [cache], isAbsent }: Options) {
  const slow = new Map([World.originHost, World.cacheHost, World.otherCacheHost].map((host) => [host, line()]))
  const world = yield* World.make({
    network: {
      link: (from) => {
        const own = slow.get(from)
        return own === undefined ? {} : { lines: [own] }
      }
    }
  })
  const server = yield* world.cacheServer({ "/file": bytes }, isAbsent === true ? "10.9.0.99" : World.cacheHost)
  server.misbehave(faults)
  const cacheHosts = yield* TestCacheHosts.make(hosts)
  const policy = LivePolicy.changing(delayed(delay))
  return { world, server, cacheHosts, policy }
})
const line = () => MemoryNetwork.line(100_000)

/** A device without a service. */
export const scene = Effect.fnUntraced(function* (options: Options = {}) {
  const made = yield* site(options)
  const { cacheHosts, policy, world } = made
  world.origin.put("/file", bytes)
  const client = yield* world.client({ cacheHosts: cacheHosts.service, policy, noService: true })
  return { ...made, url: world.urlOf("/file"), client }
})

/** A device whose service knows the content, so that it has a swarm. */
export const published = Effect.fnUntraced(function* (options: Options = {}) {
  const made = yield* site(options)
  const { cacheHosts, policy, world } = made
  const { url } = yield* world.publish("/file", bytes)
  const client = yield* world.client({ cacheHosts: cacheHosts.service, policy })
  return { ...made, url, client }
})
