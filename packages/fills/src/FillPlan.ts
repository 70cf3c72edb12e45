/**
 * What to ask a file's servers for next, and what to stop. Pure: it sees which pieces are here, the fetches under way and where
 * readers are, and answers with runs of pieces to ask for and fetches to end earlier.
 *
 * Invariants: a piece that is here, or that a fetch brings soon, is not asked for; two fetches never hold the same piece; of a fetch
 * only the end changes, and only to something earlier.
 */

/** Pieces, the first of them and just after the last. */
export interface Run {
  readonly from: number
  readonly to: number
}

/** One request under way. */
export interface Fetch {
  /** The piece that arrives now. */
  readonly next: number
  /** Just after the last piece that it brings. */
  readonly end: number
  /** The piece that it began with. */
  readonly began: number
}

/** Where somebody reads. */
export interface Place {
  readonly at: number
  /** Just after the last piece of the part that it reads. */
  readonly until: number
  /** Pieces from `at` on that should be on their way. */
  readonly ahead: number
  /** Pieces after its part that are fetched too, since it reads on and on. */
  readonly beyond: number
}

export interface Situation<F extends Fetch> {
  readonly pieceCount: number
  readonly isHere: (piece: number) => boolean
  readonly fetches: ReadonlyArray<F>
  readonly places: Iterable<Place>
  /** Whether its servers send parts. */
  readonly sendsParts: boolean
  /** Most fetches at a time. */
  readonly most: number
}

export interface Plan<F extends Fetch> {
  readonly asks: ReadonlyArray<Run>
  /** `end` is where it is to end now. */
  readonly ends: ReadonlyArray<{ readonly fetch: F; readonly end: number }>
}

/** Pieces that a reader waits for a fetch that comes its way, rather than a request of its own. */
const near = 8

/** How many pieces before its end the request after it is sent, so that no round trip is lost. */
const lead = 2

/** Pieces that a fetch still brings which nobody reads, beside the one under way. */
export const idleAhead = 2

/** Pieces that a fetch may bring before it makes room for another reader. */
const turn = 16

/** Pieces ahead of a reader at its beginning; twice as many with each piece that it goes on. */
export const firstAhead = 2
export const mostAhead = 32

export const decide = <F extends Fetch>(situation: Situation<F>): Plan<F> => {
  const { fetches, isHere, most, pieceCount, sendsParts } = situation
  const places = Array.from(situation.places)
  const ends = new Map<F, number>()
  const asks: Array<Run> = []
  const endOf = (fetch: F) => ends.get(fetch) ?? fetch.end
  const wantedEnd = (place: Place) => Math.min(pieceCount, place.until + place.beyond)

  for (const fetch of fetches) {
    const isWanted = places.some((place) => place.at < fetch.end && wantedEnd(place) > fetch.next)
    const end = fetch.next + 1 + idleAhead
    if (!isWanted && end < fetch.end) ends.set(fetch, end)
  }

  /** Whether a fetch or a request of this plan comes by the piece before the reader has to wait long for it. */
  const isComing = (piece: number, place: Place) =>
    asks.some((run) => run.from <= piece && piece < run.to && place.at - run.from <= near) ||
    fetches.some((fetch) => fetch.next <= piece && piece < endOf(fetch) && place.at - fetch.next <= near)

  /** Whether a fetch that is far from its end serves the reader before the piece. */
  const isServed = (piece: number, place: Place) =>
    fetches.some((fetch) => {
      const end = endOf(fetch)
      return fetch.next < piece && end > place.at && end <= piece && end - fetch.next > lead
    })

  /** The first piece that should be asked for now. */
  const gapOf = (place: Place): number | undefined => {
    const end = Math.min(wantedEnd(place), place.at + Math.max(place.ahead, 1))
    for (let piece = place.at; piece < end; piece++) {
      if (isHere(piece) || isComing(piece, place)) continue
      return isServed(piece, place) ? undefined : piece
    }
    return undefined
  }

  /** Just after the last piece of a request that begins with the piece. */
  const runFrom = (from: number, place: Place): Run => {
    const end = wantedEnd(place)
    let to = from + 1
    while (to < end && !isHere(to) && !fetches.some(({ next }) => next === to) && !asks.some((run) => run.from === to))
      to++
    return { from, to }
  }

  if (!sendsParts) {
    const isMissing = places.some((place) => {
      for (let piece = place.at; piece < wantedEnd(place); piece++) if (!isHere(piece)) return true
      return false
    })
    return { asks: isMissing && fetches.length === 0 ? [{ from: 0, to: pieceCount }] : [], ends: listed(ends) }
  }

  let starving = 0
  for (const place of places) {
    const gap = gapOf(place)
    if (gap === undefined) continue
    if (fetches.length + asks.length >= most) {
      if (gap === place.at) starving++
      continue
    }
    const run = runFrom(gap, place)
    // Whoever was to bring it later leaves it to the request that comes first.
    for (const fetch of fetches) if (fetch.next < gap && gap < endOf(fetch)) ends.set(fetch, gap)
    asks.push(run)
  }

  const isEnding = (fetch: F) => endOf(fetch) <= fetch.next + 1
  let room = starving - fetches.filter(isEnding).length
  const distance = (fetch: F) => {
    let least = Infinity
    for (const { at } of places) if (at <= fetch.next) least = Math.min(least, fetch.next - at)
    return least
  }
  // Those that are furthest ahead of their readers first, then those that had their turn.
  const candidates =
    room <= 0
      ? []
      : fetches.filter((fetch) => !isEnding(fetch) && (distance(fetch) > near || fetch.next - fetch.began >= turn))
  const ranked = candidates.toSorted(
    (a, b) => compare(distance(b), distance(a)) || b.next - b.began - (a.next - a.began)
  )
  for (const fetch of ranked) {
    if (room-- <= 0) break
    ends.set(fetch, fetch.next + 1)
  }
  return { asks, ends: listed(ends) }
}

/** Infinite distances are equal. */
const compare = (a: number, b: number): number => (a === b ? 0 : a < b ? -1 : 1)

const listed = <F extends Fetch>(ends: ReadonlyMap<F, number>): Plan<F>["ends"] =>
  Array.from(ends, ([fetch, end]) => ({ fetch, end }))
