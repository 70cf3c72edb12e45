import { createHash, randomBytes } from "node:crypto"
import { readdir, readFile, rename, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { exitCodes } from "../src/ExitCode.ts"
import * as HttpOrigin from "./support/httpOrigin.ts"
import * as Programs from "./support/programs.ts"
import * as Site from "./support/site.ts"

const mebibyte = 1_048_576
const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex")

interface Result {
  readonly mode: string
  readonly why: { readonly reason: string }
  readonly fileBytes: number
  readonly bytes: { readonly [kind: string]: number }
}

const published = Site.published({ length: 24 * mebibyte + 77 })

describe("piecework as a process", () => {
  it.live("fetches a file from the origin, and the next device fetches it from the first", () =>
    Effect.gen(function* () {
      const { bytes, origin, get, out } = yield* published
      const first = yield* Programs.start("piecework", get("one", "--json", "--seed", "5 minutes"))
      const one = yield* first.line((line) => JSON.parse(line) as Result)
      assert.strictEqual(one.mode, "Lan")
      assert.strictEqual(one.bytes["Origin"], bytes.length)
      assert.strictEqual(sha256(yield* out("one")), sha256(bytes))

      // So slow that the origin is not done before the two have met, however busy the machine is.
      origin.pace(mebibyte)
      const before = origin.sent()
      const second = yield* Programs.run("piecework", get("two", "--json"))
      assert.strictEqual(second.code, 0, second.stderr)
      const two = JSON.parse(second.stdout) as Result
      assert.strictEqual(sha256(yield* out("two")), sha256(bytes))
      assert.isAbove(two.bytes["Lan"] ?? 0, bytes.length / 2)
      assert.isBelow(origin.sent() - before, bytes.length / 2)

      yield* first.kill("SIGTERM")
      assert.strictEqual((yield* first.exit).code, 0)
    })
  )

  it.live("keeps away from HTTP as long as the policy file says, and takes up a change of it", () =>
    Effect.gen(function* () {
      const { bytes, get, origin, out, root } = yield* published
      const policy = join(root, "policy.json")
      yield* Effect.promise(() => writeFile(policy, '{ "DODelayBackgroundDownloadFromHttp": 3600 }'))
      const args = get("one", "--events", "--policy", policy, "--priority", "background")
      const waiting = yield* Programs.start("piecework", args)
      yield* waiting.line((line) => {
        const { progress } = JSON.parse(line) as { readonly progress?: { readonly httpAfterMillis?: number } }
        return progress?.httpAfterMillis === 3_600_000 ? true : undefined
      })
      assert.strictEqual(origin.requests(), 0)
      yield* Effect.promise(() => writeFile(`${policy}.next`, '{ "DODelayBackgroundDownloadFromHttp": 1 }'))
      yield* Effect.promise(() => rename(`${policy}.next`, policy))
      const { code, stderr } = yield* waiting.exit
      assert.strictEqual(code, exitCodes.ok, stderr)
      assert.include(stderr, "The policy has changed: DODelayBackgroundDownloadFromHttp is 1 s.")
      assert.strictEqual(sha256(yield* out("one")), sha256(bytes))
    })
  )

  it.live("goes on behind what it held after kill -9", () =>
    Effect.gen(function* () {
      const { bytes, origin, get, out, root } = yield* published
      origin.stopAt(12 * mebibyte)
      const first = yield* Programs.start("piecework", get("one", "--events"))
      const held = yield* first.line((line) => {
        const { progress } = JSON.parse(line) as { readonly progress?: { readonly heldBytes: number } }
        return progress !== undefined && progress.heldBytes >= 8 * mebibyte ? progress.heldBytes : undefined
      })
      yield* first.kill("SIGKILL")
      yield* first.exit
      assert.notInclude(yield* Effect.promise(() => readdir(root)), "one.out")

      yield* origin.idle
      origin.stopAt(Number.POSITIVE_INFINITY)
      const before = origin.sent()
      const second = yield* Programs.run("piecework", get("one", "--json"))
      assert.strictEqual(second.code, 0, second.stderr)
      const result = JSON.parse(second.stdout) as Result
      assert.strictEqual(sha256(yield* out("one")), sha256(bytes))
      const local = result.bytes["LocalCache"] ?? 0
      assert.isAtLeast(local, held)
      assert.strictEqual(local + (result.bytes["Origin"] ?? 0), bytes.length)
      // The first request of a download asks for 16 KiB before it knows better.
      assert.isAtMost(origin.sent() - before, bytes.length - local + 65_536)
    })
  )

  it.live("goes on behind what it held after kill -9 in Simple mode too", () =>
    Effect.gen(function* () {
      const root = yield* Programs.folder
      const bytes = randomBytes(12 * mebibyte + 5)
      const origin = yield* HttpOrigin.make({ bytes })
      origin.stopAt(8 * mebibyte)
      const args = ["get", origin.url, "-o", join(root, "out"), "--state", join(root, "state"), "--mode", "simple"]
      const first = yield* Programs.start("piecework", [...args, "--events"])
      yield* first.line((line) => {
        const { progress } = JSON.parse(line) as { readonly progress?: { readonly heldBytes: number } }
        return progress !== undefined && progress.heldBytes >= 4 * mebibyte ? true : undefined
      })
      yield* first.kill("SIGKILL")
      yield* first.exit
      yield* origin.idle
      origin.stopAt(Number.POSITIVE_INFINITY)
      const second = yield* Programs.run("piecework", [...args, "--json"])
      assert.strictEqual(second.code, 0, second.stderr)
      const result = JSON.parse(second.stdout) as Result
      assert.isAtLeast(result.bytes["LocalCache"] ?? 0, 4 * mebibyte)
      assert.strictEqual(sha256(yield* Effect.promise(() => readFile(join(root, "out")))), sha256(bytes))
    })
  )

  it.live("two downloads end when they are halted, without their files, and a third does not begin", () =>
    Effect.gen(function* () {
      const { data, get, origin, root } = yield* published
      origin.stopAt(12 * mebibyte)
      const both = yield* Effect.forEach(["one", "two"], (name) => Programs.start("piecework", get(name, "--events")))
      for (const program of both) {
        yield* program.line((line) => {
          const { progress } = JSON.parse(line) as { readonly progress?: { readonly heldBytes: number } }
          return progress !== undefined && progress.heldBytes >= 2 * mebibyte ? true : undefined
        })
      }
      const halted = yield* Programs.run("service", ["content", "halt", origin.url, "--data", data])
      assert.strictEqual(halted.code, 0, halted.stderr)
      for (const program of both) {
        const { code, stderr } = yield* program.exit
        assert.strictEqual(code, exitCodes.halted, stderr)
        assert.include(stderr, `The service has halted ${origin.url}`)
      }
      assert.strictEqual((yield* Programs.run("piecework", get("three"))).code, exitCodes.halted)
      assert.deepStrictEqual(
        (yield* Effect.promise(() => readdir(root))).filter((name) => name.endsWith(".out")),
        []
      )
    })
  )

  it.live("an agent serves what an earlier process fetched", () =>
    Effect.gen(function* () {
      const { agent: serving, bytes, get, origin, out, state } = yield* published
      assert.strictEqual((yield* Programs.run("piecework", get("one"))).code, 0)
      const agent = yield* Programs.agent(serving("one"))
      origin.fail(503)
      const second = yield* Programs.run("piecework", get("two", "--json"))
      assert.strictEqual(second.code, 0, second.stderr)
      assert.strictEqual((JSON.parse(second.stdout) as Result).bytes["Lan"], bytes.length)
      assert.strictEqual(sha256(yield* out("two")), sha256(bytes))
      yield* agent.kill("SIGTERM")
      assert.strictEqual((yield* agent.exit).code, 0)

      const status = yield* Programs.run("piecework", ["status", "--state", state("one"), "--json"])
      const [file] = JSON.parse(status.stdout) as ReadonlyArray<{ readonly [field: string]: unknown }>
      assert.strictEqual(file?.["FileSizeInCache"], bytes.length)
      assert.strictEqual(file?.["Status"], "Caching")
      assert.strictEqual(file?.["BytesToPeers"], bytes.length)

      const forget = yield* Programs.run("piecework", ["forget", origin.url, "--state", state("one"), "--json"])
      assert.deepStrictEqual(JSON.parse(forget.stdout), { forgotten: [file?.["FileId"]], freedBytes: bytes.length })
      const empty = yield* Programs.run("piecework", ["status", "--state", state("one"), "--json"])
      assert.deepStrictEqual(JSON.parse(empty.stdout), [])
      assert.strictEqual(sha256(yield* out("one")), sha256(bytes))
    })
  )

  it.live("leaves nothing behind when it is interrupted", () =>
    Effect.gen(function* () {
      const { get, origin, root } = yield* published
      origin.stopAt(12 * mebibyte)
      const program = yield* Programs.start("piecework", get("one", "--events"))
      yield* program.line((line) => (line.includes('"Fetching"') ? true : undefined))
      yield* program.kill("SIGINT")
      const { code, stdout } = yield* program.exit
      assert.strictEqual(code, exitCodes.interrupted)
      assert.include(stdout.trim().split("\n").at(-1), '{"error":{"code":130,"tag":"interrupted"')
      assert.deepStrictEqual(
        (yield* Effect.promise(() => readdir(root))).filter((name) => name.includes("out") || name.includes("part")),
        []
      )
    })
  )
})
