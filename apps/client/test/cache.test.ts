/** The rules of the cache in real downloads, and `piecework cache`. */
import { execFileSync } from "node:child_process"
import { createHash, randomBytes } from "node:crypto"
import { mkdirSync, readdirSync } from "node:fs"
import { readFile, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as LivePolicy from "@piecework/policy/LivePolicy"
import * as Policy from "@piecework/policy/Policy"
import { Duration, Effect, Option, Queue, Schedule } from "effect"
import * as CachePlace from "../src/CachePlace.ts"
import * as Expiry from "../src/command/cacheExpire.ts"
import { exitCodes } from "../src/ExitCode.ts"
import * as HttpOrigin from "./support/httpOrigin.ts"
import * as Programs from "./support/programs.ts"

const mebibyte = 1_048_576
const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex")

/** A published file of 12 MiB; downloads of it, and the cache of a device. */
const published = Effect.gen(function* () {
  const root = yield* Programs.folder
  const bytes = randomBytes(12 * mebibyte + 77)
  const file = join(root, "published.bin")
  yield* Effect.promise(() => writeFile(file, bytes))
  const origin = yield* HttpOrigin.make({ bytes })
  const data = join(root, "service")
  const service = yield* Programs.service(data)
  const publish = ["publish", file, "--url", origin.url, "--data", data, "--max-cache-age", "7200", "--json"]
  const { contentId } = JSON.parse((yield* Programs.run("service", publish)).stdout) as { readonly contentId: string }
  const get = (to: string, state: string, env: Readonly<Record<string, string>> = {}, ...more: Array<string>) =>
    Programs.run(
      "piecework",
      [
        "get",
        origin.url,
        "-o",
        to,
        "--state",
        state,
        "--service",
        service,
        "--host",
        "127.0.0.1",
        "--port",
        "0",
        ...more
      ],
      env
    )
  return { root, bytes, contentId, get, origin }
})

interface Listed {
  readonly FileId: string
  readonly FileSizeInCache: number
  readonly IsPinned: boolean
  readonly ExpireOn: string | null
  readonly Status: string
}

/** `piecework cache` on a state folder. */
const cacheOf = (state: string) => {
  const run = (...args: ReadonlyArray<string>) => Programs.run("piecework", ["cache", ...args, "--state", state])
  return {
    run,
    list: Effect.map(run("list", "--json"), ({ stdout }) => JSON.parse(stdout) as ReadonlyArray<Listed>)
  }
}

describe("piecework cache", () => {
  it.live("lists, pins, sets an expiry, and deletes what is pinned only when it is told to", () =>
    Effect.gen(function* () {
      const { bytes, contentId, get, root } = yield* published
      const state = join(root, "state")
      const { list, run } = cacheOf(state)
      assert.strictEqual((yield* get(join(root, "out"), state)).code, exitCodes.ok)
      const before = Date.now()

      const [listed] = yield* list
      assert.deepInclude(listed ?? {}, {
        FileId: contentId,
        FileSizeInCache: bytes.length,
        IsPinned: false,
        Status: "Caching"
      })
      assert.approximately(Date.parse(listed?.ExpireOn ?? ""), before + 7_200_000, 60_000)

      // As much of it as is needed. Without the letters that all ids have it could begin with a hyphen, like an option.
      const some = contentId.slice(0, 9)
      assert.strictEqual((yield* run("pin", some)).code, exitCodes.ok)
      assert.deepInclude((yield* list)[0] ?? {}, { IsPinned: true, ExpireOn: null })
      const refused = yield* run("delete", some)
      assert.strictEqual(refused.code, exitCodes.refused)
      assert.include(refused.stderr, "is pinned; --include-pinned deletes it all the same.")
      const stayed = yield* run("delete", "--all")
      assert.include(stayed.stderr, "1 content stayed: 1 pinned (--include-pinned deletes them).")
      const wrong: ReadonlyArray<readonly [ReadonlyArray<string>, number]> = [
        [["expire", some], exitCodes.usage],
        [["pin", "DO-nothing"], exitCodes.notFound],
        [["expire", some, "--in", "10 days"], exitCodes.ok]
      ]
      const codes = yield* Effect.forEach(wrong, ([args]) => Effect.map(run(...args), ({ code }) => code), {
        concurrency: 3
      })
      assert.deepStrictEqual(
        codes,
        wrong.map(([, code]) => code)
      )
      const expiry = Date.parse((yield* list)[0]?.ExpireOn ?? "")
      assert.approximately(expiry, before + 10 * 86_400_000, 60_000)
      const status = yield* Programs.run("piecework", ["status", "--state", state, "--json"])
      const [file] = JSON.parse(status.stdout) as ReadonlyArray<Listed>
      assert.deepInclude(file ?? {}, { IsPinned: true, ExpireOn: new Date(expiry).toISOString() })

      assert.strictEqual((yield* run("delete", "--all", "--include-pinned")).code, exitCodes.ok)
      assert.deepStrictEqual(yield* list, [])
      assert.strictEqual(sha256(yield* Effect.promise(() => readFile(join(root, "out")))), sha256(bytes))
    })
  )

  it.live("is kept by an agent that serves no peers as well, since its jobs fill it", () =>
    Effect.gen(function* () {
      const { contentId, get, root } = yield* published
      const state = join(root, "state")
      const { list, run } = cacheOf(state)
      assert.strictEqual((yield* get(join(root, "out"), state)).code, exitCodes.ok)
      assert.strictEqual((yield* run("expire", contentId, "--in", "1 milli")).code, exitCodes.ok)
      assert.strictEqual((yield* list).length, 1)
      const agent = yield* Programs.start("piecework", ["agent", "--state", state, "--no-rest", "--json"], {
        PIECEWORK_DODOWNLOADMODE: "0"
      })
      assert.strictEqual(yield* agent.line((line) => line), "{}")
      yield* Effect.repeat(list, { until: (contents) => contents.length === 0, schedule: Schedule.spaced("50 millis") })
    })
  )

  it.effect("takes an expiry within a year, said in one way", () =>
    Effect.gen(function* () {
      const now = Date.parse("2026-12-31T12:00Z")
      const timeOf = (given: { readonly at?: string; readonly in?: Duration.Input; readonly unset?: boolean }) =>
        Expiry.timeOf(
          {
            at: Option.fromUndefinedOr(given.at),
            in: Option.map(Option.fromUndefinedOr(given.in), Duration.fromInputUnsafe),
            unset: given.unset ?? false
          },
          now
        )
      assert.strictEqual(yield* timeOf({ at: "2027-01-31" }), new Date(2027, 0, 31).getTime())
      assert.strictEqual(yield* timeOf({ in: "366 days" }), now + 366 * 86_400_000)
      assert.isUndefined(yield* timeOf({ unset: true }))
      for (const wrong of [
        {},
        { in: "367 days" },
        { in: "0 seconds" },
        { at: "2001-01-01" },
        { at: "someday" },
        { at: "2028-01-02" },
        { in: "1 day", unset: true }
      ] as const) {
        assert.strictEqual((yield* Effect.flip(timeOf(wrong))).code, exitCodes.usage)
      }
    })
  )

  it.live("tells programs of wrong usage as well", () =>
    Effect.gen(function* () {
      for (const args of [["pin"], ["unpin"], ["expire", "DO-x"], ["delete"]]) {
        const { code, stdout } = yield* Programs.run("piecework", ["cache", ...args, "--json"])
        assert.strictEqual(code, exitCodes.usage)
        assert.include(stdout, '{"error":{"code":2,"tag":"usage"', args.join(" "))
      }
    })
  )

  it.live("pins only where the policy's mode has peers", () =>
    Effect.gen(function* () {
      const root = yield* Programs.folder
      mkdirSync(join(root, "state"))
      const { code, stderr } = yield* Programs.run(
        "piecework",
        ["cache", "pin", "DO-x", "--state", join(root, "state")],
        { PIECEWORK_DODOWNLOADMODE: "0" }
      )
      assert.strictEqual(code, exitCodes.usage)
      assert.include(stderr, "the policy's is http-only")
    })
  )
})

describe("a download", () => {
  it.live.skipIf(!Programs.canMount)(
    "goes on beside its destination where the disk of the cache is full, and says with numbers that no disk has room (root)",
    () =>
      Effect.gen(function* () {
        const { bytes, contentId, get, origin, root } = yield* published
        const state = yield* tinyDisk(join(root, "tiny"), 8)
        const out = join(root, "out")
        for (const mode of ["lan", "simple"]) {
          const { code, stderr } = yield* get(out, state, {}, "--mode", mode, "--overwrite")
          assert.strictEqual(code, exitCodes.ok, stderr)
          assert.include(stderr, `${bytes.length} bytes are needed`)
          assert.strictEqual(sha256(yield* Effect.promise(() => readFile(out))), sha256(bytes))
        }
        assert.notInclude(readdirSync(join(state, "cache")), contentId)
        assert.deepStrictEqual(
          readdirSync(root).filter((name) => name.startsWith(".")),
          []
        )

        // The first request of each asks for a KiB.
        const sent = origin.sent()
        const here = yield* get(join(state, "out"), state)
        assert.strictEqual(here.code, exitCodes.diskFull, here.stderr)
        assert.match(
          here.stderr,
          new RegExp(`has no room for the file \\(${bytes.length} bytes are needed, \\d+ can be had\\)`)
        )
        const there = yield* get(join(state, "out"), join(root, "state"))
        assert.strictEqual(there.code, exitCodes.diskFull, there.stderr)
        assert.include(there.stderr, `The disk has no room for ${join(state, "out")} (${bytes.length} bytes are needed`)
        assert.isAtMost(origin.sent() - sent, 4096)

        // Room for the file and for no copy of it: then the file is given away.
        const middle = yield* tinyDisk(join(root, "middle"), 20)
        const given = yield* get(join(middle, "out"), middle)
        assert.strictEqual(given.code, exitCodes.ok, given.stderr)
        assert.strictEqual(sha256(yield* Effect.promise(() => readFile(join(middle, "out")))), sha256(bytes))
        assert.deepStrictEqual(readdirSync(join(middle, "cache")), [])
      })
  )
})

describe("the folder of the cache", () => {
  it.live("may be another one, and what lay elsewhere is found there; what is too small leaves it", () =>
    Effect.gen(function* () {
      const { bytes, contentId, get, origin, root } = yield* published
      const state = join(root, "state")
      const drive = join(root, "drive")
      mkdirSync(drive)
      assert.strictEqual((yield* get(join(root, "one"), state)).code, exitCodes.ok)
      assert.include(readdirSync(join(state, "cache")), contentId)
      origin.fail(503)

      const there = { PIECEWORK_DOMODIFYCACHEDRIVE: "$THE_ROOT/drive", THE_ROOT: root }
      const second = yield* get(join(root, "two"), state, there, "--json")
      assert.strictEqual(second.code, exitCodes.ok, second.stderr)
      const result = JSON.parse(second.stdout) as { readonly bytes: { readonly LocalCache: number } }
      assert.strictEqual(result.bytes.LocalCache, bytes.length)
      assert.deepStrictEqual([readdirSync(join(state, "cache")), readdirSync(drive)], [[], [contentId]])

      // And back again.
      assert.strictEqual((yield* get(join(root, "three"), state)).code, exitCodes.ok)
      assert.deepStrictEqual([readdirSync(join(state, "cache")), readdirSync(drive)], [[contentId], []])

      // It is smaller than what is kept for peers, so it leaves with the next download.
      const small = yield* get(join(root, "four"), state, { PIECEWORK_DOMINFILESIZETOCACHE: "50" })
      assert.strictEqual(small.code, exitCodes.ok, small.stderr)
      assert.deepStrictEqual(readdirSync(join(state, "cache")), [])
    })
  )

  it.live("has to be there", () =>
    Effect.gen(function* () {
      const root = yield* Programs.folder
      const args = ["get", "http://127.0.0.1:9/file", "-o", join(root, "out"), "--state", join(root, "state")]
      const { code, stderr } = yield* Programs.run("piecework", args, {
        PIECEWORK_DOMODIFYCACHEDRIVE: join(root, "away")
      })
      assert.strictEqual(code, exitCodes.storage)
      assert.match(
        stderr,
        /^piecework: The folder .*away that DOModifyCacheDrive names is not there \(0x80D03809\); .*\n$/
      )
    })
  )

  it("is written with the variables of Windows and of shells", () => {
    const env = { DISK: "/mnt/disk", EMPTY: "" }
    const rows = [
      ["/var/cache", { path: "/var/cache" }],
      ["%DISK%/cache/", { path: "/mnt/disk/cache" }],
      ["$DISK/../x", { path: "/mnt/x" }],
      ["${DISK}2", { path: "/mnt/disk2" }],
      ["cache", { flaw: "cache is no full path" }],
      ["D:", { flaw: "D: is no full path" }],
      ["$NONE/$EMPTY", { flaw: "it names NONE, EMPTY, which the environment does not have" }]
    ] as const
    for (const [text, found] of rows) assert.deepStrictEqual(CachePlace.expanded(text, env), found, text)
  })

  it.effect("is followed while an agent runs, unless it cannot be used", () =>
    Effect.gen(function* () {
      const root = yield* Programs.folder
      mkdirSync(join(root, "drive"))
      const live = LivePolicy.changing(Policy.defaults)
      const ran: Array<string | undefined> = []
      const set = (folder: string) =>
        live.set(Policy.resolve([{ provider: "MachineFile", values: { DOModifyCacheDrive: folder } }]))
      const began = yield* Queue.unbounded<void>()
      yield* Effect.forkChild(
        CachePlace.following(live, undefined, (at) => {
          ran.push(at)
          return Effect.andThen(Queue.offer(began, undefined), Effect.never)
        })
      )
      yield* Queue.take(began)
      set(join(root, "drive"))
      yield* Queue.take(began)
      set(join(root, "away"))
      set(join(root, "drive"))
      live.set(Policy.defaults)
      yield* Queue.take(began)
      assert.deepStrictEqual(ran, [undefined, join(root, "drive"), undefined])
    }).pipe(Effect.provide(NodeServices.layer))
  )
})

/** A file system of so many MiB at a folder, as long as the scope lasts. */
const tinyDisk = (folder: string, mebibytes: number) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      mkdirSync(folder)
      execFileSync("mount", ["-t", "tmpfs", "-o", `size=${mebibytes}m`, "tmpfs", folder])
      return folder
    }),
    () => Effect.sync(() => void execFileSync("umount", [folder]))
  )
