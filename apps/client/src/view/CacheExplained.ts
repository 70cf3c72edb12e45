/** What the settings of the cache come to on this device now, in sentences. */
import type { KeptContent } from "@piecework/cache/CacheKeeper"
import type { Terms } from "@piecework/cache/CacheRules"
import type { Space } from "@piecework/host/Host"
import type { Name } from "@piecework/policy/Settings"
import * as Amount from "./Amount.ts"
import * as Moment from "./Moment.ts"

export const names: ReadonlySet<Name> = new Set([
  "DOMaxCacheAge",
  "DOMaxCacheSize",
  "DOAbsoluteMaxCacheSize",
  "DOMinFileSizeToCache"
])

export const here = (
  name: Name,
  terms: Terms,
  disk: Space | undefined,
  contents: ReadonlyArray<KeptContent>
): ReadonlyArray<string> => {
  const pinned = contents.filter(({ isPinned }) => isPinned)
  switch (name) {
    case "DOMaxCacheSize":
    case "DOAbsoluteMaxCacheSize": {
      const also = pinned.length === 0 ? "" : `, and ${Amount.bytes(sum(pinned))} that are pinned`
      const free =
        disk === undefined
          ? ""
          : ` ${Amount.bytes(disk.free)} of the disk are free; below ${Amount.bytes(terms.leastFree)} contents go, those first that were used least recently.`
      return [`It takes ${Amount.bytes(sum(contents) - sum(pinned))}${also}.${free}`]
    }
    case "DOMaxCacheAge": {
      const next = Math.min(...contents.map(({ expiry }) => expiry ?? Number.POSITIVE_INFINITY))
      const first = Number.isFinite(next) ? `the first expires on ${Moment.minute(next)}` : "none expires by itself"
      return [`Of ${Amount.count(contents.length, "content")} ${first}.`]
    }
    case "DOMinFileSizeToCache": {
      const small = contents.filter((content) => content.isComplete && content.contentSize < terms.leastSize)
      return [
        `Of ${Amount.count(contents.length, "content")} in the cache ${small.length} ${small.length === 1 ? "is" : "are"} smaller.`
      ]
    }
    default:
      return []
  }
}

const sum = (all: ReadonlyArray<KeptContent>): number => all.reduce((bytes, content) => bytes + content.bytes, 0)
