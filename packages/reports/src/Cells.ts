/**
 * From events to what is stored of them: sums by day and by what they are seen by (a cell), which devices were there on which day at
 * the latest (a membership), and what is known of devices and contents. Adding up the tallies of the parts of a batch gives the tally of the batch, in
 * any order: everything in it is a sum or a latest.
 */
import * as Days from "./Days.ts"
import type { Counted } from "./Counted.ts"
import * as Figures from "./Figures.ts"

/** By what sums are seen. All: the key is "". Type: who asked for the file. */
export const facets = ["All", "Device", "Content", "Group", "Type", "Mode", "City", "Country", "Isp", "Site"] as const
export type Facet = (typeof facets)[number]

export interface Cell {
  readonly day: Days.Day
  readonly facet: Facet
  readonly key: string
  /** Of a device's cells: where it was, as `placeKey` says it; else "". */
  readonly part: string
  readonly figures: Figures.Figures
}

/** A device was seen in a facet's key. */
export interface Membership {
  readonly facet: Facet
  readonly key: string
  readonly device: string
  readonly lastDay: Days.Day
}

/** What is known of a device; all but when it was seen is from its latest event that says it. */
export interface DeviceSeen {
  readonly device: string
  readonly lastDay: Days.Day
  /** Epoch milliseconds. */
  readonly seenAt: number
  /** When it said what follows, epoch milliseconds; 0 when it never did. */
  readonly toldAt: number
  /** Number of the mode; `undefined` when it never said. */
  readonly mode: number | undefined
  readonly modeReason: string
  readonly group: string
  readonly clientVersion: string
  readonly osVersion: string
}

export interface ContentSeen {
  readonly content: string
  readonly lastDay: Days.Day
  /** When the latest event came that says a URL, epoch milliseconds; 0 when none did. */
  readonly toldAt: number
  readonly url: string
  readonly size: number
}

export interface Tally {
  readonly cells: ReadonlyArray<Cell>
  readonly memberships: ReadonlyArray<Membership>
  readonly devices: ReadonlyArray<DeviceSeen>
  readonly contents: ReadonlyArray<ContentSeen>
}

/** City, country and ISP in one text. */
export const placeKey = ({ city, country, isp }: Counted["place"]): string =>
  city === "" && country === "" && isp === "" ? "" : JSON.stringify([city, country, isp])

/** Each list is in the order of its keys, so that two writers take the same rows in the same order and never wait for each other in a circle. */
export const tally = (events: ReadonlyArray<Counted>): Tally => {
  const cells = new Map<string, Cell>()
  const memberships = new Map<string, Membership>()
  const devices = new Map<string, DeviceSeen>()
  const contents = new Map<string, ContentSeen>()

  for (const counted of events) {
    const { at, device, event } = counted
    const day = Days.dayOf(at)
    const figures = Figures.of(event)
    for (const [facet, key] of seenBy(counted)) {
      const part = facet === "Device" ? placeKey(counted.place) : ""
      const name = join(facet, key, String(day), part)
      const before = cells.get(name)?.figures
      cells.set(name, {
        day,
        facet,
        key,
        part,
        figures: before === undefined ? figures : Figures.add(before, figures)
      })
      // All devices are counted in a table of their own.
      if (facet === "Device" || facet === "All") continue
      const member = join(facet, key, device)
      const last = memberships.get(member)?.lastDay ?? day
      memberships.set(member, { facet, key, device, lastDay: Math.max(last, day) })
    }
    devices.set(device, later(devices.get(device), seen(counted)))
    if (event._tag === "EventsLost" || event.fileID === undefined) continue
    contents.set(
      event.fileID,
      laterContent(contents.get(event.fileID), {
        content: event.fileID,
        lastDay: day,
        toldAt: event.cdnUrl === undefined ? 0 : at,
        url: event.cdnUrl ?? "",
        size: event.fileSize ?? 0
      })
    )
  }
  return {
    cells: inOrder(cells),
    memberships: inOrder(memberships),
    devices: inOrder(devices),
    contents: inOrder(contents)
  }
}

const seenBy = ({ device, event, group, place, site }: Counted): ReadonlyArray<readonly [Facet, string]> => {
  const everywhere: ReadonlyArray<readonly [Facet, string]> = [
    ["All", ""],
    ["Device", device]
  ]
  if (event._tag === "EventsLost") return everywhere
  return [
    ...everywhere,
    // When it starts nobody knows which content it is.
    ...(event._tag === "DownloadStarted" && event.fileID === undefined
      ? []
      : [["Content", event.fileID ?? ""] as const]),
    ["Type", event.predefinedCallerName ?? ""],
    ["Mode", String(event.downloadMode)],
    ...(group === undefined ? [] : [["Group", group] as const]),
    ...(place.city === "" ? [] : [["City", place.city] as const]),
    ...(place.country === "" ? [] : [["Country", place.country] as const]),
    ...(place.isp === "" ? [] : [["Isp", place.isp] as const]),
    ["Site", site]
  ]
}

const seen = ({ at, clientVersion, device, event, group, osVersion }: Counted): DeviceSeen => ({
  device,
  lastDay: Days.dayOf(at),
  seenAt: at,
  toldAt: event._tag === "EventsLost" ? 0 : at,
  mode: event._tag === "EventsLost" ? undefined : event.downloadMode,
  modeReason: event._tag === "EventsLost" ? "" : (event.downloadModeReason ?? ""),
  group: group ?? "",
  clientVersion,
  osVersion: osVersion ?? ""
})

const later = (a: DeviceSeen | undefined, b: DeviceSeen): DeviceSeen => {
  if (a === undefined) return b
  const told = b.toldAt >= a.toldAt ? b : a
  return { ...told, lastDay: Math.max(a.lastDay, b.lastDay), seenAt: Math.max(a.seenAt, b.seenAt) }
}

const laterContent = (a: ContentSeen | undefined, b: ContentSeen): ContentSeen => {
  if (a === undefined) return b
  const told = b.toldAt >= a.toldAt ? b : a
  return { ...told, lastDay: Math.max(a.lastDay, b.lastDay), size: Math.max(a.size, b.size) }
}

const join = (...parts: ReadonlyArray<string>): string => parts.join("\n")

const inOrder = <A>(map: ReadonlyMap<string, A>): ReadonlyArray<A> =>
  [...map].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, value]) => value)
