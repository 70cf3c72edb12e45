import { assert, describe, it } from "@effect/vitest"
import type { FileStatus } from "@piecework/client/Activity"
import type { JobView } from "@piecework/client/JobView"
import * as Parts from "../src/activity/Parts.ts"
import * as Running from "../src/activity/Running.ts"

const job = (id: string, over: Partial<JobView> = {}): JobView =>
  ({
    id: `00000000-0000-4000-8000-00000000000${id}`,
    state: "Transferring",
    error: 0,
    extended: 0,
    bytesTotal: 1000,
    bytesTransferred: 400,
    url: `http://origin.example/images/${id}.wim`,
    ...over
  }) as JobView

const file = (over: Partial<FileStatus>): FileStatus =>
  ({
    FileId: "",
    SourceURL: "http://origin.example/other.bin",
    Status: "Downloading",
    FileSize: 10,
    BytesRequested: 10,
    BytesDone: 5,
    BytesFromHttp: 5,
    BytesFromCacheServer: 0,
    BytesFromLanPeers: 0,
    BytesFromLinkLocalPeers: 0,
    BytesFromGroupPeers: 0,
    BytesFromInternetPeers: 0,
    DownloadRateBytes: 1,
    NumPeers: 0,
    ...over
  }) as FileStatus

const of = (jobs: ReadonlyArray<JobView>, files: ReadonlyArray<FileStatus> = [], why = {}) =>
  Running.of({ jobs, why, moment: { Downloads: files } as never })

describe("What runs on a device", () => {
  it("lists what goes on before what rests, and each download once", () => {
    const rows = of(
      [job("1", { state: "Transferred" }), job("2"), job("3", { state: "Paused" })],
      [file({ SourceURL: "http://origin.example/images/2.wim" }), file({})]
    )
    assert.deepStrictEqual(
      rows.map(({ name, state }) => [name, state]),
      [
        ["2.wim", "Downloading"],
        ["other.bin", "Downloading"],
        ["3.wim", "Paused"],
        ["1.wim", "Done"]
      ]
    )
  })

  it("lets its user do only what the job's state allows", () => {
    const actions = (over: Partial<JobView>) => of([job("1", over)])[0]?.actions
    assert.deepStrictEqual(actions({}), ["pause", "abort"])
    assert.deepStrictEqual(actions({ state: "Paused" }), ["resume", "abort"])
    assert.deepStrictEqual(actions({ state: "Transferred" }), ["finalize"])
    assert.deepStrictEqual(of([], [file({})])[0]?.actions, [])
  })

  it("tells a job that stopped by itself from one that somebody paused", () => {
    const [stopped] = of([job("1", { state: "Paused", error: 2_148_532_226, sentence: "No bytes came." })])
    assert.strictEqual(stopped?.state, "Failed")
    assert.strictEqual(stopped?.trouble, "No bytes came.")
    assert.strictEqual(of([job("1", { state: "Paused" })])[0]?.state, "Paused")
  })

  it("looks done when it is, though it is forgotten where its bytes came from", () => {
    const done = of([job("1", { state: "Transferred", bytesTransferred: 1000 })])[0]
    assert.isDefined(done)
    assert.deepStrictEqual(
      Parts.of(done).bar.map(({ bytes, color }) => [bytes, color]),
      [[1000, "var(--grade-good)"]]
    )
    assert.strictEqual(Parts.of(done).of, 1000)
    const paused = of([job("1", { state: "Paused" })])[0]
    assert.isDefined(paused)
    assert.deepStrictEqual(
      Parts.of(paused).bar.map(({ bytes, color }) => [bytes, color]),
      [[400, "var(--grade-none)"]]
    )
  })

  it("says how long it takes only while something comes", () => {
    const [row] = of([job("1", { rate: 100 })])
    assert.isDefined(row)
    assert.strictEqual(Running.secondsLeft(row), 6)
    assert.isUndefined(Running.secondsLeft({ ...row, rate: 0 }))
    assert.isUndefined(Running.secondsLeft({ ...row, total: 0 }))
  })
})
