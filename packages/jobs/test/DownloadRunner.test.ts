import { assert, describe, it } from "@effect/vitest"
import * as DownloadError from "@piecework/download/DownloadError"
import { Downloader, type DownloadRequest } from "@piecework/download/Downloader"
import type { DownloadResult, Progress } from "@piecework/download/Progress"
import { Context, Effect, Layer } from "effect"
import * as DownloadRunner from "../src/DownloadRunner.ts"
import * as JobError from "../src/JobError.ts"
import { JobRunner } from "../src/JobRunner.ts"
import { idOf, ready, url } from "./support/jobs.ts"

const numbersOf = (error: DownloadError.DownloadError) => {
  const { code, extended, mayPass } = DownloadRunner.failureOf(error)
  return `${JobError.hex(code)}${extended === 0 ? "" : ` ${JobError.hex(extended)}`}${mayPass ? ", again" : ""}`
}
const source = (reason: string, status?: number) =>
  new DownloadError.NoSourceError({ url, reason, ...(status === undefined ? {} : { status }) })

describe("What a download fails with", () => {
  for (const [error, numbers] of [
    [source("NotFound", 404), "0x80190194"],
    [source("NotFound", 410), "0x8019019A"],
    [source("Forbidden", 403), "0x80190193"],
    [source("Refused", 400), "0x80190190"],
    [source("Refused", 408), "0x80190198, again"],
    [source("Refused", 429), "0x801901AD, again"],
    [source("ServerFailed", 503), "0x801901F7, again"],
    [source("Unreachable"), "0x80072EFD, again"],
    [source("TimedOut"), "0x80072EE2, again"],
    [source("Stalled"), "0x80072EE2, again"],
    [source("Closed"), "0x80072EFE, again"],
    [source("Truncated"), "0x80072EFE, again"],
    [source("BadResponse"), "0x80072F78, again"],
    [source("TlsFailed"), "0x80D05002"],
    [source("InsecureRedirect"), "0x80072F08"],
    [source("TooManyRedirects", 302), "0x80072F7C 0x8019012E"],
    [source("ContentChanged"), "0x80D06804"],
    [source("RangeUnsatisfiable", 416), "0x80D05010 0x801901A0"],
    [source("BadPieces"), "0x80D06805"],
    [new DownloadError.NoProgressError({ url, seconds: 300 }), "0x80072EE2, again"],
    [new DownloadError.ModeError({ mode: "bypass" }), "0x80D03002"],
    [new DownloadError.HaltedError({ url }), "0x80D02010"],
    [new DownloadError.DestinationError({ path: "/f", reason: "Exists" }), "0xC0D00011"],
    [new DownloadError.DestinationError({ path: "/f", reason: "DiskFull" }), "0xC0D0001C"],
    [new DownloadError.StorageError({ reason: "Denied", detail: "" }), "0xC0D0000D"]
  ] as const) {
    it(`is ${numbers} for ${error._tag} ${"reason" in error ? error.reason : ""}`, () => {
      assert.strictEqual(numbersOf(error), numbers)
    })
  }
})

const runner = (progress: Partial<Progress>, asked: Array<DownloadRequest>) =>
  Effect.map(
    Layer.build(
      Layer.fresh(DownloadRunner.layer(Effect.succeed("Lan"))).pipe(
        Layer.provide(
          Layer.succeed(Downloader, {
            open: () => Effect.die("nobody opens anything here"),
            start: (request) =>
              Effect.sync(() => {
                asked.push(request)
                return {
                  progress: () => progress as Progress,
                  facts: () => undefined,
                  result: Effect.succeed({ fileBytes: 77 } as DownloadResult)
                }
              })
          })
        )
      )
    ),
    Context.get(JobRunner)
  )

describe("A run", () => {
  const task = { id: idOf(1), spec: { ...ready, uri: url }, draft: "/draft", destination: "/data/file" }

  it.effect("is a download into the draft, of the content that the caller means", () =>
    Effect.gen(function* () {
      const asked: Array<DownloadRequest> = []
      const service = yield* runner({ fileBytes: 77, heldBytes: 5, phase: "Fetching" }, asked)
      const contentId = `DO-${"A".repeat(43)}`
      const run = yield* service.start({ ...task, spec: { ...task.spec, contentId } })
      assert.deepStrictEqual<ReadonlyArray<unknown>>(asked, [
        { url, contentId, path: "/draft", overwrite: true, mode: "Lan" }
      ])
      assert.deepStrictEqual(run.look(), { bytesTotal: 77, bytesTransferred: 5, isBusy: false })
      assert.deepStrictEqual(yield* run.result, { _tag: "Complete", bytes: 77 })
    })
  )

  it.effect("is busy while the cache is checked and the file is written", () =>
    Effect.gen(function* () {
      for (const phase of ["Checking", "Writing"] as const) {
        const service = yield* runner({ phase, heldBytes: 0, fileBytes: undefined }, [])
        assert.isTrue((yield* service.start(task)).look().isBusy)
      }
    })
  )

  it.effect("is not begun when the check is mandatory and nobody can make it", () =>
    Effect.gen(function* () {
      const asked: Array<DownloadRequest> = []
      const service = yield* runner({}, asked)
      const integrityCheckInfo = { PiecesHashFileUrl: "http://h/phf", PiecesHashFileDigest: "d" }
      const run = yield* service.start({
        ...task,
        spec: { ...task.spec, integrityCheckInfo, integrityCheckMandatory: true }
      })
      assert.deepStrictEqual(yield* run.result, {
        _tag: "Failed",
        failure: { code: 0x80d02017, extended: 0, mayPass: false }
      })
      assert.deepStrictEqual(asked, [])
    })
  )
})
