import { assert, describe, it } from "@effect/vitest"
import { StoredEvent } from "@piecework/reports/Views"
import { lines, modes } from "../src/pages/device/Events.ts"

const at = "2026-03-01T12:00:00.000Z"
const stored = (place: number, event: Record<string, unknown>) =>
  new StoredEvent({ place, GlobalDeviceId: "d", IsEnrolled: true, Moment: at, ReceivedAt: at, event })

const completed = (place: number, downloadMode: number, downloadModeReason: string) =>
  stored(place, {
    _tag: "DownloadCompleted",
    cdnUrl: "http://origin.example/a/image%20one.iso",
    downloadMode,
    downloadModeReason,
    bytesFromCDN: 1024,
    bytesFromPeers: 2048,
    bytesFromCacheServer: 1024,
    totalTimeMs: 4000
  })

describe("What a device reported", () => {
  it("is told as lines: what happened to which file, and how", () => {
    const [line] = lines([completed(1, 1, "Requested")])
    assert.deepStrictEqual(line, {
      key: "1",
      at: Date.parse(at),
      tone: "good",
      word: "completed",
      file: "image one.iso",
      detail: "4.0 KiB in 4 s, 75.0 % not from the origin"
    })
  })

  it("says why where the device did", () => {
    const told = lines([
      stored(1, { _tag: "DownloadCanceled", reasonCode: "NoSpace", doErrorCode: "0x80D02002" }),
      stored(2, { _tag: "FailureCdnCommunication", errorCode: "HttpStatus", errorCount: 2, httpStatusCode: 503 }),
      stored(3, { _tag: "EventsLost", count: 3 })
    ])
    assert.deepStrictEqual(
      told.map(({ detail, file, word }) => [word, file, detail]),
      [
        ["given up", "not known", "0 B in 0 ms (NoSpace, 0x80D02002)"],
        ["origin failed", "not known", "2 times: HttpStatus, HTTP 503"],
        ["events lost", "", "3 events could not be kept until they could be sent"]
      ]
    )
  })

  it("may be of a later version, or no event at all", () => {
    const told = lines([stored(1, { _tag: "Hibernated" }), stored(2, { bytesFromCDN: "many", cdnUrl: 7 })])
    assert.deepStrictEqual(
      told.map(({ word }) => word),
      ["Hibernated", ""]
    )
  })

  it("tells in which modes it downloaded and why, the most usual first", () => {
    const found = modes([
      completed(1, 99, "ServiceUnreachable"),
      completed(2, 1, "Requested"),
      completed(3, 1, "Requested"),
      stored(4, { _tag: "DownloadStarted", downloadMode: 3 })
    ])
    assert.deepStrictEqual(
      found.map(({ downloads, fetched, mode, reason, saved }) => [mode, reason, downloads, fetched, saved]),
      [
        [1, "Requested", 2, 8192, 6144],
        [99, "ServiceUnreachable", 1, 4096, 3072]
      ]
    )
  })
})
