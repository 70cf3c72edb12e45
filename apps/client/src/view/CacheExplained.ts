/** What the settings of the cache come to on this device now, in sentences. */
import type { KeptContent } from "@piecework/cache/CacheKeeper"
import type { Terms } from "@piecework/cache/CacheRules"
import type { Space } from "@piecework/host/Host"
import type { Name } from "@piecework/policy/Settings"
import * as Amount from "./Amount.ts"

export const names: ReadonlySet<Name> = new Set([
  "DOMaxCacheAge",
  "DOMaxCacheSize",
  "DOAbsoluteMaxCacheSize",
  "DOModifyCacheDrive",
  "DOMinFileSizeToCache"
])

export const here = (
  name: Name,
  terms: Terms,
  disk: Space | undefined,
  contents: ReadonlyArray<KeptContent>,
  directory: string
): ReadonlyArray<string> => {
  const pinned = contents.filter(({ isPinned }) => isPinned)
  const counted = sum(contents) - sum(pinned)
  switch (name) {
    case "DOMaxCacheSize":
    case "DOAbsoluteMaxCacheSize":
      return [
        Number.isFinite(terms.budget)
          ? `On this disk${disk === undefined ? "" : ` of ${Amount.bytes(disk.total)}`} the cache may take ${Amount.bytes(terms.budget)}; it takes ${Amount.bytes(counted)}${pinned.length === 0 ? "" : `, and ${Amount.bytes(sum(pinned))} that are pinned`}.`
          : `The cache may take what the disk has; it takes ${Amount.bytes(counted)}.`,
        ...(disk === undefined
          ? []
          : [
              `${Amount.bytes(disk.free)} are free; below ${Amount.bytes(terms.leastFree)} contents go, least recently used first.`
            ])
      ]
    case "DOMaxCacheAge": {
      const next = Math.min(...contents.map(({ expiry }) => expiry ?? Number.POSITIVE_INFINITY))
      return [
        Number.isFinite(next)
          ? `Of ${Amount.count(contents.length, "content")} the first expires ${new Date(next).toISOString()}.`
          : `Of ${Amount.count(contents.length, "content")} none expires by itself.`
      ]
    }
    case "DOMinFileSizeToCache": {
      const small = contents.filter((content) => content.isComplete && content.contentSize < terms.leastSize)
      return [
        `${Amount.count(small.length, "content")} of ${contents.length} in the cache ${small.length === 1 ? "is" : "are"} smaller.`
      ]
    }
    case "DOModifyCacheDrive":
      return [`The cache lies in ${directory}.`]
    default:
      return []
  }
}

const sum = (all: ReadonlyArray<KeptContent>): number => all.reduce((bytes, content) => bytes + content.bytes, 0)
