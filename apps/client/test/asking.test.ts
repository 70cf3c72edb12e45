/** What a command line adds to requests, and which way they go. */
import { randomBytes } from "node:crypto"
import { readFile, writeFile } from "node:fs/promises"
import { createServer, type IncomingMessage } from "node:http"
import type { AddressInfo } from "node:net"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Cloud } from "@piecework/cloud/Cloud"
import type { ContentUrl } from "@piecework/domain/ContentUrl"
import * as LivePolicy from "@piecework/policy/LivePolicy"
import * as Policy from "@piecework/policy/Policy"
import { Effect, Layer } from "effect"
import { HttpClient } from "effect/http"
import { exitCodes } from "../src/ExitCode.ts"
import * as Layers from "@piecework/device/Layers"
import { ServiceTrust } from "@piecework/device/ServiceTrust"
import * as Programs from "./support/programs.ts"

const bytes = randomBytes(50_000)

/** A server that takes requests as a proxy gets them, and answers each path of "/there" with the file. */
const proxy = Effect.gen(function* () {
  const requests: Array<Pick<IncomingMessage, "url" | "headers">> = []
  const server = createServer((request, response) => {
    requests.push({ url: request.url, headers: request.headers })
    const isThere = request.url?.endsWith("/there") === true
    return isThere ? response.end(bytes) : response.writeHead(404).end()
  })
  yield* Effect.acquireRelease(
    Effect.callback<void>((resume) => void server.listen(0, "127.0.0.1", () => resume(Effect.void))),
    () =>
      Effect.sync(() => {
        server.close()
        server.closeAllConnections()
      })
  )
  return { requests, at: `127.0.0.1:${(server.address() as AddressInfo).port}` }
})

const get = (root: string, args: ReadonlyArray<string>, env: Readonly<Record<string, string>> = {}) =>
  Programs.run(
    "piecework",
    ["get", ...args, "-o", join(root, "file"), "--overwrite", "--state", join(root, "state")],
    env
  )

describe("get", () => {
  it.live("sends the headers that it is given through the proxy of the environment, and tries the mirrors", () =>
    Effect.gen(function* () {
      const { at, requests } = yield* proxy
      const root = yield* Programs.folder
      const secret = join(root, "headers")
      yield* Effect.promise(() => writeFile(secret, "Authorization: Bearer x\nCookie: a=b\n"))
      const args = ["-H", "X-Own: 1", "--header", `@${secret}`, "--mirror", "http://mirror.invalid/there"]
      const { code, stderr } = yield* get(root, ["http://origin.invalid/gone", ...args], { http_proxy: `u:p@${at}` })
      assert.deepStrictEqual([code, stderr], [exitCodes.ok, ""])
      assert.isTrue(bytes.equals(yield* Effect.promise(() => readFile(join(root, "file")))))
      const told = requests.map(({ headers, url }) => [
        url,
        headers["proxy-authorization"],
        headers.authorization,
        headers.cookie,
        headers["x-own"]
      ])
      assert.deepStrictEqual(told[0], ["http://origin.invalid/gone", "Basic dTpw", "Bearer x", "a=b", "1"])
      for (const one of told.slice(1)) {
        assert.deepStrictEqual(one, ["http://mirror.invalid/there", "Basic dTpw", undefined, undefined, undefined])
      }
    }).pipe(Effect.scoped)
  )

  it.live("goes past the proxy where the environment says so", () =>
    Effect.gen(function* () {
      const { at, requests } = yield* proxy
      const root = yield* Programs.folder
      const env = { http_proxy: "http://127.0.0.1:1", no_proxy: "127.0.0.0/8" }
      const { code } = yield* get(root, [`http://${at}/there`], env)
      assert.strictEqual(code, exitCodes.ok)
      assert.strictEqual(requests[0]?.url, "/there")
    }).pipe(Effect.scoped)
  )

  it.live("says what is wrong with a header, a mirror or a proxy", () =>
    Effect.gen(function* () {
      const root = yield* Programs.folder
      const ends = yield* Effect.forEach(
        [
          [["-H", "Range: bytes=0-1"], {}, exitCodes.usage, '"Range" cannot be set'],
          [["-H", "nonsense"], {}, exitCodes.usage, 'like "Name: value"'],
          [["-H", "@/nowhere/at/all"], {}, exitCodes.usage, "cannot be read"],
          [["--mirror", "ftp://x/y"], {}, exitCodes.badUrl, "ftp://x/y"],
          [[], { http_proxy: "socks5://x", no_proxy: "" }, exitCodes.unreachable, "not supported (socks5://)"]
        ] as const,
        ([args, env, code, says]) =>
          Effect.map(
            get(root, ["http://origin.invalid/f", ...args, "--no-progress-timeout", "1"], { ...env }),
            (end) => ({ end, code, says })
          ),
        { concurrency: 2 }
      )
      for (const { code, end, says } of ends) {
        assert.strictEqual(end.code, code, says)
        assert.include(end.stderr, says)
      }
    }).pipe(Effect.scoped)
  )
})

const ask = (url: string, environment: Record<string, string>) =>
  Effect.flatMap(HttpClient.get(url), ({ text }) => text).pipe(Effect.provide(Layers.nodeHttp(undefined, environment)))

describe("The service", () => {
  it.live("is asked through the same proxy", () =>
    Effect.gen(function* () {
      const { at, requests } = yield* proxy
      yield* ask("http://service.invalid/there", { all_proxy: at, HTTP_PROXY: "http://127.0.0.1:1" })
      yield* ask(`http://${at}/there`, { http_proxy: "http://127.0.0.1:1", no_proxy: "127.0.0.1" })
      // What names no proxy of a kind that is known is none.
      yield* ask(`http://${at}/there`, { http_proxy: "socks5://127.0.0.1:1" })
      assert.deepStrictEqual(
        requests.map(({ url }) => url),
        ["http://service.invalid/there", "/there", "/there"]
      )
    }).pipe(Effect.scoped)
  )

  it.live("is asked by the proxies that an agent goes by, of which its own is none", () =>
    Effect.gen(function* () {
      const { at, requests } = yield* proxy
      const trust = { certificates: undefined, certificatesOf: new Map(), credential: undefined }
      const layer = Layers.services("http://service.invalid", {
        group: undefined,
        version: "1",
        serviceKeys: [],
        policy: { ...LivePolicy.constant(Policy.defaults), keepUp: Effect.never, hear: () => Effect.void },
        environment: { http_proxy: at }
      }).pipe(Layer.provide(Layer.succeed(ServiceTrust, trust)))
      const looked = Effect.flatMap(Cloud, (cloud) => cloud.lookup({ url: "http://origin.invalid/x" as ContentUrl }))
      yield* Effect.exit(Effect.provide(looked, layer))
      assert.match(requests[0]?.url ?? "", /^http:\/\/service\.invalid\//)
    }).pipe(Effect.scoped)
  )
})
