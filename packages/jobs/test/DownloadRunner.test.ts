import { assert, describe, it } from "@effect/vitest"
import * as DownloadError from "@piecework/download/DownloadError"
import { Downloader, type DownloadRequest } from "@piecework/download/Downloader"
import type { DownloadResult, Progress } from "@piecework/download/Progress"
import type { HttpFacts } from "@piecework/sources/HttpFacts"
import { Context, Effect, Layer, Result } from "effect"
import { ContentUrl } from "@piecework/domain"
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
    [source("ForbiddenRedirect"), "0x80072F7C"],
    [source("Encoded"), "0x80072F78"],
    [source("BadRequest"), "0x80070057"],
    [source("ProxyLogin", 407), "0x80190197"],
    [source("ProxyFailed"), "0x80072EFD, again"],
    [source("ContentChanged"), "0x80D06804"],
    [source("RangeUnsatisfiable", 416), "0x80D05010 0x801901A0"],
    [source("BadPieces"), "0x80D06805"],
    [new DownloadError.NoProgressError({ url, seconds: 300 }), "0x80072EE2, again"],
    [new DownloadError.ModeError({ mode: "bypass" }), "0x80D03002"],
    [new DownloadError.HaltedError({ url }), "0x80D02010"],
    [new DownloadError.UnverifiableError({ url, reason: "PhfMissing" }), "0x80D02017"],
    [new DownloadError.UnverifiableError({ url, reason: "PhfInvalid" }), "0x80D02017 0x80D06809"],
    [new DownloadError.UnverifiableError({ url, reason: "PhfVersion" }), "0x80D02017 0x80D0680A"],
    [new DownloadError.UnverifiableError({ url, reason: "PhfMismatch" }), "0x80D02017 0x80D06805"],
    [new DownloadError.DestinationError({ path: "/f", reason: "Exists" }), "0xC0D00011"],
    [new DownloadError.DestinationError({ path: "/f", reason: "DiskFull" }), "0xC0D0001C"],
    [new DownloadError.StorageError({ reason: "Denied", detail: "" }), "0xC0D0000D"]
  ] as const) {
    it(`is ${numbers} for ${error._tag} ${"reason" in error ? error.reason : ""}`, () => {
      assert.strictEqual(numbersOf(error), numbers)
    })
  }
})

const runner = (
  progress: Partial<Progress>,
  asked: Array<DownloadRequest>,
  facts?: HttpFacts,
  why?: DownloadError.Fallback
) =>
  Effect.map(
    Layer.build(
      Layer.fresh(DownloadRunner.layer(Effect.succeed("Lan"), Effect.succeed(why))).pipe(
        Layer.provide(
          Layer.succeed(Downloader, {
            open: () => Effect.die("nobody opens anything here"),
            start: (request) =>
              Effect.sync(() => {
                asked.push(request)
                const result = { fileBytes: 100, requestedBytes: 77 } as DownloadResult
                return {
                  progress: () => progress as Progress,
                  facts: () => facts,
                  ledger: () => ({}) as never,
                  result: Effect.succeed(result),
                  arrived: Effect.succeed(result)
                }
              })
          })
        )
      )
    ),
    Context.get(JobRunner)
  )

describe("A run", () => {
  const task = {
    id: idOf(1),
    spec: { ...ready, uri: url },
    draft: "/draft",
    destination: "/data/file",
    isPlaceSeen: true
  }

  it.effect("is a download into the draft, of the content that the caller means", () =>
    Effect.gen(function* () {
      const asked: Array<DownloadRequest> = []
      const service = yield* runner({ fileBytes: 100, requestedBytes: 77, heldBytes: 5, phase: "Fetching" }, asked)
      const contentId = `DO-${"A".repeat(43)}`
      const run = yield* service.start({ ...task, spec: { ...task.spec, contentId } })
      assert.deepStrictEqual<ReadonlyArray<unknown>>(asked, [
        {
          url,
          headers: {},
          authHeaders: {},
          allowInsecureRedirect: false,
          formerUrls: [],
          contentId,
          hashes: undefined,
          mustVerify: false,
          path: "/draft",
          destination: "/data/file",
          isPlaceSeen: true,
          asker: { door: "job", job: task.id, name: undefined },
          overwrite: true,
          priority: "Background",
          mode: "Lan"
        }
      ])
      assert.deepStrictEqual(run.look(), { bytesTotal: 77, bytesTransferred: 5, isBusy: false })
      assert.deepInclude(yield* run.result, { _tag: "Complete", bytes: 77 })
    })
  )

  it.effect("says why it is this mode, where the device says so", () =>
    Effect.gen(function* () {
      const asked: Array<DownloadRequest> = []
      const why = new DownloadError.Fallback({ reason: "NotEligible", detail: "little memory: DOMinRAMAllowedToPeer" })
      const service = yield* runner({}, asked, undefined, why)
      yield* service.start(task)
      assert.deepStrictEqual(asked[0]?.why, why)
    })
  )

  it.effect("takes the headers along, and what redirects may do", () =>
    Effect.gen(function* () {
      const asked: Array<DownloadRequest> = []
      const service = yield* runner({}, asked)
      const spec = {
        ...task.spec,
        httpCustomHeaders: "X-Own: 1\r\nCookie: a=b\r\nX-Own: 2\r\n",
        httpCustomAuthHeaders: "Authorization: Basic eDp5\r\n",
        httpAllowSecureToNonSecureRedirect: true
      }
      yield* service.start({ ...task, spec })
      assert.deepStrictEqual(
        asked.map(({ allowInsecureRedirect, authHeaders, headers }) => ({
          allowInsecureRedirect,
          authHeaders,
          headers
        })),
        [
          {
            headers: { "X-Own": "1, 2", Cookie: "a=b" },
            authHeaders: { Authorization: "Basic eDp5" },
            allowInsecureRedirect: true
          }
        ]
      )
    })
  )

  it.effect("tells what the server said, and where it led to when it led elsewhere", () =>
    Effect.gen(function* () {
      const facts = { status: 206, headers: new Map(), lines: ['ETag: "a"', "X: 1"], address: "192.0.2.1" }
      const elsewhere = Result.getOrThrow(ContentUrl.parse("http://cdn.example/file"))
      for (const [to, redirectionTarget] of [
        [elsewhere, elsewhere],
        [url, undefined]
      ] as const) {
        const run = yield* (yield* runner({ phase: "Fetching" }, [], { ...facts, url: to })).start(task)
        const told = { status: 206, responseHeaders: 'ETag: "a"\r\nX: 1\r\n', serverAddress: "192.0.2.1" }
        assert.deepStrictEqual(run.look().facts, { ...told, redirectionTarget })
        // It is looked at twice a second, and the same for each look.
        assert.strictEqual(run.look().facts, run.look().facts)
      }
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

  it.effect("knows the hashes that the caller named, the URLs of before and the priority", () =>
    Effect.gen(function* () {
      const asked: Array<DownloadRequest> = []
      const service = yield* runner({}, asked)
      const digest = Buffer.alloc(32, 7)
      const former = "http://before.example/file" as typeof url
      yield* service.start({
        ...task,
        spec: {
          ...task.spec,
          formerUris: [former],
          foregroundPriority: true,
          integrityCheckInfo: { PiecesHashFileUrl: "http://h/phf", PiecesHashFileDigest: digest.toString("hex") },
          integrityCheckMandatory: true
        }
      })
      const [request] = asked
      assert.deepStrictEqual([...(request?.hashes?.expected.fileDigest ?? [])], [...digest])
      assert.strictEqual(request?.hashes?.url, "http://h/phf")
      assert.isUndefined(request?.contentId)
      assert.isTrue(request?.mustVerify)
      assert.deepStrictEqual(request?.formerUrls, [former])
      assert.strictEqual(request?.priority, "Foreground")
    })
  )
})
