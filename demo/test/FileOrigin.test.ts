import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, layer } from "@effect/vitest"
import { Clock, Effect, FileSystem, Layer, Path } from "effect"
import { FetchHttpClient, HttpClient, HttpClientRequest } from "effect/http"
import { spawn } from "node:child_process"
import { createHash, randomBytes } from "node:crypto"
import { connect } from "node:net"
import { fileURLToPath } from "node:url"
import * as FileOrigin from "../src/FileOrigin.ts"

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex")

/** An origin of `size` random bytes. */
const originOf = Effect.fnUntraced(function* (size: number, bytesPerSecond: number) {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const file = path.join(yield* fs.makeTempDirectoryScoped(), "a file.bin")
  const bytes = randomBytes(size)
  yield* fs.writeFile(file, bytes)
  const origin = yield* FileOrigin.serve({ file, bytesPerSecond, host: "127.0.0.1", port: 0 })
  return { origin, bytes, path: new URL(origin.url) }
})

const get = (url: string, headers: Record<string, string> = {}) =>
  Effect.flatMap(HttpClient.execute(HttpClientRequest.get(url, { headers })), (response) =>
    Effect.map(response.arrayBuffer, (body) => ({ ...response, response, body: new Uint8Array(body) }))
  )

const program = fileURLToPath(new URL("../src/origin.ts", import.meta.url))

layer(Layer.mergeAll(NodeServices.layer, FetchHttpClient.layer), { excludeTestServices: true })("FileOrigin", (it) => {
  it.effect("as a program ends with whoever started it", () =>
    Effect.callback<number | null>((resume) => {
      const args = ["--conditions=source", program, "--file", program, "--rate", "1mbit", "--while-input"]
      const child = spawn(process.execPath, args, { stdio: ["pipe", "pipe", "ignore"] })
      child.stdout.once("data", () => child.stdin.end())
      child.once("exit", (code) => resume(Effect.succeed(code)))
      return Effect.sync(() => void child.kill("SIGKILL"))
    }).pipe(Effect.map((code) => assert.strictEqual(code, 0)))
  )

  it.effect("sends the whole file, and exactly the range that is asked for", () =>
    Effect.gen(function* () {
      const { origin, bytes } = yield* originOf(300_000, 1e9)
      const whole = yield* get(origin.url)
      assert.strictEqual(whole.response.status, 200)
      assert.strictEqual(sha256(whole.body), sha256(bytes))
      const part = yield* get(origin.url, { range: "bytes=1000-200999" })
      assert.strictEqual(part.response.status, 206)
      assert.strictEqual(part.response.headers["content-range"], "bytes 1000-200999/300000")
      assert.strictEqual(sha256(part.body), sha256(bytes.subarray(1000, 201_000)))
    })
  )

  it.effect("counts the body bytes it sent, and no others", () =>
    Effect.gen(function* () {
      const { origin } = yield* originOf(100_000, 1e9)
      yield* get(origin.url)
      yield* get(origin.url, { range: "bytes=0-499" })
      yield* get(origin.url, { range: "bytes=100000-" })
      yield* HttpClient.head(origin.url)
      yield* get(new URL("/nothing", origin.url).href)
      assert.deepStrictEqual(origin.counts(), { bodyBytes: 100_500, requests: 4 })
      const asked = yield* HttpClient.get(new URL(FileOrigin.countsPath, origin.url).href)
      assert.deepStrictEqual(yield* asked.json, { bodyBytes: 100_500, requests: 4 })
    })
  )

  it.effect("counts of a broken connection only what went out", () =>
    Effect.gen(function* () {
      const { origin } = yield* originOf(50_000_000, 2_000_000)
      const { hostname, port, pathname } = new URL(origin.url)
      yield* Effect.callback<void>((resume) => {
        const socket = connect(Number(port), hostname, () =>
          socket.write(`GET ${pathname} HTTP/1.1\r\nHost: x\r\n\r\n`)
        )
        let received = 0
        socket.on("data", (chunk) => {
          received += chunk.length
          if (received > 200_000) socket.destroy()
        })
        socket.on("close", () => resume(Effect.void))
      })
      yield* Effect.sleep("100 millis")
      const { bodyBytes } = origin.counts()
      assert.isAbove(bodyBytes, 150_000)
      assert.isBelow(bodyBytes, 600_000)
    })
  )

  it.effect("sends the whole file when the validator is of another version", () =>
    Effect.gen(function* () {
      const { origin, bytes } = yield* originOf(5000, 1e9)
      const { headers } = yield* HttpClient.head(origin.url)
      const etag = headers["etag"] ?? ""
      const same = yield* get(origin.url, { range: "bytes=0-9", "if-range": etag })
      const other = yield* get(origin.url, { range: "bytes=0-9", "if-range": '"another"' })
      assert.deepStrictEqual([same.response.status, same.body.length], [206, 10])
      assert.deepStrictEqual([other.response.status, other.body.length], [200, bytes.length])
    })
  )

  it.effect("shares one line between all connections", () =>
    Effect.gen(function* () {
      const { origin } = yield* originOf(1_000_000, 4_000_000)
      const before = yield* Clock.currentTimeMillis
      yield* Effect.all([get(origin.url), get(origin.url)], { concurrency: "unbounded" })
      const took = (yield* Clock.currentTimeMillis) - before
      // Two million bytes at four million a second; 50 ms are the line's slack.
      assert.isAtLeast(took, 440)
      assert.isBelow(took, 5000)
    })
  )

  it.effect("says which file it cannot read", () =>
    Effect.gen(function* () {
      const options = { file: "/nonexistent/file", bytesPerSecond: 1e6, host: "127.0.0.1", port: 0 }
      const error = yield* Effect.flip(FileOrigin.serve(options))
      assert.strictEqual(error.operation, "open")
      assert.include(error.message, "/nonexistent/file")
    })
  )
})
