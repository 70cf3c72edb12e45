/**
 * What a cache server does at this moment: what its settings say, and what its service overrules of that. Settings that are read again and
 * orders of the service take effect for the next request.
 */
import * as AllowList from "@piecework/cachenode/AllowList"
import { NodeWork } from "@piecework/cloud/CacheNode"
import { Result } from "effect"
import type { Drive } from "./Drive.ts"
import type { Parent, Settings } from "./Settings.ts"

/** What the service said last. */
export interface Orders {
  readonly isEnabled: boolean
  /** As the service calls it. */
  readonly name: string | undefined
  readonly work: NodeWork
}

export const none: Orders = { isEnabled: true, name: undefined, work: new NodeWork({}) }

export interface InForce {
  readonly allow: AllowList.AllowList
  readonly origins: ReadonlyArray<string>
  readonly parents: ReadonlyArray<Parent>
  readonly cid: string
  readonly name: string
  /** Most that it sends to clients, bytes a second. */
  readonly maxOut: number | undefined
  /** Why it answers nobody, as a sentence. */
  readonly closed: string | undefined
}

const usualCid = "100"

/** `hostName` is what it is called where nobody says anything else. */
export const inForce = (settings: Settings, { isEnabled, name, work }: Orders, hostName: string): InForce => {
  const origins = work.origins ?? settings.origins
  const said = work.origins === undefined ? Result.succeed(settings.allow) : AllowList.parse(origins)
  return {
    // The service checks what it is told; what it lets through and nobody here understands lets nobody in.
    allow: Result.getOrElse(said, () => []),
    origins,
    parents: parentsOf(settings, { work }),
    cid: work.cid ?? settings.cid ?? usualCid,
    name: name ?? settings.name ?? hostName,
    maxOut: work.maxOutBps ?? settings.maxOut,
    closed: isEnabled ? undefined : "This cache server is switched off by its operator."
  }
}

/** Cache servers to ask before the origin, best first. */
export const parentsOf = (settings: Settings, { work }: Pick<Orders, "work">): ReadonlyArray<Parent> =>
  work.parents?.map(({ host, isTls, port }) => ({ host, port, protocol: isTls ? "https:" : "http:" })) ??
  settings.parents

/** Drives to keep files on; of the service in units of 10⁹ bytes. */
export const drivesOf = (settings: Settings, { work }: Pick<Orders, "work">): ReadonlyArray<Drive> =>
  work.drives?.map(({ path, sizeGb }) => ({ folder: path, size: sizeGb === undefined ? undefined : sizeGb * 1e9 })) ??
  settings.drives

/** The environment in which proxies are looked for: the service's own in the place of those for HTTP and HTTPS. */
export const environmentOf = (environment: Environment, { work }: Pick<Orders, "work">): Environment => {
  if (work.proxy === undefined) return environment
  const { host, port } = work.proxy
  const url = `http://${host.includes(":") ? `[${host}]` : host}:${port}`
  return { ...environment, http_proxy: url, https_proxy: url }
}

type Environment = Readonly<Record<string, string | undefined>>

/** What of the service's orders is another one now, and needs another start. */
export const ordersNeedStart = (before: NodeWork, after: NodeWork): ReadonlyArray<string> =>
  (["drives", "parents", "proxy"] as const).filter((key) => JSON.stringify(before[key]) !== JSON.stringify(after[key]))

/** Words of the settings that say something else now and need another start. */
export const needStart = (before: Settings, after: Settings): ReadonlyArray<string> => {
  const words = {
    listen: "http",
    "tls-port, tls-cert, tls-key": "tls",
    drive: "drives",
    parent: "parents",
    service: "service",
    "service-ca": "serviceCa",
    "service-key": "serviceKey",
    group: "group",
    "peer-port": "peers",
    announce: "announce"
  } as const satisfies { readonly [word: string]: keyof Settings }
  return Object.entries(words).flatMap(([word, key]) =>
    JSON.stringify(before[key]) === JSON.stringify(after[key]) ? [] : [word]
  )
}
