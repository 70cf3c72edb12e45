import { randomBytes } from "node:crypto"
import { closeSync, openSync, readdirSync, statSync, writeSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, Schedule } from "effect"
import { exitCodes } from "../src/ExitCode.ts"
import { ask, sha, through } from "./support/asking.ts"
import * as Origin from "./support/origin.ts"
import * as Programs from "./support/programs.ts"

const mebibyte = 1_048_576
const bytes = randomBytes(12 * mebibyte + 345)

const json = <A>(args: ReadonlyArray<string>, state: string) =>
  Effect.map(Programs.run("cache", [...args, "--state", state, "--json"]), ({ code, stderr, stdout }) => {
    assert.strictEqual(code, exitCodes.ok, stderr)
    return JSON.parse(stdout) as A
  })

/** Files that make up what a drive keeps. */
const filesIn = (folder: string): ReadonlyArray<string> =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))

interface Status {
  readonly sinceStart: {
    readonly hits: number
    readonly misses: number
    readonly bytesFromOrigin: number
    readonly bytesOut: number
  }
  readonly drives: ReadonlyArray<{ readonly folder: string; readonly used: number; readonly problem?: string }>
}

interface Kept {
  readonly url: string
  readonly heldBytes: number
}

describe("piecework-cache serve", () => {
  it.live(
    "fetches a file once for all clients and both forms, and has it after a restart",
    () =>
      Effect.gen(function* () {
        const state = join(yield* Programs.folder, "state")
        const origin = yield* Origin.make(bytes)
        const first = yield* Programs.cache(state, ["--origin", origin.host])
        const cold = yield* Effect.all(
          [1, 2, 3].map(() => ask(through(first.url, origin.host))),
          { concurrency: 3 }
        )
        for (const { headers, status, bytes: got } of cold) {
          assert.deepStrictEqual([status, headers["x-cid"], sha(got)], [200, "100", sha(bytes)])
        }
        const byHost = yield* ask(`${first.url}/file.bin`, {
          headers: { host: origin.host, range: "bytes=5000000-5000099" }
        })
        assert.strictEqual(byHost.status, 206)
        assert.isTrue(byHost.bytes.equals(bytes.subarray(5_000_000, 5_000_100)))
        assert.strictEqual(origin.sent(), bytes.length)
        const refused = yield* ask(through(first.url, "elsewhere.test"))
        assert.strictEqual(refused.status, 403)

        const { drives, sinceStart } = yield* json<Status>(["status"], state)
        assert.strictEqual(sinceStart.bytesFromOrigin, bytes.length)
        assert.strictEqual(sinceStart.bytesOut, 3 * bytes.length + 100)
        assert.isAtLeast(drives[0]?.used ?? 0, bytes.length)

        yield* first.kill("SIGTERM")
        const ended = yield* first.exit
        assert.deepStrictEqual([ended.code, ended.stderr], [0, ""])

        const second = yield* Programs.cache(state, ["--origin", origin.host])
        const warm = yield* ask(through(second.url, origin.host))
        assert.strictEqual(sha(warm.bytes), sha(bytes))
        assert.strictEqual(origin.sent(), bytes.length)
        assert.strictEqual((yield* json<Status>(["status"], state)).sinceStart.hits, 1)
      }),
    60_000
  )

  it.live(
    "ends when it is told to, with clients in the middle of a file",
    () =>
      Effect.gen(function* () {
        const origin = yield* Origin.make(bytes)
        const cache = yield* Programs.cache(join(yield* Programs.folder, "state"), ["--origin", origin.host])
        origin.stopAt(2 * mebibyte)
        const begun = yield* Deferred.make<void>()
        const onBytes = () => void Deferred.doneUnsafe(begun, Effect.void)
        const reading = yield* Effect.forkChild(Effect.exit(ask(through(cache.url, origin.host), { onBytes })))
        yield* Deferred.await(begun)
        yield* cache.kill("SIGTERM")
        const { code, stderr } = yield* cache.exit
        assert.deepStrictEqual([code, stderr], [0, ""])
        assert.isTrue(Exit.isFailure(yield* Fiber.join(reading)))
      }),
    60_000
  )

  it.live(
    "says what it keeps, finds what was damaged, and forgets what it is told to",
    () =>
      Effect.gen(function* () {
        const state = join(yield* Programs.folder, "state")
        const origin = yield* Origin.make(bytes)
        const args = ["--origin", origin.host]
        const first = yield* Programs.cache(state, args)
        yield* ask(through(first.url, origin.host))
        let files: ReadonlyArray<Kept> = []
        // The last pieces may still be on their way to the drive.
        while (files[0]?.heldBytes !== bytes.length) {
          yield* Effect.sleep("50 millis")
          files = (yield* json<{ readonly files: ReadonlyArray<Kept> }>(["list"], state)).files
        }
        assert.deepStrictEqual(
          files.map(({ heldBytes, url }) => [url, heldBytes]),
          [[origin.url, bytes.length]]
        )
        yield* first.kill("SIGTERM")
        yield* first.exit

        const [largest] = filesIn(join(state, "drive")).toSorted((a, b) => statSync(b).size - statSync(a).size)
        assert.isDefined(largest)
        const file = openSync(largest, "r+")
        writeSync(file, Buffer.from("rot"), 0, 3, 3 * mebibyte + 17)
        closeSync(file)
        const second = yield* Programs.cache(state, args)
        const checked = yield* Programs.run("cache", ["check", "--state", state, "--json"])
        assert.strictEqual(checked.code, exitCodes.damaged, checked.stderr)
        assert.deepInclude(JSON.parse(checked.stdout.split("\n")[0] ?? ""), { files: 1, pieces: 13, damaged: 1 })
        assert.strictEqual(sha((yield* ask(through(second.url, origin.host))).bytes), sha(bytes))
        assert.strictEqual(origin.sent(), bytes.length + mebibyte)

        assert.deepInclude(yield* json(["forget", origin.url], state), { files: 1 })
        const none = yield* Programs.run("cache", ["forget", origin.url, "--state", state])
        assert.deepStrictEqual(
          [none.code, none.stderr],
          [exitCodes.notFound, `piecework-cache: ${origin.url} is not kept.\n`]
        )
        assert.strictEqual(sha((yield* ask(through(second.url, origin.host))).bytes), sha(bytes))
        assert.strictEqual(origin.sent(), 2 * bytes.length + mebibyte)
      }),
    60_000
  )

  it.live(
    "gives right bytes after kill -9 at any point of a fetch, and does not fetch again what it kept",
    () =>
      Effect.gen(function* () {
        const state = join(yield* Programs.folder, "state")
        const origin = yield* Origin.make(bytes)
        const args = ["--origin", origin.host]
        for (const _ of [1, 2, 3]) {
          const cache = yield* Programs.cache(state, args)
          const at = origin.sent() + Math.floor(Math.random() * 4 * mebibyte)
          origin.stopAt(at)
          let got = 0
          const reading = ask(through(cache.url, origin.host), { onBytes: (so) => void (got = so) })
          yield* Effect.raceFirst(
            Effect.ignore(reading),
            Effect.sync(() => origin.sent() >= at || got >= bytes.length).pipe(
              Effect.repeat({ until: (is) => is, schedule: Schedule.spaced("5 millis") })
            )
          )
          yield* cache.kill("SIGKILL")
          yield* cache.exit
        }
        origin.stopAt(Number.POSITIVE_INFINITY)
        const cache = yield* Programs.cache(state, args)
        assert.strictEqual(sha((yield* ask(through(cache.url, origin.host))).bytes), sha(bytes))
        // What was under way when it died comes again, and no more: a piece or two for each place that is fetched at.
        assert.isBelow(origin.sent(), bytes.length + 3 * 8 * mebibyte)
      }),
    120_000
  )
})
