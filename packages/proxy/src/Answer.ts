/**
 * The answer to a request for a known content: its status, its headers, and which bytes follow. What the origin says of the content is
 * said on; where it says nothing the content's id tells versions apart. Pure. Source: RFC 9110, sections 8, 13 and 14; RFC 9211.
 */
import type { ContentId } from "@piecework/domain/Content"
import type { Header } from "./Headers.ts"
import * as Selection from "./Selection.ts"

/** What the origin said of it, by name in small letters; empty where it said nothing. */
export type Facts = ReadonlyMap<string, string>

export type Answer = Selection.Selection

export interface Content {
  readonly contentId: ContentId
  readonly size: number
  readonly facts: Facts
}

/** Of what the origin says, what a client needs to use and to keep the content. */
const saidOn = [
  ["Cache-Control", "cache-control"],
  ["Content-Disposition", "content-disposition"],
  ["Content-Language", "content-language"],
  ["Date", "date"],
  ["Docker-Content-Digest", "docker-content-digest"],
  ["Expires", "expires"],
  ["Last-Modified", "last-modified"],
  ["Vary", "vary"]
] as const

export const decide = (asked: Selection.Asked, content: Content): Answer => {
  const { contentId, facts, size } = content
  const version = { etag: facts.get("etag") ?? `"${contentId}"`, lastModified: facts.get("last-modified") }
  const about: ReadonlyArray<Header> = [
    ["ETag", version.etag],
    ...saidOn.flatMap(([name, key]): ReadonlyArray<Header> => {
      const value = facts.get(key)
      return value === undefined ? [] : [[name, value]]
    }),
    ["Accept-Ranges", "bytes"],
    ["Cache-Status", 'piecework; detail="verified"']
  ]
  const { headers, part, status } = Selection.select(asked, size, version)
  const hasFile = status === 200 || status === 206
  const type: ReadonlyArray<Header> = hasFile
    ? [["Content-Type", facts.get("content-type") ?? "application/octet-stream"]]
    : []
  return { status, headers: [...about, ...type, ...headers], part }
}
