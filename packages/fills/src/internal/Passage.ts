/** An answer that is passed on as it comes, to one client. */
import { Cause, Effect, Stream } from "effect"
import { FillError } from "../FillError.ts"
import type { Passing, Wanted } from "../Fills.ts"
import * as Asking from "./Asking.ts"
import { type Shop, shown } from "./Shop.ts"

/** Bytes handed out at a time, at most. */
const chunk = 65_536

/** Headers about one connection, or that say again what the status and the length say. Source: RFC 9110, section 7.6.1. */
const own = new Set([
  "connection",
  "content-length",
  "keep-alive",
  "proxy-authenticate",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade"
])

/** The part that is wanted of the file, as its size allows; `undefined` for all. */
export const partOf = (
  wanted: Wanted,
  size: number
): { readonly offset: number; readonly length: number } | undefined => {
  if (wanted.part === undefined) return undefined
  const { length, offset } = wanted.part
  const from = offset < 0 ? Math.max(0, size + offset) : Math.min(offset, size)
  return { offset: from, length: Math.min(length ?? Infinity, size - from) }
}

/**
 * The answer as it is, but for the part: where more was asked for than the client wants, it gets what it wants. Closing the client's
 * scope lets go of it.
 */
export const of = Effect.fnUntraced(function* (shop: Shop, asked: Asking.Asked, wanted: Wanted) {
  const { response, scope, upstream } = asked
  yield* Effect.addFinalizer(() => Asking.close(scope))
  const headers = new Map(Array.from(response.headers).filter(([name]) => !own.has(name)))
  const range = response.status === 206 ? response.contentRange : undefined
  const status = wanted.isHead === true && range !== undefined ? 200 : response.status
  if (wanted.isHead === true) {
    headers.delete("content-range")
    const length = range === undefined ? response.contentLength : range.total
    return passing(status, headers, length, Stream.empty)
  }
  let skipped = 0
  let { contentLength: length } = response
  if (range !== undefined && wanted.part !== undefined && wanted.part.offset >= 0) {
    const from = wanted.part.offset
    const end = Math.min(range.end, from + (wanted.part.length ?? Infinity) - 1)
    if (from > range.end) {
      return yield* new FillError({
        url: shown(wanted.url),
        reason: "BadAnswer",
        detail: "its server sends too little"
      })
    }
    skipped = from - range.start
    length = end - from + 1
    headers.set("content-range", `bytes ${from}-${end}/${range.total ?? "*"}`)
  }
  const uncount = shop.count(upstream.kind, response.body)
  yield* Effect.addFinalizer(() => Effect.sync(uncount))
  return passing(status, headers, length, bytes(asked, wanted, skipped, length))
})

const passing = (
  status: number,
  headers: ReadonlyMap<string, string>,
  length: number | undefined,
  body: Passing["body"]
): Passing => ({ _tag: "Passing", status, headers, length, body })

const bytes = (asked: Asking.Asked, wanted: Wanted, skipped: number, length: number | undefined): Passing["body"] =>
  Stream.suspend(() => {
    const buffer = new Uint8Array(Math.min(chunk, Math.max(1, length ?? chunk)))
    let skip = skipped
    let left = length ?? Infinity
    const pull: Effect.Effect<readonly [Uint8Array], FillError | Cause.Done<void>> = Effect.suspend(() => {
      if (left === 0) return Cause.done()
      const target = buffer.subarray(0, skip > 0 ? Math.min(buffer.length, skip) : Math.min(buffer.length, left))
      const filled = Effect.mapError(
        asked.response.body.fill(target, 1),
        (error) => Asking.lostBy(wanted.url, error).error
      )
      return Effect.flatMap(filled, (got) => {
        if (got === 0) return Cause.done()
        if (skip > 0) {
          skip -= got
          return pull
        }
        left -= got
        return Effect.succeed([buffer.subarray(0, got)] as const)
      })
    })
    return Stream.fromPull(Effect.succeed(pull))
  })
