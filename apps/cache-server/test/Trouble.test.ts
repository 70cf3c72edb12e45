import { randomBytes } from "node:crypto"
import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs"
import { createServer } from "node:net"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as Certificate from "@piecework/trust/Certificate"
import { Effect, Fiber } from "effect"
import { exitCodes } from "../src/ExitCode.ts"
import { ask, sha, through } from "./support/asking.ts"
import * as Origin from "./support/origin.ts"
import { peerName } from "./support/tls.ts"
import * as Programs from "./support/programs.ts"

const mebibyte = 1_048_576

const serve = (state: string, args: ReadonlyArray<string>, env?: Readonly<Record<string, string>>) =>
  Programs.run("cache", ["serve", "--state", state, "--no-announce", "--json", ...args], env)

/** Both ports are any that is free. */
const anywhere = ["--listen", "127.0.0.1:0", "--peer-port", "127.0.0.1:0"]

/** A port on which somebody listens. */
const taken = Effect.acquireRelease(
  Effect.callback<{ readonly port: number; readonly close: () => void }>((resume) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const address = server.address()
      assert.isTrue(typeof address === "object" && address !== null)
      if (typeof address === "object" && address !== null) {
        resume(Effect.succeed({ port: address.port, close: () => void server.close() }))
      }
    })
  }),
  ({ close }) => Effect.sync(close)
)

describe("piecework-cache", () => {
  it.live(
    "says in one sentence, with its exit code, why it does not start",
    () =>
      Effect.gen(function* () {
        const root = yield* Programs.folder
        const { port } = yield* taken
        const file = join(root, "file")
        writeFileSync(file, "{")
        const odd = join(root, "odd.json")
        writeFileSync(odd, '{"origin":["a.test"]}')
        const cases: ReadonlyArray<readonly [ReadonlyArray<string>, number, RegExp]> = [
          [
            ["--listen", `127.0.0.1:${port}`, "--no-peers"],
            exitCodes.portInUse,
            /listens on 127\.0\.0\.1:\d+ already.*--listen\.$/
          ],
          [
            ["--listen", "127.0.0.1:0", "--peer-port", `127.0.0.1:${port}`],
            exitCodes.portInUse,
            /listens on 127\.0\.0\.1:\d+ already.*--peer-port\.$/
          ],
          [["--listen", "192.0.2.1:0", "--no-peers"], exitCodes.address, /192\.0\.2\.1 is no address of this machine/],
          [["--listen", "x:y"], exitCodes.usage, /^--listen: "x:y" is no port or address/],
          [["--config", join(root, "none")], exitCodes.file, /cannot be read \(ENOENT\)\.$/],
          [["--config", odd], exitCodes.file, /cannot be used: .*origin/],
          [["--tls-cert", file, "--tls-key", file, ...anywhere], exitCodes.file, /no certificate or key in PEM/],
          [["--service-key", "x", ...anywhere], exitCodes.usage, /"x" is no key of a service/]
        ]
        yield* Effect.forEach(
          cases,
          ([args, code, sentence], i) =>
            Effect.map(serve(join(root, `state${i}`), args), (ended) => {
              const said = JSON.parse(ended.stdout) as { readonly error: { readonly message: string } }
              assert.strictEqual(ended.code, code, `${args.join(" ")}: ${ended.stderr}`)
              assert.match(said.error.message, sentence, args.join(" "))
              assert.strictEqual(ended.stderr, `piecework-cache: ${said.error.message}\n`)
            }),
          { concurrency: 2, discard: true }
        )
        const below = yield* serve(join(file, "below"), anywhere)
        assert.strictEqual(below.code, exitCodes.storage)
        assert.match(
          below.stderr,
          /^piecework-cache: The state folder [^\n]* is a file, or lies under one; [^\n]*--state\.\n$/
        )
      }),
    120_000
  )

  it.live(
    "has one server for a state folder, and commands that say when there is none",
    () =>
      Effect.gen(function* () {
        const state = join(yield* Programs.folder, "state")
        const none = yield* Programs.run("cache", ["status", "--state", state])
        assert.strictEqual(none.code, exitCodes.notRunning)
        assert.match(none.stderr, /^piecework-cache: No cache server runs here; [^\n]+\n$/)
        const first = yield* Programs.cache(state, [])
        const second = yield* serve(state, anywhere)
        assert.strictEqual(second.code, exitCodes.storage)
        assert.include(
          second.stdout,
          `Another cache server uses the state folder ${state} already (process ${first.pid})`
        )
        const refused = yield* ask(through(first.url, "a.test"))
        assert.deepStrictEqual([refused.status, refused.headers["x-ccc"]], [403, "piecework"])
      }),
    60_000
  )

  it.live(
    "reads its settings again on SIGHUP, and keeps what was in force when it cannot",
    () =>
      Effect.gen(function* () {
        const root = yield* Programs.folder
        const origin = yield* Origin.make(randomBytes(1000))
        const config = join(root, "cache.json")
        writeFileSync(config, '{"cid":"1"}')
        const cache = yield* Programs.cache(join(root, "state"), ["--config", config])
        assert.strictEqual((yield* ask(through(cache.url, origin.host))).status, 403)
        writeFileSync(config, JSON.stringify({ cid: "2", origins: [origin.host], drives: [join(root, "other")] }))
        yield* cache.kill("SIGHUP")
        yield* cache.says(/From the next start on: drive\./)
        const answered = yield* ask(through(cache.url, origin.host))
        assert.deepStrictEqual([answered.status, answered.headers["x-cid"]], [200, "2"])
        writeFileSync(config, "{")
        yield* cache.kill("SIGHUP")
        yield* cache.says(/What was in force stays so\./)
        assert.strictEqual((yield* ask(through(cache.url, origin.host))).status, 200)
      }),
    60_000
  )

  it.live(
    "serves by HTTPS as well, with a certificate that it takes up when it changes",
    () =>
      Effect.gen(function* () {
        const root = yield* Programs.folder
        const authority = Certificate.makeAuthority(Date.now())
        const certify = (name: string) => {
          const { certificate, key } = Certificate.makeServer(authority, [name], Date.now())
          writeFileSync(join(root, "cert.pem"), certificate)
          writeFileSync(join(root, "key.pem"), key)
        }
        certify("one.test")
        const tls = ["--tls-cert", join(root, "cert.pem"), "--tls-key", join(root, "key.pem"), "--tls-port", "0"]
        const cache = yield* Programs.cache(join(root, "state"), tls)
        const at = yield* cache.line((line) => (JSON.parse(line) as { readonly https?: string }).https)
        assert.strictEqual(yield* peerName(at), "DNS:one.test")
        certify("two.test")
        yield* cache.kill("SIGHUP")
        yield* cache.says(/The certificate was read again\./)
        assert.strictEqual(yield* peerName(at), "DNS:two.test")
      }),
    60_000
  )
})

describe("A drive", () => {
  it.live(
    "that is too small for a file lets it pass, and keeps within its size",
    () =>
      Effect.gen(function* () {
        const root = yield* Programs.folder
        const drive = join(root, "drive")
        const large = randomBytes(20 * mebibyte)
        const origin = yield* Origin.make(large)
        const cache = yield* Programs.cache(join(root, "state"), ["--origin", origin.host, "--drive", `${drive}:16MiB`])
        for (const _ of [1, 2]) {
          assert.strictEqual(sha((yield* ask(through(cache.url, origin.host))).bytes), sha(large))
        }
        const small = large.subarray(0, 7 * mebibyte)
        const others = yield* Origin.make(small)
        const second = yield* Programs.cache(join(root, "second"), [
          "--origin",
          others.host,
          "--drive",
          `${drive}2:16MiB`
        ])
        for (const path of ["/a", "/b", "/c", "/a"]) {
          assert.strictEqual(sha((yield* ask(through(second.url, others.host, path))).bytes), sha(small))
        }
        const status = yield* Programs.run("cache", ["status", "--json", "--state", join(root, "second")])
        const { drives } = JSON.parse(status.stdout) as { readonly drives: ReadonlyArray<{ readonly used: number }> }
        assert.isAtMost(drives[0]?.used ?? Number.POSITIVE_INFINITY, 16 * mebibyte)
      }),
    60_000
  )

  it.live(
    "that cannot be used is left out, and the server goes on with what it has",
    () =>
      Effect.gen(function* () {
        const root = yield* Programs.folder
        const bytes = randomBytes(2 * mebibyte)
        const origin = yield* Origin.make(bytes)
        const bad = join(root, "bad")
        writeFileSync(bad, "no folder")
        const good = join(root, "good")
        mkdirSync(good)
        const args = ["--origin", origin.host, "--drive", bad, "--drive", good]
        const cache = yield* Programs.cache(join(root, "state"), args)
        for (const _ of [1, 2]) {
          assert.strictEqual(sha((yield* ask(through(cache.url, origin.host))).bytes), sha(bytes))
        }
        assert.strictEqual(origin.sent(), bytes.length)
        const { stdout } = yield* Programs.run("cache", ["status", "--json", "--state", join(root, "state")])
        const { drives } = JSON.parse(stdout) as {
          readonly drives: ReadonlyArray<{ readonly folder: string; readonly problem?: string }>
        }
        assert.deepStrictEqual(
          drives.map(({ folder, problem }) => [folder, problem !== undefined]),
          [
            [bad, true],
            [good, false]
          ]
        )
        assert.strictEqual(readFileSync(bad, "utf8"), "no folder")
        assert.isTrue(statSync(good).isDirectory())
      }),
    60_000
  )
})

describe("A parent", () => {
  it.live(
    "is asked before the origin, and left for it when it dies, in the middle of a file as well",
    () =>
      Effect.gen(function* () {
        const root = yield* Programs.folder
        const bytes = randomBytes(8 * mebibyte)
        const origin = yield* Origin.make(bytes)
        const parent = yield* Programs.cache(join(root, "parent"), ["--origin", origin.host])
        const child = yield* Programs.cache(join(root, "child"), ["--origin", origin.host, "--parent", parent.url])
        assert.strictEqual(sha((yield* ask(through(child.url, origin.host, "/one"))).bytes), sha(bytes))
        assert.strictEqual(origin.sent(), bytes.length)
        const { stdout } = yield* Programs.run("cache", ["status", "--json", "--state", join(root, "child")])
        assert.deepInclude((JSON.parse(stdout) as { readonly sinceStart: object }).sinceStart, {
          bytesFromParents: bytes.length,
          bytesFromOrigin: 0
        })

        const at = origin.sent() + 3 * mebibyte
        origin.stopAt(at)
        const reading = yield* Effect.forkChild(ask(through(child.url, origin.host, "/two")))
        yield* Effect.suspend(() => Effect.as(Effect.sleep("10 millis"), origin.sent())).pipe(
          Effect.repeat({ until: (sent) => sent >= at })
        )
        yield* parent.kill("SIGKILL")
        yield* parent.exit
        origin.stopAt(Number.POSITIVE_INFINITY)
        const { bytes: got } = yield* Fiber.join(reading)
        assert.strictEqual(sha(got), sha(bytes))
      }),
    60_000
  )
})
