/**
 * Headers on their way through: what is between two neighbours alone stays behind, all else goes on as it came, in its order and letters, and
 * Via says who passed it on. Pure. Source: RFC 9110, sections 7.6.1 and 7.6.3.
 */

/** Names and values in turn, as Node has them. */
export type RawHeaders = ReadonlyArray<string>

export type Header = readonly [name: string, value: string]

const hopByHop: ReadonlySet<string> = new Set([
  "connection",
  "http2-settings",
  "keep-alive",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "transfer-encoding",
  "upgrade"
])

export const pairs = (raw: RawHeaders): ReadonlyArray<Header> => {
  const all: Array<Header> = []
  for (let i = 0; i + 1 < raw.length; i += 2) all.push([raw[i] ?? "", raw[i + 1] ?? ""])
  return all
}

export const flat = (headers: ReadonlyArray<Header>): Array<string> => headers.flatMap(([name, value]) => [name, value])

/** As Node wants those behind a body. */
export const trailers = (raw: RawHeaders): Array<[name: string, value: string]> =>
  pairs(raw).map(([name, value]) => [name, value])

/** Those that go on; also without those of the names given, in small letters. */
export const endToEnd = (raw: RawHeaders, without: ReadonlySet<string> = new Set()): ReadonlyArray<Header> => {
  const headers = pairs(raw)
  const named = new Set(
    headers
      .filter(([name]) => name.toLowerCase() === "connection")
      .flatMap(([, value]) => value.split(",").map((token) => token.trim().toLowerCase()))
  )
  return headers.filter(([name]) => {
    const small = name.toLowerCase()
    return !hopByHop.has(small) && !named.has(small) && !without.has(small)
  })
}

/** Whether this proxy has had it before: it went in a circle. */
export const hasPassed = (via: string | undefined, pseudonym: string): boolean =>
  via !== undefined && via.split(",").some((hop) => hop.trim().split(/\s+/)[1]?.toLowerCase() === pseudonym)

/** How many proxies had it before. */
export const hops = (via: string | undefined): number => (via === undefined ? 0 : via.split(",").length)
