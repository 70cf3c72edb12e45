/** The console's files at a real service: what a browser is told about them, and what it does not get. */
import { mkdir, mkdtemp, rm, symlink, utimes, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { brotliDecompressSync, gunzipSync } from "node:zlib"
import { createServer } from "node:net"
import { request } from "node:http"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { accepted } from "../../src/console/SiteRoutes.ts"
import { local } from "../Local.ts"

const script = `console.log(${JSON.stringify("x".repeat(5000))})`
const page = '<!doctype html><script type="module" src="./assets/main-Bx3f_a-9.js"></script>'

const site = Effect.acquireRelease(
  Effect.promise(async () => {
    const folder = await mkdtemp(join(tmpdir(), "piecework-site-"))
    await mkdir(join(folder, "assets"))
    await writeFile(join(folder, "index.html"), page)
    await writeFile(join(folder, "assets", "main-Bx3f_a-9.js"), script)
    await writeFile(join(folder, "icon.svg"), "<svg/>")
    await writeFile(join(folder, "licences.md"), "no file of the page")
    await symlink("/etc/passwd", join(folder, "assets", "other-12345678.txt"))
    return folder
  }),
  (folder) => Effect.promise(() => rm(folder, { recursive: true }))
)

const freePort = Effect.callback<number>((resume) => {
  const probe = createServer().listen(0, "127.0.0.1", () => {
    const address = probe.address()
    probe.close(() => resume(Effect.succeed(typeof address === "object" && address !== null ? address.port : 0)))
  })
})

/** As it stands in the request line, with whatever `fetch` would put right. */
const get = (url: string, path: string, headers: Record<string, string> = {}, method = "GET") =>
  Effect.callback<{ status: number; headers: Record<string, string | undefined>; body: Buffer }>((resume) => {
    const { hostname, port } = new URL(url)
    const sent = request({ host: hostname, port, path, method, headers, agent: false }, (response) => {
      const parts: Array<Buffer> = []
      response.on("data", (part: Buffer) => parts.push(part))
      response.on("end", () =>
        resume(
          Effect.succeed({
            status: response.statusCode ?? 0,
            headers: response.headers as Record<string, string | undefined>,
            body: Buffer.concat(parts)
          })
        )
      )
    })
    sent.on("error", (error) => resume(Effect.die(error)))
    sent.end()
  })

const asset = "/console/assets/main-Bx3f_a-9.js"

describe("The console's files", () => {
  it.live("come with a policy that lets nothing else run, and to nobody's frame, whatever the answer", () =>
    Effect.gen(function* () {
      const { url } = yield* local({ page: [yield* site] })
      for (const path of ["/console/", asset, "/console/nothing.js", "/console"]) {
        const { headers } = yield* get(url, path)
        const policy = headers["content-security-policy"] ?? ""
        assert.match(policy, /default-src 'none'.*script-src 'self'.*frame-ancestors 'none'/)
        assert.notMatch(policy, /unsafe|http|\*/)
        assert.strictEqual(headers["x-content-type-options"], "nosniff")
        assert.strictEqual(headers["referrer-policy"], "no-referrer")
        assert.isUndefined(headers["set-cookie"])
      }
    })
  )

  it.live("are kept for ever where their name says what is in them, and asked for again where it does not", () =>
    Effect.gen(function* () {
      const { url } = yield* local({ page: [yield* site] })
      const index = yield* get(url, "/console/")
      assert.deepStrictEqual([index.status, index.body.toString()], [200, page])
      assert.strictEqual(index.headers["content-type"], "text/html; charset=utf-8")
      assert.strictEqual(index.headers["cache-control"], "no-cache")
      const main = yield* get(url, asset)
      assert.strictEqual(main.headers["cache-control"], "public, max-age=31536000, immutable")
      assert.strictEqual(main.headers["content-type"], "text/javascript; charset=utf-8")
      const etag = index.headers["etag"] ?? ""
      const again = yield* get(url, "/console/", { "if-none-match": `"old", W/${etag}` })
      assert.deepStrictEqual([again.status, again.body.length, again.headers["etag"]], [304, 0, etag])
      const head = yield* get(url, asset, {}, "HEAD")
      assert.deepStrictEqual(
        [head.status, head.body.length, head.headers["content-length"]],
        [200, 0, String(script.length)]
      )
    })
  )

  it.live("are packed as the browser likes, each form with a tag of its own", () =>
    Effect.gen(function* () {
      const { url } = yield* local({ page: [yield* site] })
      const packed = yield* get(url, asset, { "accept-encoding": "gzip, deflate, br, zstd" })
      assert.strictEqual(packed.headers["content-encoding"], "br")
      assert.strictEqual(brotliDecompressSync(packed.body).toString(), script)
      assert.strictEqual(packed.headers["vary"], "accept-encoding")
      const zipped = yield* get(url, asset, { "accept-encoding": "gzip" })
      assert.strictEqual(gunzipSync(zipped.body).toString(), script)
      const plain = yield* get(url, asset)
      assert.strictEqual(plain.body.toString(), script)
      assert.strictEqual(new Set([packed, zipped, plain].map(({ headers }) => headers["etag"])).size, 3)
      assert.strictEqual(accepted("br;q=0, gzip;q=0.5"), "gzip")
      assert.isUndefined(accepted("identity"))
    })
  )

  it.live("are those that are in the folder and belong to the page, however a path is written", () =>
    Effect.gen(function* () {
      const { url } = yield* local({ page: [yield* site] })
      const paths = [
        "/console/../index.html",
        "/console/%2e%2e/index.html",
        "/console/..%2f..%2fetc/passwd",
        "/console//etc/passwd",
        "/console/assets/",
        "/console/assets/other-12345678.txt",
        "/console/licences.md",
        "/console/%00",
        "/console/index.html/x"
      ]
      for (const path of paths) {
        const { body, status } = yield* get(url, path)
        assert.include([400, 404], status, path)
        assert.notInclude(body.toString(), "root:")
      }
      const posted = yield* get(url, asset, { "content-length": "0" }, "POST")
      assert.strictEqual(posted.status, 404)
    })
  )

  it.live("are found by whoever opens the service in a browser, under whatever path a proxy has it", () =>
    Effect.gen(function* () {
      const { url } = yield* local({ page: [yield* site], requireEnrolment: true })
      const entry = yield* get(url, "/", { accept: "text/html,*/*" })
      assert.deepStrictEqual([entry.status, entry.headers["location"]], [302, "console/"])
      assert.deepStrictEqual((yield* get(url, "/console")).headers["location"], "console/")
      assert.strictEqual((yield* get(url, "/", { accept: "*/*" })).status, 404)
      assert.strictEqual((yield* get(url, "/console/")).status, 200)
    })
  )

  it.live("are the new ones once they are built anew, and a sentence where there are none", () =>
    Effect.gen(function* () {
      const folder = yield* site
      const { url } = yield* local({ page: [join(folder, "nowhere"), folder] })
      assert.strictEqual((yield* get(url, "/console/")).body.toString(), page)
      yield* Effect.promise(async () => {
        await writeFile(join(folder, "index.html"), "<!doctype html>new")
        await utimes(join(folder, "index.html"), 1, 1)
      })
      assert.strictEqual((yield* get(url, "/console/")).body.toString(), "<!doctype html>new")
      yield* Effect.promise(() => rm(join(folder, "index.html")))
      const gone = yield* get(url, "/console/")
      assert.strictEqual(gone.status, 503)
      assert.match(gone.body.toString(), /npm run build makes it/)
    })
  )

  it.live("are at an address of their own where one is named, with the calls, and nowhere else", () =>
    Effect.gen(function* () {
      const port = yield* freePort
      const { url } = yield* local({ page: [yield* site], consoleAt: { host: "127.0.0.1", port } })
      const own = `http://127.0.0.1:${port}`
      for (const path of ["/", "/console/", "/console/session"]) {
        assert.strictEqual((yield* get(url, path, { accept: "text/html" })).status, 404, path)
        assert.include([200, 302], (yield* get(own, path, { accept: "text/html" })).status, path)
      }
      assert.strictEqual((yield* get(own, "/health")).status, 200)
      assert.strictEqual((yield* get(own, "/rpc/admin/swarm", { "content-length": "0" }, "POST")).status, 401)
    })
  )

  it.live("are not served by a process that is to do something else", () =>
    Effect.gen(function* () {
      const { url } = yield* local({ page: [yield* site], roles: ["geo", "array"] })
      assert.strictEqual((yield* get(url, "/console/")).status, 404)
      assert.strictEqual((yield* get(url, "/console/session")).status, 404)
    })
  )
})
