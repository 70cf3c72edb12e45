/**
 * The file by which clients and administrators find out whether a cache server answers: `/mscomtest/wuidt.gif` of Microsoft's update
 * hosts, 969,710 bytes. Ours is a picture of one dot with comments up to that length. Pure. Source: spec.md §7.1; GIF89a specification.
 */
import type { ContentUrl } from "@piecework/domain/ContentUrl"
import type { ObjectFacts } from "@piecework/objects/ObjectFacts"
import type { RequestForm } from "./RequestForm.ts"

/** Bytes. */
export const size = 969_710

const hosts: ReadonlySet<string> = new Set(["au.download.windowsupdate.com", "b1.download.windowsupdate.com"])

export const isAsked = ({ origin, path }: RequestForm): boolean =>
  path.split("?", 1)[0]?.toLowerCase() === "/mscomtest/wuidt.gif" &&
  hosts.has(origin.host) &&
  (origin.port === undefined || origin.port === 80 || origin.port === 443)

export const facts = (now: number): ObjectFacts => ({
  url: "http://au.download.windowsupdate.com/mscomtest/wuidt.gif" as ContentUrl,
  size,
  headers: new Map([
    ["content-type", "image/gif"],
    ["etag", '"piecework-health"']
  ]),
  confirmedAt: now,
  freshUntil: now
})

/** Made when it is asked for first. */
export const bytes = (): Uint8Array => (made ??= make())
let made: Uint8Array | undefined

const latin = (text: string): ReadonlyArray<number> => Array.from(text, (letter) => letter.charCodeAt(0))

/** Header, a screen of one dot and two colours. */
const start = [...latin("GIF89a"), 1, 0, 1, 0, 0x80, 0, 0, 0xff, 0xff, 0xff, 0, 0, 0]
/** The dot, and the end. */
const end = [0x2c, 0, 0, 0, 0, 1, 0, 1, 0, 0, 2, 2, 0x44, 0x01, 0, 0x3b]

/** A comment's blocks: a length of up to 255, and as many bytes. */
const longest = 255

const make = (): Uint8Array => {
  const file = new Uint8Array(size).fill(0x20)
  file.set(start)
  file.set([0x21, 0xfe], start.length)
  const over = size - end.length - 1
  for (let at = start.length + 2; at < over;) {
    // A block has a byte at least, so the one before the last leaves room for that.
    const left = over - at - 1
    const length = left <= longest ? left : left === longest + 1 ? longest - 1 : longest
    file[at] = length
    at += 1 + length
  }
  file[over] = 0
  file.set(end, over + 1)
  return file
}
