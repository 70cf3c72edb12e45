import { randomBytes } from "node:crypto"
import { closeSync, existsSync, openSync, readdirSync } from "node:fs"
import { readFile } from "node:fs/promises"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schedule } from "effect"
import { exitCodes } from "../src/ExitCode.ts"
import * as HttpOrigin from "./support/httpOrigin.ts"
import * as Programs from "./support/programs.ts"

/** A folder, and the arguments of a plain download into it. */
const plain = (url: string) =>
  Effect.map(Programs.folder, (root) => {
    const out = join(root, "file")
    return { root, out, args: ["get", url, "-o", out, "--state", join(root, "state")] }
  })

const all = { concurrency: 2 } as const

/** A service that nobody runs, and a port for peers. */
const lonely = ["--service", "http://127.0.0.1:9", "--min-peer-size", "0", "--port", "0"]

describe("wrong usage", () => {
  it.live("ends with 2, whatever is wrong", () =>
    Effect.gen(function* () {
      const ends = yield* Effect.forEach(
        [
          ["get", "http://origin.test/file", "--nope"],
          ["get", "http://origin.test/file", "--mode", "moon"],
          ["get", "http://origin.test/file", "--port", "99999"],
          ["get"],
          ["get", "http://origin.test/file", "--no-progress-timeout", "0"],
          ["get", "http://origin.test/file", "--json", "--events"],
          ["forget"]
        ],
        (args) => Programs.run("piecework", args),
        all
      )
      assert.deepStrictEqual(
        ends.map(({ code }) => code),
        ends.map(() => exitCodes.usage)
      )
    })
  )
})

describe("standard output", () => {
  it.live("may lose its reader, and the download goes on", () =>
    Effect.gen(function* () {
      const bytes = randomBytes(3_000_000)
      const origin = yield* HttpOrigin.make({ bytes, bytesPerSecond: 4_000_000 })
      const { args, out } = yield* plain(origin.url)
      const program = yield* Programs.start("piecework", [...args, "--events"])
      yield* program.line((line) => line.includes("Fetching") || undefined)
      yield* program.hangUp
      const { code, stderr } = yield* program.exit
      assert.deepStrictEqual([code, stderr], [exitCodes.ok, ""])
      assert.isTrue(bytes.equals(yield* Effect.promise(() => readFile(out))))
    })
  )

  it.live.skipIf(!existsSync("/dev/full"))("may be full, and the file is there all the same", () =>
    Effect.gen(function* () {
      const origin = yield* HttpOrigin.make({ bytes: randomBytes(100_000) })
      const full = yield* Effect.acquireRelease(
        Effect.sync(() => openSync("/dev/full", "w")),
        (fd) => Effect.sync(() => closeSync(fd))
      )
      const runs = yield* Effect.forEach(
        ["--events", "--json"],
        (flag) =>
          Effect.gen(function* () {
            const { args, out } = yield* plain(origin.url)
            const { code, stderr } = yield* Programs.run("piecework", [...args, flag], {}, full)
            return { code, stderr, isThere: existsSync(out) }
          }),
        all
      )
      for (const { code, isThere, stderr } of runs) {
        assert.deepStrictEqual([code, isThere], [exitCodes.diskFull, true])
        assert.match(stderr, /^piecework: The disk that standard output goes to is full; .*\n$/)
      }
    })
  )
})

describe("an address to listen on that is none of this machine", () => {
  it.live("is told as that", () =>
    Effect.gen(function* () {
      const ends = yield* Effect.forEach(
        ["203.0.113.1", "no.such.host.invalid"],
        (host) =>
          Effect.gen(function* () {
            const { args } = yield* plain("http://127.0.0.1:9/file")
            const { code, stderr } = yield* Programs.run("piecework", [...args, ...lonely, "--host", host])
            assert.strictEqual(
              stderr,
              `piecework: ${host} is no address of this machine; choose another with --host.\n`
            )
            return code
          }),
        all
      )
      assert.deepStrictEqual(ends, [exitCodes.address, exitCodes.address])
    })
  )
})

describe("without a terminal", () => {
  it.live("one line says that the service failed, and one that nobody can be served", () =>
    Effect.gen(function* () {
      const origin = yield* HttpOrigin.make({ bytes: randomBytes(100_000) })
      const { args } = yield* plain(origin.url)
      const lonelyHere = [...lonely, "--host", "127.0.0.1", "--seed", "1h"]
      const { code, stderr, stdout } = yield* Programs.run("piecework", [...args, ...lonelyHere])
      assert.deepStrictEqual([code, stdout], [exitCodes.ok, ""], stderr)
      const [without, unserved, ...rest] = stderr.trim().split("\n")
      assert.match(without ?? "", /^piecework: Fetched without peers: the Geo service at .* cannot be reached\.$/)
      assert.match(unserved ?? "", /^piecework: Not serving the file, /)
      assert.deepStrictEqual(rest, [])
    })
  )
})

describe("a state folder", () => {
  it.live("that cannot be used costs a plain download nothing but the memory", () =>
    Effect.gen(function* () {
      const origin = yield* HttpOrigin.make({ bytes: randomBytes(100_000) })
      const root = yield* Programs.folder
      const out = join(root, "file")
      const env = { STATE_DIRECTORY: "/dev/null/nowhere", TMPDIR: root }
      const { code, stderr } = yield* Programs.run("piecework", ["get", origin.url, "-o", out], env)
      assert.strictEqual(code, exitCodes.ok, stderr)
      assert.match(stderr, /^piecework: The state folder \/dev\/null\/nowhere cannot be used \(ENOTDIR\); .*\n$/)
      assert.deepStrictEqual(readdirSync(root), ["file"])
      const named = yield* Programs.run("piecework", [
        "get",
        origin.url,
        "-o",
        `${out}2`,
        "--state",
        "/dev/null/nowhere"
      ])
      assert.strictEqual(named.code, exitCodes.storage)
      assert.match(named.stderr, /nowhere is a file, or lies under one/)
    })
  )

  it.live("is not made by looking at it", () =>
    Effect.gen(function* () {
      const state = join(yield* Programs.folder, "none")
      const [status, forget] = yield* Effect.forEach(
        [["status"], ["forget", "--all"]],
        (args) => Programs.run("piecework", [...args, "--state", state]),
        all
      )
      assert.deepStrictEqual([status?.code, forget?.code], [exitCodes.notFound, exitCodes.notFound])
      assert.isFalse(existsSync(state))
    })
  )
})

describe("a failure", () => {
  it.live("is told to programs on standard output, too", () =>
    Effect.gen(function* () {
      const origin = yield* HttpOrigin.make({ bytes: randomBytes(10) })
      origin.fail(401)
      const { args, out } = yield* plain(origin.url)
      const ends = yield* Effect.forEach(
        ["--json", "--events"],
        (flag) => Programs.run("piecework", [...args, flag]),
        all
      )
      for (const { code, stderr, stdout } of ends) {
        const last = JSON.parse(stdout.trim().split("\n").at(-1) ?? "") as { readonly error?: unknown }
        const message = stderr.trim().replace("piecework: ", "")
        assert.deepStrictEqual(last, { error: { code, tag: "refused", message } })
        assert.match(message, /wants a login/)
      }
      const long = `${out}${"x".repeat(256)}`
      const name = yield* Programs.run("piecework", [
        "get",
        origin.url,
        "-o",
        long,
        "--state",
        join(out, "..", "state")
      ])
      assert.deepStrictEqual([name.code, name.stderr.includes("too long")], [exitCodes.destination, true])
    })
  )
})

describe("an interrupted download", () => {
  it.live("says how far it came, and the next one that an origin without ranges begins again", () =>
    Effect.gen(function* () {
      const bytes = randomBytes(3_000_000)
      const origin = yield* HttpOrigin.make({ bytes, ranges: false })
      origin.stopAt(2_500_000)
      const { args, out } = yield* plain(origin.url)
      const first = yield* Programs.start("piecework", args)
      yield* Effect.sync(origin.sent).pipe(
        Effect.repeat({ until: (sent) => sent > 2_000_000, schedule: Schedule.spaced("20 millis") })
      )
      yield* first.kill("SIGINT")
      const { code, stderr } = yield* first.exit
      assert.strictEqual(code, exitCodes.interrupted)
      assert.match(stderr, /^Interrupted at \d+ %; run the same command to go on\.\n$/)
      origin.stopAt(Number.POSITIVE_INFINITY)
      const second = yield* Programs.run("piecework", args)
      assert.strictEqual(second.code, exitCodes.ok, second.stderr)
      assert.match(second.stderr, /^piecework: This origin sends whole files only; beginning again/)
      assert.isTrue(bytes.equals(yield* Effect.promise(() => readFile(out))))
    })
  )
})
