/** Each byte is counted once, whatever happens, and no view of the counts shows more than there is. */
import { assert, describe, it } from "@effect/vitest"
import { ContentId } from "@piecework/domain/Content"
import { ContentUrl } from "@piecework/domain/ContentUrl"
import { addBytes, type BytesBySource, fromPeers, noBytes, SourceKind, total } from "@piecework/domain/SourceKind"
import { Meter, Records, Status, Tally } from "@piecework/download"
import { Fallback } from "@piecework/download/DownloadError"
import { SourceId } from "@piecework/sources/PieceSource"
import { Arbitrary, Schema } from "effect"

const kinds = SourceKind.literals.filter((kind) => kind !== "LocalCache")

const Which = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 2 * kinds.length - 1 }))
const Bytes = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 1_048_576 }))
const Event = Schema.Union([
  Schema.Struct({ _tag: Schema.Literal("Joins"), which: Which }),
  Schema.Struct({ _tag: Schema.Literal("Sends"), which: Which, bytes: Bytes }),
  Schema.Struct({ _tag: Schema.Literal("Leaves"), which: Which }),
  /** So many bytes of what a source has sent are settled as a piece, also after it has left. */
  Schema.Struct({ _tag: Schema.Literals(["Kept", "Duplicate", "Bad"]), which: Which, bytes: Bytes }),
  Schema.Struct({ _tag: Schema.Literal("Cached"), bytes: Bytes })
])
type Event = typeof Event.Type

/** A meter, its sources, two of each kind, and what the meter has to say. */
const metered = () => {
  const meter = Meter.make()
  const sources = [...kinds, ...kinds].map((kind, n) => ({
    kind,
    id: SourceId.make(`${kind}:${n}`),
    /** Its counter while it is there; each session begins at 0. */
    session: undefined as { counter: number } | undefined,
    /** Bytes that it has sent and that are not settled. */
    open: 0
  }))
  let [came, useful, bad, duplicate] = [noBytes, noBytes, 0, 0]

  const happens = (event: Event): void => {
    if (event._tag === "Cached") {
      came = addBytes(came, "LocalCache", event.bytes)
      useful = addBytes(useful, "LocalCache", event.bytes)
      return meter.kept("LocalCache", event.bytes, true)
    }
    const source = sources[event.which]
    if (source === undefined) return
    const { id, kind, session } = source
    switch (event._tag) {
      case "Joins": {
        if (session !== undefined) return
        const begun = (source.session = { counter: 0 })
        return meter.join({ id, kind, received: () => begun.counter, sent: () => 0 })
      }
      case "Sends": {
        if (session === undefined) return
        session.counter += event.bytes
        source.open += event.bytes
        came = addBytes(came, kind, event.bytes)
        return
      }
      case "Leaves":
        source.session = undefined
        return meter.leave(id)
      case "Kept":
      case "Duplicate":
      case "Bad": {
        const bytes = Math.min(event.bytes, source.open)
        source.open -= bytes
        if (event._tag === "Kept") useful = addBytes(useful, kind, bytes)
        else if (event._tag === "Bad") bad += bytes
        else duplicate += bytes
        return event._tag === "Bad" ? meter.bad(bytes) : meter.kept(kind, bytes, event._tag === "Kept")
      }
    }
  }
  for (const [which] of sources.entries()) happens({ _tag: "Joins", which })
  const expected = () => {
    const cancelled = sources.reduce((sum, { open }) => sum + open, 0)
    return { came, useful, waste: { bad, duplicate, cancelled } }
  }
  return { meter, happens, expected }
}

/** What is kept of a download whose bytes came from there. */
const recordOf = (bytes: BytesBySource) =>
  new Records.DownloadRecord({
    contentId: ContentId.make(`DO-${"a".repeat(43)}`),
    url: ContentUrl.make("http://origin.test/file"),
    path: "/file",
    fileBytes: total(bytes),
    mode: "Lan",
    why: new Fallback({ reason: "Requested" }),
    bytes,
    wasted: 0,
    sent: 0,
    durationMillis: 1,
    completedAt: 1
  })

describe("Whatever happens", () => {
  it.prop(
    "what came in is useful, waste or not settled, by every kind of source, at every moment",
    { events: Arbitrary.schema(Schema.Array(Event).check(Schema.isMinLength(20))) },
    ({ events }) => {
      const { expected, happens, meter } = metered()
      for (const event of events) {
        happens(event)
        const { came, useful, waste } = expected()
        assert.deepStrictEqual(meter.received(), came)
        assert.deepStrictEqual(meter.useful(), useful)
        assert.deepStrictEqual(meter.waste(), waste)
        assert.strictEqual(total(meter.received()), total(meter.useful()) + Tally.wasted(meter.waste()))
        for (const kind of SourceKind.literals) assert.isAtMost(useful[kind], came[kind], kind)
      }
    },
    { arbitrary: { runs: 200 } }
  )

  it.prop(
    "the status of a file has each byte under one source, and no percentage over 100",
    { events: Arbitrary.schema(Schema.Array(Event).check(Schema.isMinLength(5))) },
    ({ events }) => {
      const { expected, happens } = metered()
      for (const event of events) happens(event)
      const { useful } = expected()
      const [status] = Status.of({ records: [recordOf(useful)], cached: [] })
      assert.isDefined(status)
      const { BytesFromCacheServer, BytesFromHttp, BytesFromPeers, PercentPeerCaching, TotalBytesDownloaded } = status
      assert.strictEqual(BytesFromHttp + BytesFromCacheServer + BytesFromPeers, TotalBytesDownloaded)
      assert.strictEqual(TotalBytesDownloaded + useful.LocalCache, status.FileSize)
      const { BytesFromGroupPeers, BytesFromInternetPeers, BytesFromLanPeers, BytesFromLinkLocalPeers } = status
      assert.strictEqual(
        BytesFromLanPeers + BytesFromLinkLocalPeers + BytesFromGroupPeers + BytesFromInternetPeers,
        fromPeers(useful)
      )
      assert.isAtLeast(PercentPeerCaching, 0)
      assert.isAtMost(PercentPeerCaching, 100)
    }
  )
})
