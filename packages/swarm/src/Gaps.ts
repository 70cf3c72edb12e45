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

export const some = (count: number, is: (n: number) => boolean): boolean => {
  for (let n = 0; n < count; n++) if (is(n)) return true
  return false
}

/** How many are free, and the first of the longest gaps of free ones. */
export const survey = (
  count: number,
  isFree: (n: number) => boolean
): { readonly free: number; readonly longest: Gap | undefined } => {
  let free = 0
  let longest: Gap | undefined
  let first = 0
  for (let n = 0; n <= count; n++) {
    if (n < count && isFree(n)) {
      free++
      continue
    }
    if (n - first > (longest?.count ?? 0)) longest = { first, count: n - first }
    first = n + 1
  }
  return { free, longest }
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
