import { createServer, type Server } from "node:http"
import type { AddressInfo } from "node:net"
import { assert, describe, it } from "@effect/vitest"
import { Content, Digest } from "@piecework/domain"
import { Effect, Layer, Option, Redacted } from "effect"
import { FetchHttpClient } from "effect/http"
import { Cloud } from "../src/Cloud.ts"
import * as CloudConfig from "../src/CloudConfig.ts"
import * as EnrolRpcs from "../src/EnrolRpcs.ts"
import { EndpointUrl } from "../src/Fields.ts"
import * as HttpRpc from "../src/HttpRpc.ts"
import * as ServiceUrl from "../src/ServiceUrl.ts"

describe("What proves who a device is", () => {
  for (const [service, role, may] of [
    ["http://s:7670", "http://s:7670/rpc/kv", true],
    ["http://s:7670/", "http://s:7670/rpc/kv", true],
    ["http://s", "http://s:80/rpc/kv", true],
    ["http://s:7670", "http://s:7671/rpc/kv", false],
    ["http://s:7670", "https://s:7670/rpc/kv", false],
    ["http://s:7670", "http://other:7670/rpc/kv", false],
    ["https://s:7670", "http://s:7670/rpc/kv", false],
    ["https://s:7670", "https://front.example/rpc/kv", true],
    ["https://s:7670", "https://s:7670@evil.example/rpc/kv", true],
    ["http://s:7670", "http://s:7670@evil.example/rpc/kv", false],
    ["http://s:7670", "nonsense", false],
    ["nonsense", "nonsense", false]
  ] as const) {
    it(`${may ? "may" : "may not"} be shown at ${role} by a client of ${service}`, () => {
      assert.strictEqual(ServiceUrl.isFor(service, role), may)
    })
  }

  for (const [url, is] of [
    ["https://s", true],
    ["http://127.0.0.1:7670", true],
    ["http://localhost", true],
    ["http://[::1]:7670", true],
    ["http://s", false],
    ["http://127.0.0.1.example", false],
    ["http://localhost.example", false],
    ["ftp://s", false],
    ["", false]
  ] as const) {
    it(`${is ? "may" : "may not"} go to ${url || "nowhere"} without a word of warning`, () => {
      assert.strictEqual(ServiceUrl.isPrivate(url), is)
    })
  }
})

interface Seen {
  readonly url: string
  readonly authorizations: Array<string | undefined>
}

/** Answers what it is given, and notes who showed what. */
const noting = (
  answer: (body: string) => { readonly status?: number; readonly headers?: object; readonly body?: string }
) =>
  Effect.gen(function* () {
    const authorizations: Array<string | undefined> = []
    const server: Server = createServer((request, response) => {
      authorizations.push(request.headers.authorization)
      let body = ""
      request.on("data", (part: Buffer) => (body += part.toString()))
      request.on("end", () => {
        const { body: text = "", headers = {}, status = 200 } = answer(body)
        response.writeHead(status, { "content-type": "application/json", ...headers }).end(text)
      })
    })
    yield* Effect.acquireRelease(
      Effect.callback<void>((resume) => void server.listen(0, "127.0.0.1", () => resume(Effect.void))),
      () => Effect.sync(() => void server.close().closeAllConnections())
    )
    const seen: Seen = { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, authorizations }
    return seen
  })

const success = (body: string, value: unknown) => {
  const { id } = JSON.parse(body) as { readonly id: string }
  return JSON.stringify([{ _tag: "Exit", requestId: id, exit: { _tag: "Success", value } }])
}

const secret = Redacted.make("pwd_0123456789abcdef_secret")

const cloudAt = (serviceUrl: string) =>
  Layer.build(
    Cloud.layer.pipe(Layer.provide([CloudConfig.layer({ serviceUrl, credential: secret }), FetchHttpClient.layer]))
  ).pipe(Effect.map((context) => Cloud.use((cloud) => Effect.succeed(cloud)).pipe(Effect.provideContext(context))))

const digest = Option.getOrThrow(Option.fromUndefinedOr(Digest.fromBytes(new Uint8Array(32).fill(7))))
const leaving = { contentId: Content.idOf(digest), peerId: "a".repeat(40) }

describe("A client with a credential", () => {
  it.live("shows it to its service, and to no other that the service names over plain HTTP", () =>
    Effect.gen(function* () {
      const other = yield* noting((body) => ({ body: success(body, null) }))
      const service = yield* noting((body) => ({
        body: success(body, { externalIp: "127.0.0.1", keyValueUrl: `${other.url}/rpc/kv`, version: "1" })
      }))
      const cloud = yield* yield* cloudAt(service.url)
      const geo = yield* cloud.geo
      yield* Effect.flip(cloud.keyValue(geo))
      yield* Effect.ignore(cloud.leave(EndpointUrl.make(`${other.url}/rpc/array`), leaving as never))
      assert.deepStrictEqual(service.authorizations, [`Bearer ${Redacted.value(secret)}`])
      assert.isAbove(other.authorizations.length, 0)
      assert.isTrue(other.authorizations.every((one) => one === undefined))
      assert.deepStrictEqual(cloud.proofFor(`${service.url}/phf/x`), {
        authorization: `Bearer ${Redacted.value(secret)}`
      })
      assert.deepStrictEqual(cloud.proofFor(`${other.url}/phf/x`), {})
    })
  )

  it.live("does not follow a redirect with it", () =>
    Effect.gen(function* () {
      const other = yield* noting((body) => ({ body: success(body, null) }))
      const service = yield* noting(() => ({ status: 307, headers: { location: `${other.url}/rpc/geo` } }))
      const cloud = yield* yield* cloudAt(service.url)
      assert.strictEqual((yield* Effect.flip(cloud.geo)).reason, "Unintelligible")
      const asked = HttpRpc.call(EnrolRpcs.EnrolRpcs, { url: `${service.url}/rpc/enrol`, token: secret })((client) =>
        client.Rotate()
      ).pipe(Effect.provide(FetchHttpClient.layer))
      const error = yield* Effect.flip(asked)
      assert.strictEqual(error._tag === "ServiceError" && error.reason, "Unintelligible")
      assert.deepStrictEqual(other.authorizations, [])
    })
  )

  for (const [status, challenge, told] of [
    [401, 'Bearer realm="piecework"', "NotEnrolled"],
    [401, 'Bearer realm="piecework", error="invalid_token"', "CredentialRefused"],
    [401, 'Basic realm="portal"', "Refused"],
    [401, undefined, "Refused"],
    [403, 'Bearer realm="piecework"', "Refused"]
  ] as const) {
    it.live(`takes ${status} with ${challenge ?? "no challenge"} for ${told}`, () =>
      Effect.gen(function* () {
        const headers = challenge === undefined ? {} : { "www-authenticate": challenge }
        const service = yield* noting(() => ({ status, headers }))
        const cloud = yield* yield* cloudAt(service.url)
        const error = yield* Effect.flip(cloud.geo)
        assert.deepStrictEqual([error.reason, error.message.includes("secret")], [told, false])
      })
    )
  }
})
