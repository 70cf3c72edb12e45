/**
 * What a cache server does at this moment: what its settings say, and what its service overrules of that. Settings that are read again and
 * orders of the service take effect for the next request.
 */
import * as AllowList from "@piecework/cachenode/AllowList"
import { NodeWork } from "@piecework/cloud/CacheNode"
import { Result } from "effect"
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
    closed: isEnabled ? undefined : "This cache server is switched off by its operator."
  }
}

/** Cache servers to ask before the origin, best first. */
export const parentsOf = (settings: Settings, { work }: Pick<Orders, "work">): ReadonlyArray<Parent> =>
  work.parents?.map(({ host, isTls, port }) => ({ host, port, protocol: isTls ? "https:" : "http:" })) ??
  settings.parents

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
