/** An event as the service counts it: at a moment of its own clock, of a device it names itself, without what it must not keep. */
import type { ReportEvent } from "@piecework/cloud/ReportRpcs"
import type { Place } from "./Places.ts"

export interface Counted {
  /** Without the group's id, and with clean texts. */
  readonly event: ReportEvent
  /** Epoch milliseconds; see `Arrival`. */
  readonly at: number
  /** What the service calls the device; see `DeviceKey`. */
  readonly device: string
  /** See `GroupHash`. */
  readonly group: string | undefined
  readonly place: Place
  /** See `Site`. */
  readonly site: string
  readonly clientVersion: string
  readonly osVersion: string | undefined
}

/**
 * A text as it may be stored, shown and put in a line: without control characters and halves of characters. Databases refuse some of
 * them, and then would refuse the events of everybody in the same transaction.
 */
export const clean = (text: string): string =>
  // oxlint-disable-next-line no-control-regex -- they are what must not get through
  text.toWellFormed().replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, "\uFFFD")

/** The same event with clean texts and without the group's id. */
export const cleaned = (event: ReportEvent): ReportEvent => {
  const entries = Object.entries(event).filter(([name]) => name !== "groupID")
  // Only texts change, and only into texts that are no longer, so it is an event still.
  return Object.fromEntries(
    entries.map(([name, value]) => [name, typeof value === "string" ? clean(value) : value])
  ) as ReportEvent
}
