/**
 * What leaves a drive of a cache server that is full, and which drive takes what is new. Plain values go in and come out; contents
 * known to the service and files by their URL are alike here.
 *
 * A byte of a large file saves as much as one of a small file when it is asked for again, so what counts first is how often and
 * how lately a file was asked for. Its rank is the time of its last use, a day later for each doubling of the number of uses (which
 * orders files like counts of uses that halve every day, without being computed anew), and three hours earlier for each doubling of its
 * size: whoever throws out one large file keeps hundreds of small ones, each of which saves a request. The lowest rank leaves first.
 * The shape is that of Greedy-Dual-Size-Frequency (Cherkasova 1998); a day and three hours are our choice. What is open stays.
 */

/** What the rule knows of a file on a drive. */
export interface Lodged {
  /** Bytes that it takes there. */
  readonly bytes: number
  /** When it was last read, epoch milliseconds. */
  readonly usedAt: number
  /** How often it was opened. */
  readonly uses: number
  /** Somebody has it open. */
  readonly isOpen: boolean
}

/** What a doubling of the uses is worth, in ms of age. */
const useWorth = 86_400_000

/** What a doubling of the size costs, in ms of age. */
const sizeCost = useWorth / 8

/** Uses past these change nothing, so that what was loved once does not stay for ever. */
const mostUses = 1024

/** Sizes are counted from here: what is smaller than a piece costs a place all the same. */
const leastSize = 1_048_576

/** Epoch milliseconds, moved by how often it was used and how large it is. */
export const rank = ({ bytes, usedAt, uses }: Lodged, now: number): number =>
  Math.min(usedAt, now) +
  useWorth * Math.log2(1 + Math.min(uses, mostUses)) -
  sizeCost * Math.log2(Math.max(1, bytes / leastSize))

export interface Wish<L extends Lodged> {
  readonly lodged: Iterable<L>
  /** Bytes that have to become free. */
  readonly bytes: number
  /** How many have to leave whatever their bytes. Default 0. */
  readonly count?: number | undefined
  readonly now: number
}

/**
 * The least useful files, in order, until they are enough; all that may leave when they are not. Out of hundreds of thousands few leave at a
 * time, so they are taken from a heap: a drive's table need not be sorted for them.
 */
export const leaving = <L extends Lodged>({ bytes, count = 0, lodged, now }: Wish<L>): ReadonlyArray<L> => {
  if (bytes <= 0 && count <= 0) return []
  const heap: Array<Ranked<L>> = []
  for (const one of lodged) if (!one.isOpen) heap.push({ one, rank: rank(one, now) })
  for (let i = (heap.length >> 1) - 1; i >= 0; i--) sink(heap, i)
  const going: Array<L> = []
  let freed = 0
  while (freed < bytes || going.length < count) {
    const least = takeLeast(heap)
    if (least === undefined) break
    // What takes nothing makes no room, but it is one less.
    if (least.one.bytes === 0 && going.length >= count) continue
    going.push(least.one)
    freed += least.one.bytes
  }
  return going
}

interface Ranked<L> {
  readonly one: L
  readonly rank: number
}

/** Takes the lowest rank out of a heap. */
const takeLeast = <L>(heap: Array<Ranked<L>>): Ranked<L> | undefined => {
  const [least] = heap
  const last = heap.pop()
  if (last !== undefined && heap.length > 0) {
    heap[0] = last
    sink(heap, 0)
  }
  return least
}

/** Lets what lies at `at` sink until no rank below it is lower. */
const sink = <L>(heap: Array<Ranked<L>>, at: number): void => {
  const rankAt = (i: number) => heap[i]?.rank ?? Number.POSITIVE_INFINITY
  for (let i = at; ;) {
    const left = 2 * i + 1
    const lower = rankAt(left) <= rankAt(left + 1) ? left : left + 1
    const [above, below] = [heap[i], heap[lower]]
    if (above === undefined || below === undefined || above.rank <= below.rank) return
    heap[i] = below
    heap[lower] = above
    i = lower
  }
}

/** What is known of a drive when one is chosen. Bytes. */
export interface Roominess {
  /** Most that it may hold. */
  readonly size: number
  /** What it holds. */
  readonly used: number
  readonly isUsable: boolean
}

/** The usable drive that has most room left relative to its size, among those that are as large as `bytes`; `undefined`: none is. */
export const roomiest = <D extends Roominess>(drives: ReadonlyArray<D>, bytes: number): D | undefined => {
  let best: D | undefined
  for (const drive of drives) {
    if (!drive.isUsable || drive.size < bytes || drive.size <= 0) continue
    if (best === undefined || partFree(drive) > partFree(best)) best = drive
  }
  return best
}

const partFree = ({ size, used }: Roominess): number => 1 - used / size
