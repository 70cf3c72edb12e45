/**
 * Where the members of a swarm stand in a picture of it: on a ring, those of a site side by side, the origin and the cache servers in the
 * middle; and which lines go between them. Pure. Units are those of the picture, which is `size` wide and high.
 */
import type { LiveMember } from "@piecework/swarm/LiveView"

export const size = 640
const centre = size / 2
/** Of the ring on which members stand. */
const radius = 232

export interface Point {
  readonly x: number
  readonly y: number
}

export interface Node extends Point {
  readonly member: LiveMember
  /** Where its name is written, outside of the ring. */
  readonly label: Point & { readonly anchor: "start" | "middle" | "end" }
}

export interface Edge {
  /** A peer id, or a place in the middle. */
  readonly from: string
  readonly to: string
  /** Bytes a second; 0 for what was given and is over. */
  readonly rate: number
  readonly kind: "Origin" | "CacheServer" | "Near" | "Far"
  /** For an SVG path. */
  readonly path: string
  /** From 1 to 7. */
  readonly width: number
}

/** An arc beside the members of one site. */
export interface SiteArc {
  readonly site: string
  readonly path: string
  /** The middle of its name, between its arc and the middle of the picture. */
  readonly name: Point
  readonly members: number
}

export interface Ring {
  readonly nodes: ReadonlyArray<Node>
  readonly edges: ReadonlyArray<Edge>
  readonly arcs: ReadonlyArray<SiteArc>
  readonly origin: Point | undefined
  readonly cacheServer: Point | undefined
}

/** Steps of the ring that stay empty between two sites. */
const gap = 0.8

const at = (angle: number, distance: number): Point => ({
  x: centre + distance * Math.cos(angle),
  y: centre + distance * Math.sin(angle)
})

const to = ({ x, y }: Point): string => `${x.toFixed(1)},${y.toFixed(1)}`

export const of = (members: ReadonlyArray<LiveMember>): Ring => {
  const bySite = Map.groupBy(
    members.toSorted((a, b) => (a.site < b.site ? -1 : a.site > b.site ? 1 : a.peerId < b.peerId ? -1 : 1)),
    ({ site }) => site
  )
  const between = bySite.size > 1 ? gap : 0
  const step = (2 * Math.PI) / Math.max(1, members.length + between * bySite.size)
  const nodes: Array<Node> = []
  const arcs: Array<SiteArc> = []
  let angle = -Math.PI / 2
  for (const [site, own] of bySite) {
    const first = angle
    for (const member of own) {
      const label = at(angle, radius + 34)
      const side = Math.cos(angle)
      nodes.push({
        ...at(angle, radius),
        member,
        label: { ...label, anchor: side > 0.35 ? "start" : side < -0.35 ? "end" : "middle" }
      })
      angle += step
    }
    arcs.push({
      site,
      members: own.length,
      path: arc(first - step * 0.3, angle - step * 0.7, radius - 24),
      name: at((first + angle - step) / 2, radius - 96)
    })
    angle += step * between
  }
  const places = new Map<string, Node>(nodes.map((node) => [node.member.peerId, node]))
  const usesOrigin = members.some(({ rate }) => (rate?.origin ?? 0) > 0)
  const usesCache = members.some(({ rate }) => (rate?.cacheServer ?? 0) > 0)
  const origin = usesOrigin ? { x: centre, y: usesCache ? centre - 34 : centre } : undefined
  const cacheServer = usesCache ? { x: centre, y: usesOrigin ? centre + 34 : centre } : undefined
  const raw = nodes.flatMap(({ member, x, y }) => {
    const found: Array<Omit<Edge, "width">> = []
    const { cacheServer: cached = 0, origin: fetched = 0 } = member.rate ?? {}
    const end = { x, y }
    if (origin !== undefined && fetched > 0) {
      const path = line(origin, end, 26, 20)
      found.push({ from: "origin", to: member.peerId, rate: fetched, kind: "Origin", path })
    }
    if (cacheServer !== undefined && cached > 0) {
      const path = line(cacheServer, end, 26, 20)
      found.push({ from: "cache", to: member.peerId, rate: cached, kind: "CacheServer", path })
    }
    for (const { bytes, peerId, rate } of member.fedBy) {
      const giver = places.get(peerId)
      if (giver === undefined || bytes === 0) continue
      const kind = giver.member.site === member.site ? "Near" : "Far"
      found.push({ from: peerId, to: member.peerId, rate, kind, path: bow(giver, end) })
    }
    return found
  })
  const most = Math.max(1, ...raw.map(({ rate }) => rate))
  const edges = raw
    .map((edge): Edge => ({ ...edge, width: 1 + 6 * Math.sqrt(edge.rate / most) }))
    // Thin ones are drawn over thick ones.
    .toSorted((a, b) => b.rate - a.rate)
  return { nodes, edges, arcs, origin, cacheServer }
}

/** From one point to another, leaving out so much at both ends. */
const line = (from: Point, end: Point, skipFrom: number, skipEnd: number): string => {
  const length = Math.hypot(end.x - from.x, end.y - from.y) || 1
  const along = (d: number): Point => ({
    x: from.x + ((end.x - from.x) * d) / length,
    y: from.y + ((end.y - from.y) * d) / length
  })
  return `M${to(along(skipFrom))} L${to(along(length - skipEnd))}`
}

/** A line that bends towards the middle, to one side of it, so that both ways between two members can be seen. */
const bow = (from: Point, end: Point): string => {
  const middle = { x: (from.x + end.x) / 2, y: (from.y + end.y) / 2 }
  const [dx, dy] = [end.x - from.x, end.y - from.y]
  const control = {
    x: centre + (middle.x - centre) * 0.55 - dy * 0.12,
    y: centre + (middle.y - centre) * 0.55 + dx * 0.12
  }
  const shortened = (point: Point, towards: Point): Point => {
    const length = Math.hypot(towards.x - point.x, towards.y - point.y) || 1
    return { x: point.x + ((towards.x - point.x) * 20) / length, y: point.y + ((towards.y - point.y) * 20) / length }
  }
  return `M${to(shortened(from, control))} Q${to(control)} ${to(shortened(end, control))}`
}

const arc = (from: number, until: number, distance: number): string => {
  const isLarge = until - from > Math.PI ? 1 : 0
  return `M${to(at(from, distance))} A${distance},${distance} 0 ${isLarge} 1 ${to(at(until, distance))}`
}

/** How a member is called in a picture: the first digits of its device. */
export const shortName = (peerId: string): string => peerId.slice(0, 6)
