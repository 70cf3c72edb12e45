/**
 * What the system says of a file that changes when its bytes do. A later change within the same tick of the file
 * system's clock leaves no trace, so a stamp that is younger than a tick proves nothing about what came after it.
 */
import type { BigIntStats } from "node:fs"

export type Stamp = Pick<BigIntStats, "size" | "mtimeNs" | "ctimeNs">

/** Unlike the time of the bytes (mtime), that of the inode (ctime) cannot be set back, so it tells of every change. */
export const isSame = (one: Stamp, other: Stamp): boolean => isSameData(one, other) && one.ctimeNs === other.ctimeNs

/** Whether the bytes are the same, though the file may have another name, owner or number of links by now. */
export const isSameData = (one: Stamp, other: Stamp): boolean =>
  one.size === other.size && one.mtimeNs === other.mtimeNs

/** A file system that keeps whole seconds: FAT, HFS+, ext3. Elsewhere a time falls on one once in a million files. */
export const isCoarse = ({ ctimeNs }: Stamp): boolean => ctimeNs % 1_000_000_000n === 0n

/** Whether the file may change once more, `now` in epoch milliseconds, without getting another stamp. */
export const isYoung = (stamp: Stamp, now: number): boolean =>
  Math.abs(now - Number(stamp.ctimeNs / 1_000_000n)) < (isCoarse(stamp) ? coarseTick : fineTick)

/** FAT counts in steps of two seconds. Milliseconds. */
const coarseTick = 2000

/** Twice the 10 ms that a tick of a kernel takes at most. Milliseconds. */
const fineTick = 20
