/**
 * The answer to a request for a known content: its status, its headers, and which bytes follow. What the origin says of the content is
 * said on; where it says nothing the content's id tells versions apart. Pure. Source: RFC 9110, sections 8, 13 and 14; RFC 9211.
 */
import type { ContentId } from "@piecework/domain/Content"
import * as ByteRange from "./ByteRange.ts"
import * as Conditions from "./Conditions.ts"
import type { Header } from "./Headers.ts"

export interface Asked {
  readonly method?: string | undefined
  /** By name in small letters. */
  readonly headers: Conditions.Asked & { readonly range?: string | undefined }
}

/** What the origin said of it, by name in small letters; empty where it said nothing. */
export type Facts = ReadonlyMap<string, string>

export interface Answer {
  readonly status: 200 | 206 | 304 | 412 | 416
  readonly headers: ReadonlyArray<Header>
  /** What follows; `undefined` when nothing does. */
  readonly part: ByteRange.Part | undefined
}

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

export const decide = ({ headers, method }: Asked, content: Content): Answer => {
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
  const empty = (status: Answer["status"], more: ReadonlyArray<Header> = []): Answer => ({
    status,
    headers: [...about, ...more],
    part: undefined
  })

  const verdict = Conditions.evaluate(headers, version)
  if (verdict === "NotModified") return empty(304)
  if (verdict === "Failed") return empty(412, [["Content-Length", "0"]])
  const type: Header = ["Content-Type", facts.get("content-type") ?? "application/octet-stream"]
  // Ranges are defined for GET alone.
  const wanted = method === "GET" && Conditions.mayHaveRange(headers, version) ? headers.range : undefined
  const range = ByteRange.parse(wanted, size)
  if (range._tag === "None") {
    return empty(416, [
      ["Content-Range", `bytes */${size}`],
      ["Content-Length", "0"]
    ])
  }
  if (range._tag === "Part") {
    const { length, offset } = range.part
    const place: Header = ["Content-Range", `bytes ${offset}-${offset + length - 1}/${size}`]
    return { status: 206, headers: [...about, type, place, ["Content-Length", String(length)]], part: range.part }
  }
  return {
    status: 200,
    headers: [...about, type, ["Content-Length", String(size)]],
    part: method === "HEAD" ? undefined : { offset: 0, length: size }
  }
}
