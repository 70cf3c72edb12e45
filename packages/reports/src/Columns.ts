/** The columns of each export, in their order. Later versions add columns at the end. */
import * as ReportRpcs from "@piecework/cloud/ReportRpcs"
import * as Views from "./Views.ts"

export const devices: ReadonlyArray<string> = Object.keys(Views.DeviceRow.fields)
export const contents: ReadonlyArray<string> = Object.keys(Views.ContentRow.fields)
export const groups: ReadonlyArray<string> = Object.keys(Views.GroupRow.fields)

const lists: ReadonlySet<string> = new Set(["ByMode", "ByType", "ByDay"])

/** Without the lists in it. */
export const summary: ReadonlyArray<string> = Object.keys(Views.Summary.fields).filter((name) => !lists.has(name))

const envelope = Object.keys(Views.StoredEvent.fields).filter((name) => name !== "event")

/** What the service says of an event, and then every field that some kind of event has. */
export const events: ReadonlyArray<string> = [
  ...envelope,
  ...new Set(ReportRpcs.ReportEvent.members.flatMap((member) => Object.keys(member.fields)))
]

/** An event as one flat row; what the service says of it comes first and cannot be replaced by what the device says. */
export const flat = ({ event, ...rest }: Views.StoredEvent): { readonly [column: string]: unknown } => ({
  ...event,
  ...rest
})
