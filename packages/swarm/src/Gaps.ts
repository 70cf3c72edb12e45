/** Pieces by number: bits in bytes as in a bitfield, changed in place, runs of adjacent ones, and the gaps between. */
import type { Run } from "@piecework/cloud/LeaseRpc"

export interface Gap {
  readonly first: number
  readonly count: number
}

export const has = (bytes: Uint8Array, bit: number): boolean => ((bytes[bit >> 3] ?? 0) & (0x80 >> (bit & 7))) !== 0

export const set = (bytes: Uint8Array, bit: number): void => {
  bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) | (0x80 >> (bit & 7))
}

export const clear = (bytes: Uint8Array, bit: number): void => {
  bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) & ~(0x80 >> (bit & 7))
}

/** Calls `visit` with each bit set, in order. */
export const forEach = (bytes: Uint8Array, visit: (bit: number) => void): void => {
  for (let i = 0; i < bytes.length; i++) {
    for (let byte = bytes[i] ?? 0; byte !== 0;) {
      const bit = Math.clz32(byte) - 24
      visit(i * 8 + bit)
      byte &= ~(0x80 >> bit)
    }
  }
}

/** Whether a bit is set. */
export const any = (bytes: Uint8Array): boolean => {
  for (let i = 0; i < bytes.length; i++) if (bytes[i] !== 0) return true
  return false
}

/** The bits of `a` that are not in `b`. */
export const minus = (a: Uint8Array, b: Uint8Array): Uint8Array => {
  const bytes = a.slice()
  for (let i = 0; i < bytes.length; i++) bytes[i] = (bytes[i] ?? 0) & ~(b[i] ?? 0)
  return bytes
}

export const union = (a: Uint8Array, b: Uint8Array): Uint8Array => {
  const bytes = a.slice()
  for (let i = 0; i < bytes.length; i++) bytes[i] = (bytes[i] ?? 0) | (b[i] ?? 0)
  return bytes
}

/** Whether `a` has a bit that is not in `b`. */
export const exceeds = (a: Uint8Array, b: Uint8Array): boolean => {
  for (let i = 0; i < a.length; i++) if (((a[i] ?? 0) & ~(b[i] ?? 0)) !== 0) return true
  return false
}

/** Whether the two have a bit in common. */
export const meets = (a: Uint8Array, b: Uint8Array): boolean => {
  for (let i = 0; i < a.length; i++) if (((a[i] ?? 0) & (b[i] ?? 0)) !== 0) return true
  return false
}

/** How many of the first `count` bits are not taken, and the `most` longest gaps of such, the longest and first before others. */
export const survey = (
  count: number,
  taken: Uint8Array,
  most: number
): { readonly free: number; readonly gaps: ReadonlyArray<Gap> } => {
  const gaps: Array<Gap> = []
  let free = 0
  let shortest = 0
  let first = -1
  const close = (end: number) => {
    if (first < 0) return
    const gap = { first, count: end - first }
    first = -1
    free += gap.count
    if (gaps.length === most) {
      // Of equals the first stays.
      if (gap.count <= shortest) return
      gaps.splice(
        gaps.findLastIndex((other) => other.count === shortest),
        1
      )
    }
    gaps.push(gap)
    if (gaps.length === most) shortest = gaps.reduce((least, other) => Math.min(least, other.count), Infinity)
  }
  for (let i = 0; i * 8 < count; i++) {
    const byte = taken[i] ?? 0
    if (byte === 0xff) close(i * 8)
    else if (byte === 0) first = first < 0 ? i * 8 : first
    else {
      for (let bit = i * 8; bit < Math.min(count, i * 8 + 8); bit++) {
        if (has(taken, bit)) close(bit)
        else if (first < 0) first = bit
      }
    }
  }
  close(count)
  return { free, gaps: gaps.toSorted((a, b) => b.count - a.count || a.first - b.first) }
}

/** Numbers in any order as runs in order. */
export const runsOf = (numbers: Iterable<number>): ReadonlyArray<Run> => {
  const runs: Array<{ first: number; count: number }> = []
  for (const n of [...numbers].toSorted((a, b) => a - b)) {
    const last = runs.at(-1)
    if (last !== undefined && last.first + last.count === n) last.count++
    else runs.push({ first: n, count: 1 })
  }
  return runs
}
