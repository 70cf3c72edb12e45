/**
 * What a process, or a device in a month, has downloaded and sent: numbers that only grow, by kind of source and of peer. A line of text
 * carries them, with those that are not 0 alone. Pure. Source: spec.md §8.1, F132, F133.
 */
import type { PeerKind } from "@piecework/domain/Peer"
import type { SourceKind } from "@piecework/domain/SourceKind"
import type { Priority } from "@piecework/policy/Facts"

/** The columns, each with its name in a line. */
export const columns = {
  /** Content bytes that came in, by kind of source; what the cache held already is none. */
  fromOrigin: "do",
  fromCacheServer: "dc",
  fromLinkLocal: "dk",
  fromLan: "dl",
  fromGroup: "dg",
  fromInternet: "di",
  /** Content bytes that peers were sent, by kind. */
  toLinkLocal: "uk",
  toLan: "ul",
  toGroup: "ug",
  toInternet: "ui",
  /** Of what came in what was thrown away; counted when a download is over. */
  wasted: "w",
  /** Downloads that ended with their file. */
  files: "n",
  /** Bytes that came in by priority, and milliseconds in which some did, for each download, seen once a second. */
  foregroundBytes: "fb",
  foregroundMillis: "fm",
  backgroundBytes: "bb",
  backgroundMillis: "bm",
  /** Milliseconds of connections with peers in those. */
  peerMillis: "pm"
} as const
export type Column = keyof typeof columns

export type Sums = { readonly [C in Column]: number }

const names = Object.keys(columns) as ReadonlyArray<Column>
const byCode = new Map<string, Column>(names.map((name) => [columns[name], name]))

const of = (value: (column: Column) => number): Sums =>
  Object.fromEntries(names.map((name) => [name, value(name)])) as Sums

export const none: Sums = of(() => 0)

export const plus = (a: Sums, b: Partial<Sums>): Sums => of((name) => a[name] + (b[name] ?? 0))

/** What `a` has more; never less than 0. */
export const minus = (a: Sums, b: Sums): Sums => of((name) => Math.max(0, a[name] - b[name]))

export const isNone = (self: Sums): boolean => names.every((name) => self[name] === 0)

/** The column of what comes from such a source; `undefined` for the cache of the device itself. */
export const columnFrom = (kind: SourceKind): Column | undefined => (kind === "LocalCache" ? undefined : `from${kind}`)
export const columnTo = (kind: PeerKind): Column => `to${kind}`

export const downloaded = (self: Sums): number =>
  self.fromOrigin + self.fromCacheServer + self.fromLinkLocal + self.fromLan + self.fromGroup + self.fromInternet
export const uploaded = (self: Sums): number => self.toLinkLocal + self.toLan + self.toGroup + self.toInternet

/** Mean bytes a second while bytes came; 0 without any. */
export const meanRate = (self: Sums, priority: Priority): number => {
  const [bytes, millis] =
    priority === "Foreground"
      ? [self.foregroundBytes, self.foregroundMillis]
      : [self.backgroundBytes, self.backgroundMillis]
  return millis === 0 ? 0 : (bytes * 1000) / millis
}

/** `do=123 ul=45;` */
export const encode = (self: Sums): string =>
  `${names
    .filter((name) => self[name] > 0)
    .map((name) => `${columns[name]}=${Math.round(self[name])}`)
    .join(" ")};`

/** What one line may say of one column: 1 TiB in some seconds is nobody's line. */
const mostAtOnce = 2 ** 40
/** As much of it as a line may say. */
export const inOneLine = (self: Sums): Sums => of((name) => Math.min(self[name], mostAtOnce))

const whole = /^(?:\d{1,13}|[a-z]{1,4}=\d{1,13}(?: [a-z]{1,4}=\d{1,13}){0,63});$/
const torn = /^(?:\d{1,13}|(?:[a-z]{1,4}=\d{1,13} ){0,63}(?:[a-z]{0,4}|[a-z]{1,4}=\d{0,13}))$/

/**
 * A line without its end: `undefined` for one that is none of ours. One that was torn before its semicolon counts for nothing, as do columns
 * of a later version. A number alone is of an earlier one, which counted what Internet peers were sent and nothing else.
 */
export const decode = (line: string): Partial<Sums> | undefined => {
  if (!whole.test(line)) return torn.test(line) ? {} : undefined
  const found: { [C in Column]?: number } = {}
  for (const part of line.slice(0, -1).split(" ")) {
    const [code = "", value] = part.includes("=") ? part.split("=") : [columns.toInternet, part]
    const bytes = Number(value)
    if (bytes > mostAtOnce) return undefined
    const column = byCode.get(code)
    if (column !== undefined) found[column] = (found[column] ?? 0) + bytes
  }
  return found
}
