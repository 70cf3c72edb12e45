/**
 * Which of several places everybody with one key goes to, without asking each other: the place that weighs most with the
 * key. When one place goes, only its keys move; when one comes, only the keys that it gets. Source: Thaler and
 * Ravishankar, "Using name-based mappings to increase hit rates", 1998.
 */

/** The places, best first; the same for everybody who knows the same places. */
export const ranked = <A extends string>(
  places: readonly [A, ...ReadonlyArray<A>],
  key: string
): readonly [A, ...ReadonlyArray<A>] => {
  const [first, ...others] = places
    .map((place) => ({ place, weight: weightOf(place, key) }))
    .toSorted((a, b) => b.weight - a.weight || (a.place < b.place ? -1 : 1))
    .map(({ place }) => place)
  return first === undefined ? places : [first, ...others]
}

/** The place that weighs most with a key is the key's. FNV-1a over both texts, then MurmurHash3's last step, so that texts which differ little weigh nothing alike. 32 bits. */
export const weightOf = (place: string, key: string): number => {
  let hash = 0x811c9dc5
  const text = `${place}\n${key}`
  for (let n = 0; n < text.length; n++) hash = Math.imul(hash ^ text.charCodeAt(n), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
