/**
 * What the service calls a device. One that is enrolled has the name that the service gave it, and nobody else can report as it; of any other
 * there is only what it says of itself, and the two never meet.
 */
import type { Identity } from "@piecework/cloud/Identity"

export const of = (identity: Identity, deviceId: string): string =>
  identity._tag === "Device" ? enrolled + identity.id : claimed + deviceId

/** From what `parse` makes of a key. */
export const make = (id: string, isEnrolled: boolean): string => (isEnrolled ? enrolled : claimed) + id

export const parse = (key: string): { readonly id: string; readonly isEnrolled: boolean } =>
  key.startsWith(enrolled)
    ? { id: key.slice(enrolled.length), isEnrolled: true }
    : { id: key.slice(claimed.length), isEnrolled: false }

const enrolled = "enrolled/"
const claimed = "claimed/"
