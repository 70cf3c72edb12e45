import { assert, describe, it } from "@effect/vitest"
import { ContentId } from "@piecework/domain/Content"
import { ContentUrl } from "@piecework/domain/ContentUrl"
import { noBytes, SourceKind, total } from "@piecework/domain/SourceKind"
import { Fallback } from "@piecework/download/DownloadError"
import type { CacheView } from "@piecework/download/CacheView"
import type { DownloadResult } from "@piecework/download/Progress"
import { Schema } from "effect"
import * as Summary from "../src/view/Summary.ts"

const Bytes = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 2 ** 40 }))

const resultOf = (bytes: DownloadResult["bytes"]): DownloadResult => ({
  url: ContentUrl.make("http://origin.test/file"),
  path: "/file",
  contentId: ContentId.make(`DO-${"a".repeat(43)}`),
  hashOfHashes: "",
  fileBytes: total(bytes),
  requestedBytes: total(bytes),
  mode: "Lan",
  why: new Fallback({ reason: "Requested" }),
  bytes,
  received: bytes,
  waste: { bad: 0, duplicate: 0, cancelled: 0 },
  sent: 0,
  banned: [],
  peers: 0,
  durationMillis: 1500
})

const percentsIn = (text: string) => [...text.matchAll(/(\d+) %/g)].map(([, percent]) => Number(percent))

/** With what is said of cache servers. */
const withCache = (cache: Partial<CacheView>) =>
  Summary.render({
    ...resultOf({ ...noBytes, Origin: 1 }),
    cache: {
      reason: "Asked",
      host: "http://cache:8080",
      provider: "Policy",
      failure: undefined,
      until: undefined,
      originFrom: undefined,
      ...cache
    }
  })

describe("What a finished download was", () => {
  it.prop(
    "has a line for each source that gave something, and their percentages make up 100, but for what is rounded",
    { bytes: Schema.Record(SourceKind, Bytes) },
    ({ bytes }) => {
      const percents = percentsIn(Summary.render(resultOf(bytes)))
      const givers = SourceKind.literals.filter((kind) => bytes[kind] > 0)
      assert.lengthOf(percents, givers.length)
      for (const percent of percents) assert.isAtMost(percent, 100)
      if (givers.length > 0) {
        assert.approximately(
          percents.reduce((sum, percent) => sum + percent, 0),
          100,
          givers.length / 2
        )
      }
    }
  )

  it("says which cache server was asked, or why none was, unless there is nothing to say", () => {
    assert.include(withCache({}), "  The cache server http://cache:8080 is asked, which the settings name.")
    assert.include(withCache({ reason: "OnVpn" }), "on a VPN")
    const banned = withCache({
      reason: "Banned",
      failure: "connection refused",
      until: new Date(2027, 0, 31, 18).getTime()
    })
    assert.include(
      banned,
      "http://cache:8080 is not asked until 2027-01-31 18:00, since it failed (connection refused)"
    )
    for (const reason of ["NoneKnown", "SwitchedOff"] as const) assert.notInclude(withCache({ reason }), "ache server")
  })

  it("of one source is 100 % from there", () => {
    assert.deepStrictEqual(percentsIn(Summary.render(resultOf({ ...noBytes, Lan: 12_345_678 }))), [100])
  })
})
