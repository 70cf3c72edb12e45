/** What goes with requests, and where they may be led to. */
import { assert, describe, it } from "@effect/vitest"
import type { ContentUrl } from "@piecework/domain/ContentUrl"
import { MemoryNetwork } from "@piecework/transport/MemoryNetwork"
import { Transport } from "@piecework/transport/Transport"
import { Effect, Layer, Result, type Scope } from "effect"
import { Access, type AccessOptions } from "../src/Access.ts"
import { HttpClient } from "../src/HttpClient.ts"
import type { HttpClientConfig } from "../src/HttpClientConfig.ts"
import * as HttpClientConfigs from "../src/HttpClientConfig.ts"
import { clientLayer, get, type Request, server, text, url } from "./support.ts"

const sized = (body: string) => `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`
const moved = (to: string) => `HTTP/1.1 302 Found\r\nLocation: ${to}\r\nContent-Length: 0\r\n\r\n`
const challenge = "HTTP/1.1 401 Who?\r\nWWW-Authenticate: Basic\r\nContent-Length: 4\r\n\r\nWho?"

const accessTo = (to: ContentUrl, options: Omit<AccessOptions, "url">) =>
  Result.getOrThrow(Access.make({ ...options, url: to }))

const test = (
  sentence: string,
  body: Effect.Effect<void, unknown, HttpClient | Transport | Scope.Scope>,
  config?: Partial<HttpClientConfig["Service"]>
) => it.effect(sentence, () => Effect.provide(body, clientLayer(config)).pipe(Effect.scoped))

const headersOf = (requests: ReadonlyArray<Request>, name: string) => requests.map((request) => request.header(name))

describe("Headers of a content", () => {
  const secrets = {
    Authorization: "Bearer x",
    Cookie: "a=b",
    "X-Api-Key": "k",
    Accept: "application/x",
    "user-agent": "mine"
  }

  test(
    "go to its own server, also where that redirects to itself; to others only what is no secret",
    Effect.gen(function* () {
      const own = yield* server(({ path }) => (path === "/file" ? moved("/there") : moved("http://cdn.example/x")))
      const cdn = yield* server(() => sized("content"), "cdn.example")
      yield* text({ url: url(), access: accessTo(url(), { headers: secrets }) })
      assert.deepStrictEqual(headersOf(own, "authorization"), ["Bearer x", "Bearer x"])
      assert.deepStrictEqual(headersOf(own, "x-api-key"), ["k", "k"])
      for (const name of ["authorization", "cookie", "x-api-key"]) {
        assert.deepStrictEqual(headersOf(cdn, name), [undefined], name)
      }
      assert.deepStrictEqual([headersOf(cdn, "accept"), headersOf(cdn, "user-agent")], [["application/x"], ["mine"]])
    })
  )

  test(
    "do not go to another port of the same host, nor back from elsewhere without it",
    Effect.gen(function* () {
      const own = yield* server(() => moved("http://origin.example:8080/file"))
      const other = yield* server(
        ({ path }) => (path === "/file" ? moved("http://origin.example/b") : ""),
        "origin.example",
        8080
      )
      yield* Effect.flip(text({ url: url(), access: accessTo(url(), { headers: secrets }) }))
      assert.isAbove(other.length, 0)
      assert.isTrue(headersOf(other, "authorization").every((value) => value === undefined))
      assert.isTrue(headersOf(own, "authorization").every((value) => value === "Bearer x"))
    })
  )

  test(
    "are those of the content also when the request goes straight to where it was led",
    Effect.gen(function* () {
      const cdn = yield* server(() => sized("content"), "cdn.example")
      const access = accessTo(url(), { headers: secrets })
      yield* text({ url: url("/x", "http://cdn.example"), access, began: { url: url(), address: "127.0.0.1" } })
      assert.deepStrictEqual(headersOf(cdn, "x-api-key"), [undefined])
    })
  )
})

describe("A login", () => {
  const authHeaders = { Authorization: "Basic eDp5" }

  test(
    "waits until the server asks, and goes along from then on",
    Effect.gen(function* () {
      const requests = yield* server((request) =>
        request.header("authorization") === authHeaders.Authorization ? sized("content") : challenge
      )
      const access = accessTo(url(), { authHeaders, headers: { authorization: "Bearer old", "X-Own": "1" } })
      for (const _ of [1, 2]) assert.strictEqual(yield* text({ url: url(), access }), "content")
      assert.deepStrictEqual(headersOf(requests, "authorization"), ["Bearer old", "Basic eDp5", "Basic eDp5"])
      assert.deepStrictEqual(headersOf(requests, "x-own"), ["1", "1", "1"])
    })
  )

  test(
    "is told once: who does not take it says so to the caller",
    Effect.gen(function* () {
      const requests = yield* server(() => challenge)
      const access = accessTo(url(), { authHeaders })
      for (const _ of [1, 2]) assert.strictEqual((yield* get({ url: url(), access })).status, 401)
      assert.deepStrictEqual(headersOf(requests, "authorization"), [undefined, "Basic eDp5", "Basic eDp5"])
    })
  )

  test(
    "is for nobody who does not say how to log in, and for no other server that asks",
    Effect.gen(function* () {
      const own = yield* server(({ path }) =>
        path === "/file" ? "HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n" : moved("http://thief.example/")
      )
      const thief = yield* server(() => challenge, "thief.example")
      for (const path of ["/file", "/away"]) {
        const response = yield* get({ url: url(path), access: accessTo(url(path), { authHeaders }) })
        assert.strictEqual(response.status, 401)
      }
      assert.deepStrictEqual(headersOf([...own, ...thief], "authorization"), [undefined, undefined, undefined])
    })
  )
})

describe("Redirects from https to http", () => {
  const insecure = url("/file", "https://origin.example")
  // In memory nothing is encrypted.
  for (const [allowed, config, isFollowed] of [
    [undefined, false, false],
    [undefined, true, true],
    [true, false, true],
    [false, true, false]
  ] as const) {
    test(
      `are ${isFollowed ? "followed" : "refused"} when the download says ${allowed ?? "nothing"} and the settings say ${config}`,
      Effect.gen(function* () {
        yield* server(() => moved("http://cdn.example/x"), "origin.example", 443)
        yield* server(() => sized("content"), "cdn.example")
        const access = accessTo(insecure, { allowInsecureRedirect: allowed })
        const result = yield* Effect.result(text({ url: insecure, access }))
        if (isFollowed) assert.deepStrictEqual(result, Result.succeed("content"))
        else assert.strictEqual(Result.isFailure(result) && result.failure.reason, "InsecureRedirect")
      }),
      { allowInsecureRedirect: config }
    )
  }
})

/** Machines by address, with a name each, and a client at an address of its own. */
const net = (
  body: Effect.Effect<void, unknown, HttpClient | MemoryNetwork | Scope.Scope>
): Effect.Effect<void, unknown, Scope.Scope> => {
  const network = MemoryNetwork.layer()
  const transport = Layer.effect(
    Transport,
    MemoryNetwork.useSync((all) => all.transport("192.0.2.9"))
  )
  const client = HttpClient.layer.pipe(Layer.provide([HttpClientConfigs.layer(), transport]))
  return Effect.provide(body, client.pipe(Layer.provideMerge(network)))
}
const machine = (address: string, name: string, answer: (request: Request) => string) =>
  Effect.gen(function* () {
    const network = yield* MemoryNetwork
    return yield* Effect.provideService(server(answer, name), Transport, network.transport(address))
  })
const outcome = (to: ContentUrl, began?: { readonly url: ContentUrl; readonly address: string }) =>
  Effect.map(Effect.result(text({ url: to, began })), (result) =>
    Result.isSuccess(result) ? result.success : result.failure.reason
  )

describe("A server elsewhere", () => {
  for (const [to, name, address] of [
    ["a metadata address", "169.254.169.254", "169.254.169.254"],
    ["a name that leads to one", "metadata.example", "169.254.169.254"],
    ["a name with a link-local address", "router.example", "fe80::1"],
    ["this device by a name", "inside.example", "127.0.0.1"],
    ["this device by its usual name", "localhost", "127.0.0.2"]
  ] as const) {
    it.effect(`cannot lead to ${to}`, () =>
      Effect.scoped(
        net(
          Effect.gen(function* () {
            const inside = yield* machine(address, name, () => sized("secret"))
            yield* machine("198.51.100.1", "origin.example", () => moved(`http://${name}/latest`))
            assert.strictEqual(yield* outcome(url()), "ForbiddenRedirect")
            assert.deepStrictEqual(inside, [], "nothing was asked there")
          })
        )
      )
    )
  }

  it.effect("can lead to a mirror in a private network", () =>
    Effect.scoped(
      net(
        Effect.gen(function* () {
          yield* machine("10.1.2.3", "mirror.site", () => sized("content"))
          yield* machine("198.51.100.1", "origin.example", () => moved("http://mirror.site/file"))
          assert.strictEqual(yield* outcome(url()), "content")
        })
      )
    )
  )

  it.effect("cannot lead there by changing what its own name means meanwhile", () =>
    Effect.scoped(
      net(
        Effect.gen(function* () {
          const inside = yield* machine("169.254.169.254", "origin.example", () => sized("secret"))
          const began = { url: url(), address: "198.51.100.1" }
          assert.strictEqual(yield* outcome(url(), began), "ForbiddenRedirect")
          assert.deepStrictEqual(inside, [])
        })
      )
    )
  )

  it.effect("cannot lead to a connection that somebody else has opened there himself", () =>
    Effect.scoped(
      net(
        Effect.gen(function* () {
          const inside = yield* machine("169.254.169.254", "metadata.example", () => sized("mine"))
          yield* machine("198.51.100.1", "origin.example", () => moved("http://metadata.example/"))
          assert.strictEqual(yield* outcome(url("/", "http://metadata.example")), "mine")
          assert.strictEqual(yield* outcome(url()), "ForbiddenRedirect")
          assert.strictEqual(inside.length, 1)
        })
      )
    )
  )

  it.effect("of the link itself may lead on along it, when its URL was given", () =>
    Effect.scoped(
      net(
        Effect.gen(function* () {
          yield* machine("169.254.1.1", "printer.local", ({ path }) => (path === "/file" ? moved("/b") : sized("page")))
          assert.strictEqual(yield* outcome(url("/file", "http://printer.local")), "page")
        })
      )
    )
  )
})

const offLink = (to: ContentUrl) =>
  Effect.map(Effect.result(text({ url: to, way: { isOffLink: true } })), (result) =>
    Result.isSuccess(result) ? result.success : result.failure.reason
  )
const inside = (path: string) => url(path, "http://inside.example")

describe("Whoever is not to ask his link", () => {
  it.effect(
    "asks nobody there, by an address, by a name or after a redirect, and this device and private networks",
    () =>
      Effect.scoped(
        net(
          Effect.gen(function* () {
            const metadata = yield* machine("169.254.169.254", "metadata.example", () => sized("secret"))
            yield* machine("127.0.0.1", "inside.example", ({ path }) =>
              path === "/file" ? sized("own") : moved(`http://${path === "/on" ? "inside" : "metadata"}.example/file`)
            )
            yield* machine("10.1.2.3", "mirror.site", () => sized("near"))
            for (const forbidden of [
              url("/", "http://metadata.example"),
              url("/", "http://169.254.169.254"),
              inside("/away")
            ])
              assert.strictEqual(yield* offLink(forbidden), "ForbiddenRedirect", forbidden)
            assert.strictEqual(yield* offLink(inside("/on")), "own")
            assert.strictEqual(yield* offLink(url("/", "http://mirror.site")), "near")
            assert.deepStrictEqual(metadata, [])
          })
        )
      )
  )
})
