import { assert, describe, it } from "@effect/vitest"
import { noBytes } from "@piecework/domain/SourceKind"
import * as Explanation from "@piecework/ledger/Explanation"
import type { Figures, Ledger } from "@piecework/ledger/Ledger"
import type { Recorder } from "@piecework/ledger/Recorder"
import { made, nothing } from "./made.ts"

const mebibyte = 1_048_576
const fromOrigin: Figures = {
  ...nothing,
  useful: { ...noBytes, Origin: 10 * mebibyte },
  received: { ...noBytes, Origin: 10 * mebibyte }
}

/** What is said of a download that decided this. */
const told = (
  say: (recorder: Recorder) => void,
  change: Partial<Ledger> = {},
  now: Partial<Explanation.Circumstances> = {}
) => {
  const { recorder } = made(undefined, fromOrigin)
  say(recorder)
  const ledger: Ledger = { ...recorder.snapshot(), heldBytes: 10 * mebibyte, requestedBytes: 20 * mebibyte, ...change }
  return Explanation.of(ledger, { isRunning: false, time: String, ...now })
}
const done = (recorder: Recorder) => recorder.ended({ outcome: "Done" })
const lan = (recorder: Recorder) => recorder.note({ _tag: "Mode", mode: "Lan", reason: "Requested" })

describe("the answer", () => {
  for (const [what, say, change, expected] of [
    [
      "of one that was stopped",
      (recorder: Recorder) => recorder.ended({ outcome: "Stopped" }),
      {},
      /^It was stopped after 0\.0 s, with 50 % of 20\.0 MiB; what was fetched is kept\./
    ],
    [
      "of one whose process is gone",
      () => undefined,
      { at: 61_000 },
      /^The program that downloaded it \(process 7\) ended without a word after 1 minute 1 second or later, with 50 %/
    ],
    [
      "of one that failed",
      (recorder: Recorder) =>
        recorder.ended({ outcome: "Failed", error: "NoProgressError", code: 0x80d02002, sentence: "Nothing came." }),
      {},
      /^It failed at once \(0x80D02002\): Nothing came\.$/
    ],
    [
      "of one that was in the cache",
      done,
      { figures: { ...nothing, useful: { ...noBytes, LocalCache: mebibyte } } },
      /^Nothing was downloaded: all 1\.0 MiB were in the cache of this device already\.$/
    ],
    [
      "of a small file",
      (recorder: Recorder) => {
        recorder.note({ _tag: "Mode", mode: "Simple", reason: "TooSmall" })
        done(recorder)
      },
      { fileBytes: 5000, settings: [{ name: "MinContentSizeToPeer", value: "10000000 bytes", provider: "Default" }] },
      "No bytes came from peers: the file is too small to ask for any (4.9 KiB): MinContentSizeToPeer is 10000000 bytes, the default."
    ],
    [
      "of peers that were named when it was over",
      (recorder: Recorder) => {
        lan(recorder)
        recorder.offered("Service", [{ id: "a".repeat(40), address: "10.0.0.1:7680", kind: "Lan" }])
        done(recorder)
      },
      {},
      "No bytes came from peers: 1 peer had been named, and the download was over before one was dialled."
    ],
    [
      "of peers that something else stands in for",
      (recorder: Recorder) => {
        lan(recorder)
        for (const id of ["a", "b"]) {
          recorder.dialled(id.repeat(40))
          recorder.refused(id.repeat(40), id === "a" ? "BadHandshake" : "UnknownSwarm")
        }
        done(recorder)
      },
      {},
      "No bytes came from peers: 2 peers were named, and none could be talked to (1 × something else listens there and 1 × does not share it any more)."
    ],
    [
      "of peers that had nothing to give",
      (recorder: Recorder) => {
        lan(recorder)
        recorder.joined(`peer:${"a".repeat(40)}`, "Lan", "10.0.0.1:7680")
        done(recorder)
      },
      {},
      "No bytes came from peers: 1 peer was connected and brought nothing: what was still missing was not there, or came sooner from other sources."
    ],
    [
      "of leases",
      (recorder: Recorder) => {
        lan(recorder)
        recorder.sized(10, mebibyte)
        recorder.joined("origin:http://o", "Origin")
        recorder.asked("origin:http://o", 0, 5, "Leased")
        for (let piece = 0; piece < 5; piece++) recorder.held("origin:http://o", piece, true)
        done(recorder)
      },
      { figures: { ...fromOrigin, useful: { ...noBytes, Origin: 5 * mebibyte, Lan: 5 * mebibyte } } },
      "Of 10.0 MiB 50 % from the origin and 50 % from peers of the site. The origin was asked because the service leased those pieces to this device, so that nobody else of the site fetches them."
    ],
    [
      "of a limit without a setting",
      (recorder: Recorder) => {
        recorder.note({ _tag: "Mode", mode: "Simple", reason: "NoService" })
        recorder.note({ _tag: "Limit", rate: 16_384 })
        done(recorder)
      },
      {},
      /It gave way to a foreground download of this device \(16\.0 KiB\/s\)\.$/
    ]
  ] as ReadonlyArray<readonly [string, (recorder: Recorder) => void, Partial<Ledger>, string | RegExp]>) {
    it(`says it ${what}`, () => {
      const { answer } = told(say, change)
      if (typeof expected === "string") assert.strictEqual(answer, expected)
      else assert.match(answer, expected)
    })
  }
})

describe("the sections", () => {
  it("are left out where there is nothing to say, and begin with the answer", () => {
    const explanation = told((recorder) => {
      recorder.note({ _tag: "Mode", mode: "Simple", reason: "NoService" })
      done(recorder)
    })
    assert.deepStrictEqual(
      explanation.sections.map(({ title }) => title),
      ["Download", "Mode", "Peers", "Pieces"]
    )
    assert.isTrue(Explanation.render(explanation).startsWith(`${explanation.answer}\n\nDownload\n  http://o/f\n`))
  })

  it("call nothing waste that is under way, while it goes on", () => {
    const figures = { ...fromOrigin, waste: { bad: 0, duplicate: 0, cancelled: mebibyte } }
    assert.notInclude(told(lan, { figures }, { isRunning: true }).answer, "in vain")
    assert.include(told(lan, { figures }).answer, "1.0 MiB were downloaded in vain")
  })

  it("tell of waste by source, with the meter's bytes", () => {
    const figures = {
      ...fromOrigin,
      received: { ...noBytes, Origin: 13 * mebibyte },
      waste: { bad: mebibyte, duplicate: mebibyte, cancelled: mebibyte }
    }
    const { answer, sections } = told(
      (recorder) => {
        recorder.joined("origin:http://o", "Origin")
        recorder.bad("origin:http://o")
        recorder.held("origin:http://o", 1, false)
        recorder.cancelled("origin:http://o", "Stolen")
        done(recorder)
      },
      { figures }
    )
    assert.include(
      answer,
      "3.0 MiB were downloaded in vain: 1.0 MiB were bad pieces of the origin http://o, 1.0 MiB had come from elsewhere first"
    )
    assert.deepStrictEqual(sections.find(({ title }) => title === "Waste")?.lines, [
      "1.0 MiB bad, 1.0 MiB a second time, 1.0 MiB of what was given up",
      "3.0 MiB from the origin",
      "the origin http://o: 1 bad piece, 1 piece that others brought first, taken back: Stolen"
    ])
  })

  it("take what is under way for no waste while it goes on", () => {
    const figures = {
      ...fromOrigin,
      received: { ...noBytes, Origin: 12 * mebibyte },
      waste: { bad: 0, duplicate: mebibyte, cancelled: mebibyte }
    }
    const { answer } = told(() => undefined, { figures }, { isRunning: true })
    assert.include(answer, "1.0 MiB were downloaded in vain: they had come from elsewhere first.")
    const { answer: nothingYet } = told(
      () => undefined,
      { figures: { ...figures, waste: { bad: 0, duplicate: 0, cancelled: mebibyte } } },
      { isRunning: true }
    )
    assert.notInclude(nothingYet, "in vain")
  })
})
