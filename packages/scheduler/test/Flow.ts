/** Bytes as water: who gets how much when transfers share links. */

export interface Link {
  /** Bytes a ms. */
  readonly rate: number
}

export interface Flow {
  readonly links: ReadonlyArray<Link>
  /** Bytes a ms, as `share` last found. */
  rate: number
}

/** Max-min fair rates: the scarcest link gives its users equal parts, then the next of what is left. */
export const share = (flows: ReadonlyArray<Flow>): void => {
  const users = new Map<Link, Set<Flow>>()
  const left = new Map<Link, number>()
  for (const flow of flows) {
    for (const link of flow.links) {
      left.set(link, link.rate)
      users.set(link, (users.get(link) ?? new Set()).add(flow))
    }
  }
  for (let scarce = scarcest(users, left); scarce !== undefined; scarce = scarcest(users, left)) {
    for (const flow of users.get(scarce.link) ?? []) {
      flow.rate = scarce.part
      for (const link of flow.links) {
        if (link !== scarce.link) users.get(link)?.delete(flow)
        left.set(link, Math.max(0, (left.get(link) ?? 0) - scarce.part))
      }
    }
    users.delete(scarce.link)
  }
}

const scarcest = (users: ReadonlyMap<Link, ReadonlySet<Flow>>, left: ReadonlyMap<Link, number>) => {
  let best: { readonly link: Link; readonly part: number } | undefined
  for (const [link, sharing] of users) {
    const part = (left.get(link) ?? 0) / sharing.size
    if (sharing.size > 0 && (best === undefined || part < best.part)) best = { link, part }
  }
  return best
}
