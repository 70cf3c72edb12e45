/** Whatever downloads were like, what is said of them together is what they were. */
import { assert, describe, it } from "@effect/vitest"
import { SourceKind, total } from "@piecework/domain/SourceKind"
import { PeerId } from "@piecework/domain/Peer"
import { ContentUrl } from "@piecework/domain/ContentUrl"
import { DownloadMode } from "@piecework/domain/DownloadMode"
import type { Progress } from "@piecework/download/Progress"
import { Arbitrary, Schema } from "effect"
import * as DownloadEvents from "../src/DownloadEvents.ts"
import * as Figures from "../src/Figures.ts"

const Bytes = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 2 ** 40 }))

/** A download by what came in of each kind of source, and the part of it that is held. */
const Download = Schema.Struct({
  mode: DownloadMode,
  received: Schema.Record(SourceKind, Bytes),
  held: Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1 })),
  ending: Schema.Literals(["Completed", "Interrupted"]),
  connections: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 9 }))
})
type Download = typeof Download.Type

const url = ContentUrl.make("http://origin.test/file")

const progressOf = ({ connections, held, mode, received }: Download): Progress => ({
  phase: "Fetching",
  mode,
  why: undefined,
  fileBytes: total(received),
  requestedBytes: total(received),
  heldBytes: Math.floor(held * (total(received) - received.LocalCache)) + received.LocalCache,
  received,
  sent: 0,
  peers: 0,
  connections: { LinkLocal: 0, Lan: connections, Group: 0, Internet: 0 },
  banned: []
})

const eventsOf = (download: Download) =>
  DownloadEvents.ended(
    {
      urls: "Path",
      peerId: PeerId.make("a".repeat(40)),
      groupId: undefined,
      caller: undefined,
      jobID: "b".repeat(32),
      request: { url },
      progress: progressOf(download),
      began: 0
    },
    { _tag: download.ending },
    1000
  )

describe("The figures of any downloads", () => {
  it.prop(
    "sum up to what these have fetched, each byte under one source, and no percentage is over 100",
    { downloads: Arbitrary.schema(Schema.Array(Download)) },
    ({ downloads }) => {
      const figures = downloads.flatMap(eventsOf).map(Figures.of).reduce(Figures.add, Figures.none)
      const sum = (kind: SourceKind) => downloads.reduce((all, { received }) => all + received[kind], 0)
      assert.deepStrictEqual(
        [figures.cdn, figures.cache, figures.lan, figures.link_local, figures.group_peers, figures.internet],
        (["Origin", "CacheServer", "Lan", "LinkLocal", "Group", "Internet"] as const).map(sum)
      )
      assert.strictEqual(figures.local_cache, sum("LocalCache"))
      const fetched = downloads.reduce((all, { received }) => all + total(received) - received.LocalCache, 0)
      assert.strictEqual(Figures.fetched(figures), fetched)
      assert.isAtMost(figures.wasted, fetched)
      assert.isAtLeast(Figures.savedPercent(figures), 0)
      assert.isAtMost(Figures.savedPercent(figures), 100)
      assert.strictEqual(figures.transfers + figures.paused, downloads.length)
      assert.strictEqual(
        figures.peers_success + figures.no_peers + figures.cannot_connect + figures.peers_unknown,
        figures.eligible
      )
    }
  )
})
