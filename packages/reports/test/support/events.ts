/** Events and batches for tests. */
import { DownloadCompleted, type EventId, ReportEvent, ReportRequest } from "@piecework/cloud/ReportRpcs"
import { anonymous, type Identity } from "@piecework/cloud/Identity"
import { DeviceId } from "@piecework/domain/Peer"
import { Arbitrary, Schema } from "effect"
import type { Delivery } from "../../src/Reports.ts"

export const day = 86_400_000
/** Noon of a day. */
export const noon = Date.UTC(2026, 0, 31, 12)

const hex = (n: number, digits: number) => n.toString(16).padStart(digits, "0")

export const eventId = (n: number): EventId => Schema.decodeSync(DownloadCompleted.fields.eventId)(hex(n, 32))
export const deviceId = (n: number) => DeviceId.make(hex(n, 32))
export const contentId = (n: number) => `DO-${String(n).padStart(43, "A")}`

let serial = 0

type Fields = Partial<Omit<typeof DownloadCompleted.Encoded, "_tag">>

/** A download that brought nothing, but for what is given. */
export const completed = (fields: Fields = {}): DownloadCompleted =>
  Schema.decodeSync(DownloadCompleted)({
    _tag: "DownloadCompleted",
    eventId: hex(0xe0000000 + ++serial, 32),
    time: noon,
    jobID: hex(serial, 32),
    background: false,
    downloadMode: 1,
    fileID: contentId(1),
    bytesFromCDN: 0,
    bytesFromCacheServer: 0,
    bytesFromPeers: 0,
    bytesFromLinkLocalPeers: 0,
    bytesFromGroupPeers: 0,
    bytesFromIntPeers: 0,
    bytesFromLocalCache: 0,
    bytesWasted: 0,
    lanConnectionCount: 0,
    linkLocalConnectionCount: 0,
    groupConnectionCount: 0,
    internetConnectionCount: 0,
    totalTimeMs: 1000,
    ...fields
  })

export interface BatchOptions {
  readonly device?: number
  readonly sentAt?: number
  readonly identity?: Identity
  readonly externalIp?: string
}

export const delivery = (
  events: ReadonlyArray<ReportEvent>,
  { device = 1, externalIp = "203.0.113.1", identity = anonymous, sentAt = noon }: BatchOptions = {}
): Delivery => {
  const [first, ...rest] = events
  if (first === undefined) throw new Error("a batch has events")
  const request = new ReportRequest({
    deviceId: deviceId(device),
    sentAt,
    clientVersion: "1",
    profile: 768,
    events: [first, ...rest]
  })
  return { request, identity, externalIp }
}

/** Events of any kind, of few devices' days, contents and groups, so that they meet. */
export const anyEvent = Arbitrary.schema(ReportEvent)
