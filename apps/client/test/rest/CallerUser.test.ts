import { execFile } from "node:child_process"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as CallerUser from "../../src/rest/CallerUser.ts"
import { ask, serving } from "./support.ts"

const head = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode"
const line = (local: string, remote: string, state: string, uid: number, inode = 4711) =>
  `   1: ${local} ${remote} ${state} 00000000:00000000 00:00000000 00000000  ${uid}        0 ${inode} 1 0000000000000000 20 4 0 10 -1`
const table = (...lines: ReadonlyArray<string>) => [head, ...lines, ""].join("\n")
const ends = { localAddress: "127.0.0.1", localPort: 50_000, remoteAddress: "127.0.0.1", remotePort: 4660 }
const [here, there] = ["0100007F:C350", "0100007F:1234"]

describe("The user of a caller", () => {
  it("is that of the socket at the other end", () => {
    const own = line(here, there, "01", 0)
    assert.strictEqual(CallerUser.find(table(own, line(there, here, "01", 1000)), ends), 1000)
    assert.isUndefined(CallerUser.find(table(own), ends))
    assert.isUndefined(CallerUser.find(table(line("0200007F:1234", here, "01", 0)), ends))
    assert.isUndefined(CallerUser.find("", ends))
  })
  it("is nobody once its program has left the connection, which the system shows as root's", () => {
    for (const state of ["04", "05", "06", "08"]) {
      assert.isUndefined(CallerUser.find(table(line(there, here, state, 0)), ends))
    }
    assert.isUndefined(CallerUser.find(table(line(there, here, "01", 0, 0)), ends))
  })
  it("is found over IPv6, and over IPv4 in the form of IPv6", () => {
    const six = `${"0".repeat(24)}01000000`
    const loop = { ...ends, localAddress: "::1", remoteAddress: "::1" }
    assert.strictEqual(CallerUser.find(table(line(`${six}:1234`, `${six}:C350`, "01", 7)), loop), 7)
    const mapped = { ...ends, localAddress: "::ffff:127.0.0.1", remoteAddress: "::ffff:127.0.0.1" }
    assert.strictEqual(CallerUser.find(table(line(there, here, "01", 7)), mapped), 7)
    const form = `${"0".repeat(16)}FFFF0000`
    assert.strictEqual(CallerUser.find(table(line(form + there, form + here, "01", 7)), ends), 7)
  })
})

const asUser = (uid: number, port: number) =>
  Effect.callback<number>((resume) => {
    const program = `require("node:http").get("http://127.0.0.1:${port}/download/enumerate", ({ statusCode }) => process.exit(statusCode === 200 ? 0 : 7))`
    // Its own folder may be closed to that user.
    execFile(process.execPath, ["--eval", program], { uid, cwd: "/" }, (error) => {
      resume(Effect.succeed(error === null ? 200 : error.code === 7 ? 400 : Number(error.code ?? -1)))
    })
  })

describe("The REST interface for its own user", () => {
  it.live.skipIf(process.platform !== "linux")("answers that user (skipped but on Linux)", () =>
    Effect.gen(function* () {
      const { port } = yield* serving({ users: "own" })
      assert.strictEqual((yield* ask(port, "GET", "/download/enumerate"))[0], 200)
    })
  )
  const isRoot = process.platform === "linux" && process.getuid?.() === 0
  it.live.skipIf(!isRoot)("refuses other users, who get an answer where all may ask (skipped without root)", () =>
    Effect.gen(function* () {
      const own = yield* serving({ users: "own" })
      const all = yield* serving({ users: "all" })
      const nobody = 65_534
      const runs = yield* asUser(nobody, all.port)
      // Where that user may not even start a program there is nothing to see.
      if (runs !== 200) return assert.notStrictEqual(yield* asUser(nobody, own.port), 200)
      assert.strictEqual(yield* asUser(nobody, own.port), 400)
      assert.strictEqual(yield* asUser(0, own.port), 200)
    })
  )
})
