import { randomBytes } from "node:crypto"
import { execFileSync } from "node:child_process"
import { createServer } from "node:net"
import type { AddressInfo } from "node:net"
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { exitCodes } from "../src/ExitCode.ts"
import * as HttpOrigin from "./support/httpOrigin.ts"
import * as Programs from "./support/programs.ts"

/** Runs a command that has to fail: with this code, one sentence, and an empty folder for the file. */
const expectFailure = (code: number, sentence: RegExp, args: (out: string, state: string) => ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const root = yield* Programs.folder
    const folder = join(root, "out")
    yield* Effect.promise(() => mkdir(folder))
    const exit = yield* Programs.run("piecework", args(join(folder, "file"), join(root, "state")))
    assert.strictEqual(exit.code, code, exit.stderr)
    const lines = exit.stderr.trim().split("\n")
    assert.lengthOf(lines, 1, exit.stderr)
    assert.match(lines[0] ?? "", sentence)
    assert.strictEqual(exit.stdout, "")
    assert.deepStrictEqual(yield* Effect.promise(() => readdir(folder)), [])
  })

const small = HttpOrigin.make({ bytes: randomBytes(100_000) })

/** A port that somebody listens on. */
const takenPort = Effect.acquireRelease(
  Effect.callback<{ readonly port: number; readonly close: () => void }>((resume) => {
    const server = createServer((socket) => socket.end("220 this is no web server\r\n"))
    server.listen(0, "127.0.0.1", () =>
      resume(Effect.succeed({ port: (server.address() as AddressInfo).port, close: () => void server.close() }))
    )
  }),
  ({ close }) => Effect.sync(close)
)

describe("bad input gets one sentence, a code of its own, and leaves nothing behind", () => {
  for (const [name, url, sentence] of [
    ["no URL at all", "nonsense", /is not a URL/],
    ["another scheme", "ftp://host/file", /not an http or https URL/],
    ["a password in it", "http://me:secret@host/file", /password/]
  ] as const) {
    it.live(`a URL with ${name}`, () =>
      expectFailure(exitCodes.badUrl, sentence, (out, state) => ["get", url, "-o", out, "--state", state])
    )
  }

  it.live("a service that is no URL", () =>
    expectFailure(
      exitCodes.usage,
      /"hello" is no URL of a service; give one like http:\/\/host:7670\./,
      (out, state) => ["get", "http://host/file", "-o", out, "--state", state, "--service", "hello"]
    )
  )

  it.live.skipIf(process.platform !== "linux")("a state folder where the system lets nobody make one", () =>
    expectFailure(exitCodes.storage, /\/proc\/piecework\/state/, (out) => [
      "get",
      "http://host/file",
      "-o",
      out,
      "--state",
      "/proc/piecework/state"
    ])
  )

  it.live("a state folder that is a file, whichever command is given it", () =>
    Effect.gen(function* () {
      const root = yield* Programs.folder
      const state = join(root, "state")
      yield* Effect.promise(() => writeFile(state, "no folder"))
      const commands = [
        ["status"],
        ["status", "--cache-hosts"],
        ["perf"],
        ["perf", "--month"],
        ["explain"],
        ["config"],
        ["log"],
        ["log", "analyze"],
        ["log", "verbose", "on"],
        ["cache", "list"],
        ["forget", "http://host/file"],
        ["get", "http://host/file", "-o", join(root, "out")],
        ["agent", "--host", "127.0.0.1", "--port", "0", "--no-rest"]
      ]
      const ends = yield* Effect.forEach(commands, (args) => Programs.run("piecework", [...args, "--state", state]), {
        concurrency: 2
      })
      const sentence = `piecework: The state folder ${state} is a file, or lies under one; choose another with --state.\n`
      for (const [i, { code, stderr, stdout }] of ends.entries()) {
        const expected = [exitCodes.storage, sentence, ""]
        assert.deepStrictEqual([code, stderr, stdout], expected, commands[i]?.join(" "))
      }
    })
  )

  it.live("a state folder in which there is nothing yet, for the commands that show something", () =>
    Effect.gen(function* () {
      const state = join(yield* Programs.folder, "state")
      const commands = [["status"], ["perf"], ["explain"], ["log"], ["log", "analyze"], ["log", "verbose", "on"]]
      const ends = yield* Effect.forEach(commands, (args) => Programs.run("piecework", [...args, "--state", state]), {
        concurrency: 2
      })
      assert.deepStrictEqual(
        ends.map(({ code }) => code),
        commands.map(() => exitCodes.notFound)
      )
    })
  )

  it.live.skipIf(process.platform !== "linux")("a run folder where the system lets nobody make one", () =>
    expectFailure(exitCodes.storage, /The run folder \/proc\/piecework\/run cannot be written/, (_, state) =>
      `agent --host 127.0.0.1 --port 0 --state ${state} --run-dir /proc/piecework/run`.split(" ")
    )
  )

  for (const [status, code] of [
    [404, exitCodes.notFound],
    [403, exitCodes.refused],
    [451, exitCodes.refused]
  ] as const) {
    it.live(`an origin that answers ${status}`, () =>
      Effect.gen(function* () {
        const origin = yield* small
        origin.fail(status)
        yield* expectFailure(code, new RegExp(`HTTP ${status}`), (out, state) => [
          "get",
          origin.url,
          "-o",
          out,
          "--state",
          state
        ])
      })
    )
  }

  it.live("an origin that nobody runs", () =>
    expectFailure(exitCodes.unreachable, /No source delivers .*: connection refused/, (out, state) => [
      "get",
      "http://127.0.0.1:9/file",
      "-o",
      out,
      "--state",
      state,
      "--no-progress-timeout",
      "2s"
    ])
  )

  it.live("an origin that is no web server", () =>
    Effect.gen(function* () {
      const { port } = yield* takenPort
      yield* expectFailure(exitCodes.unreachable, /No source delivers/, (out, state) => [
        "get",
        `http://127.0.0.1:${port}/file`,
        "-o",
        out,
        "--state",
        state,
        "--no-progress-timeout",
        "2s"
      ])
    })
  )

  it.live("an origin that speaks no TLS, at an https URL", () =>
    Effect.gen(function* () {
      const origin = yield* small
      yield* expectFailure(exitCodes.unreachable, /No source delivers .*really https\?/, (out, state) => [
        "get",
        origin.url.replace("http:", "https:"),
        "-o",
        out,
        "--state",
        state
      ])
    })
  )

  it.live("a destination whose folder is not there", () =>
    Effect.gen(function* () {
      const origin = yield* small
      yield* expectFailure(exitCodes.destination, /does not exist/, (out, state) => [
        "get",
        origin.url,
        "-o",
        join(out, "not", "there"),
        "--state",
        state
      ])
      assert.strictEqual(origin.requests(), 0)
    })
  )

  it.live("a destination that exists, which stays as it was", () =>
    Effect.gen(function* () {
      const origin = yield* small
      const root = yield* Programs.folder
      const out = join(root, "file")
      yield* Effect.promise(() => writeFile(out, "mine"))
      const exit = yield* Programs.run("piecework", ["get", origin.url, "-o", out, "--state", join(root, "state")])
      assert.strictEqual(exit.code, exitCodes.destination)
      assert.match(exit.stderr, /exists already/)
      assert.strictEqual(yield* Effect.promise(() => readFile(out, "utf8")), "mine")
      const again = yield* Programs.run("piecework", [
        "get",
        origin.url,
        "-o",
        out,
        "--state",
        join(root, "state"),
        "--overwrite"
      ])
      assert.strictEqual(again.code, 0, again.stderr)
      assert.lengthOf(yield* Effect.promise(() => readFile(out)), 100_000)
    })
  )

  it.live("a destination that cannot be written", () =>
    Effect.gen(function* () {
      const origin = yield* small
      const root = yield* Programs.folder
      const exit = yield* Programs.run("piecework", [
        "get",
        origin.url,
        "-o",
        "/proc/file",
        "--state",
        join(root, "state")
      ])
      assert.strictEqual(exit.code, exitCodes.destination, exit.stderr)
      assert.match(exit.stderr, /^piecework: \/proc\/file could not be written: its folder takes no new files\.\n$/)
    })
  )

  const isRoot = process.getuid?.() === 0 && process.platform === "linux"
  it.live.skipIf(!isRoot)("a disk that is too small, at the destination and for both", () =>
    Effect.gen(function* () {
      const origin = yield* HttpOrigin.make({ bytes: randomBytes(6_000_000) })
      const root = yield* Programs.folder
      const tiny = join(root, "tiny")
      yield* Effect.promise(() => mkdir(tiny))
      yield* Effect.acquireRelease(
        Effect.sync(() => execFileSync("mount", ["-t", "tmpfs", "-o", "size=2m", "tmpfs", tiny])),
        () => Effect.sync(() => execFileSync("umount", [tiny]))
      )
      for (const [out, state] of [
        [join(tiny, "file"), join(root, "state")],
        [join(tiny, "file"), join(tiny, "state")]
      ] as const) {
        const exit = yield* Programs.run("piecework", ["get", origin.url, "-o", out, "--state", state])
        assert.strictEqual(exit.code, exitCodes.diskFull, exit.stderr)
        assert.match(exit.stderr, /no room .*\(6000000 bytes are needed, \d+ can be had\)/)
        assert.lengthOf(exit.stderr.trim().split("\n"), 1)
      }
      assert.notInclude(yield* Effect.promise(() => readdir(root)), "file")
      assert.deepStrictEqual(
        (yield* Effect.promise(() => readdir(tiny))).filter((name) => name !== "state"),
        []
      )
    })
  )

  it.live("a port that is in use", () =>
    Effect.gen(function* () {
      const { port } = yield* takenPort
      yield* expectFailure(exitCodes.portInUse, /listens on .* already/, (out, state) => [
        "get",
        "http://127.0.0.1:9/file",

        "-o",
        out,
        "--state",
        state,
        "--service",
        "http://127.0.0.1:9",
        "--host",
        "127.0.0.1",
        "--port",
        String(port)
      ])
    })
  )

  it.live("a mode that is forbidden", () =>
    expectFailure(exitCodes.usage, /0x80D03002/, (out, state) => [
      "get",
      "http://127.0.0.1:9/file",
      "-o",
      out,
      "--state",
      state,
      "--mode",
      "bypass"
    ])
  )

  it.live("a service that speaks nonsense only costs the peers", () =>
    Effect.gen(function* () {
      const origin = yield* small
      const { port } = yield* takenPort
      const root = yield* Programs.folder
      const exit = yield* Programs.run("piecework", [
        "get",
        origin.url,
        "-o",
        join(root, "file"),
        "--state",
        join(root, "state"),
        "--json",
        "--min-peer-size",
        "0",
        "--service",
        `http://127.0.0.1:${port}`,
        "--host",
        "127.0.0.1",
        "--port",
        "0"
      ])
      assert.strictEqual(exit.code, 0, exit.stderr)
      const result = JSON.parse(exit.stdout) as { readonly mode: string; readonly why: { readonly reason: string } }
      assert.strictEqual(result.mode, "Simple")
      assert.include(["ServiceUnreachable", "ServiceUnintelligible"], result.why.reason)
    })
  )
})
