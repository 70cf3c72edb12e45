/** What may be kept of a file: bounds, and what callers must not do. */
import * as PieceLayout from "@piecework/domain/PieceLayout"
import type { PieceIndex } from "@piecework/domain/PieceLayout"
import { Effect } from "effect"
import { ObjectError } from "../ObjectError.ts"
import type { ObjectFacts } from "../ObjectFacts.ts"

/** Most bytes of names and values of headers. */
export const maxHeaderBytes = 16 * 1024

/** Largest file: as many pieces as tables by piece may have. */
export const maxSize = PieceLayout.maxPieceCount * PieceLayout.standardPieceSize

/** A name in lower case, and a value that cannot end its line. Source: RFC 9110, sections 5.1 and 5.5. */
const isHeader = (name: string, value: string): boolean =>
  /^[!#$%&'*+.^_`|~0-9a-z-]+$/.test(name) && /^[\t\u0020-\u007e\u0080-\u00ff]*$/.test(value)

/** Why these facts cannot be kept; `undefined` when they can. */
export const problemOf = ({ confirmedAt, freshUntil, headers, size }: ObjectFacts): string | undefined => {
  if (!Number.isSafeInteger(size) || size < 0) return "its size is no number of bytes"
  if (size > maxSize) return `its size is more than ${maxSize} bytes`
  if (!Number.isFinite(confirmedAt) || !Number.isFinite(freshUntil)) return "its times are no times"
  return headersProblemOf(headers)
}

/** Why these headers cannot be kept; `undefined` when they can. */
export const headersProblemOf = (headers: ReadonlyMap<string, string>): string | undefined => {
  let bytes = 0
  for (const [name, value] of headers) {
    if (!isHeader(name, value)) return `its header ${JSON.stringify(name.slice(0, 40))} cannot be said again`
    bytes += name.length + value.length
  }
  return bytes > maxHeaderBytes ? `its headers have more than ${maxHeaderBytes} bytes` : undefined
}

export const checkFacts = (facts: ObjectFacts): Effect.Effect<void, ObjectError> =>
  Effect.suspend(() => {
    const detail = problemOf(facts)
    return detail === undefined ? Effect.void : new ObjectError({ at: facts.url, reason: "Failed", detail })
  })

/** A piece or a span that the file does not have is a bug of the caller. */
export const checkSpan = (layout: PieceLayout.PieceLayout, piece: PieceIndex, offset: number, length: number): void => {
  if (!(piece >= 0 && piece < layout.pieceCount))
    throw new RangeError(`piece ${piece} of a file with ${layout.pieceCount}`)
  if (!(offset >= 0 && offset + length <= layout.length(piece)))
    throw new RangeError(`bytes ${offset}+${length} of a piece of ${layout.length(piece)}`)
}

/** Facts that say of another file that it is this one are a bug of the caller. */
export const checkSame = (before: ObjectFacts, now: ObjectFacts): void => {
  if (before.url !== now.url || before.size !== now.size)
    throw new RangeError(`${now.url} of ${now.size} bytes is not ${before.url} of ${before.size}`)
}
