import { randomBytes } from "node:crypto"
import { writeFileSync } from "node:fs"
import { createServer } from "node:http"
import { connect } from "node:net"
import { join } from "node:path"
import { assert, describe, it, layer } from "@effect/vitest"
import { JoinRequest, LeaveRequest } from "@piecework/cloud/ArrayRpcs"
import type { Cloud } from "@piecework/cloud/Cloud"
import { EndpointUrl } from "@piecework/cloud/Fields"
import { ContentUrl, Peer } from "@piecework/domain"
import { ContentId } from "@piecework/domain/Content"
import { Phf } from "@piecework/hashing"
import { TestPostgres } from "@piecework/testpostgres"
import { Context, Duration, Effect, Layer, Redacted, Result, Schedule, type Scope } from "effect"
import { clientOf } from "./Client.ts"
import * as Fleet from "./Fleet.ts"
import { folder, halfAsked, run, serving } from "./Program.ts"

const url = (name: string) => Result.getOrThrow(ContentUrl.parse(`http://origin.test/${name}`))
const idOf = (n: number) => Peer.idOf(Peer.DeviceId.make("d".repeat(32)), n)

/** One service for the tests below, with a content of five pieces. */
class Service extends Context.Service<
  Service,
  {
    readonly url: string
    readonly data: string
    readonly file: string
    readonly contentId: string
    readonly cloud: Cloud["Service"]
  }
>()("@piecework/service/test/Service") {
  /** `start` answers where the service is, and what else `publish` must be told. */
  static readonly layer = (start: (data: string) => Effect.Effect<Place, unknown, Scope.Scope>) =>
    Layer.effect(
      Service,
      Effect.gen(function* () {
        const directory = yield* folder
        const data = join(directory, "data")
        const file = join(directory, "a.bin")
        writeFileSync(file, randomBytes(4_500_000))
        const service = yield* start(data)
        // While the service runs, and from another process.
        const published = yield* run("publish", file, "--url", url("a.bin"), "--data", data, ...service.more)
        assert.strictEqual(published.code, 0, published.stderr)
        const contentId = published.stdout.trim()
        const cloud = yield* clientOf(service.url)
        // A cluster has swarms once its runners know each other.
        yield* cloud
          .join(EndpointUrl.make(`${service.url}/rpc/array`), joinOf(contentId, 99))
          .pipe(
            Effect.andThen(cloud.leave(EndpointUrl.make(`${service.url}/rpc/array`), leaveOf(contentId, 99))),
            Effect.retry({ schedule: Schedule.spaced("500 millis"), times: 20 })
          )
        return Service.of({ url: service.url, data, file, contentId, cloud })
      })
    )
}

interface Place {
  readonly url: string
  readonly more: ReadonlyArray<string>
}

const joinOf = (contentId: string, n: number) =>
  new JoinRequest({
    contentId: ContentId.make(contentId),
    peerId: idOf(n),
    reportedIp: "127.0.0.1",
    port: 7000 + n,
    left: 1,
    event: "Started",
    scope: "Lan"
  })

const leaveOf = (contentId: string, n: number) =>
  new LeaveRequest({ contentId: ContentId.make(contentId), peerId: idOf(n) })

const missing = await TestPostgres.missing()

/** The same sentences for one process, and for a front end without swarms whose swarms are with two others. */
const services = {
  "The service": Service.layer((data) => Effect.map(serving(data), (running) => ({ url: running.url, more: [] }))),
  ...(missing === undefined
    ? {
        "The service in a cluster": Service.layer(() =>
          Effect.gen(function* () {
            const database = yield* TestPostgres.url
            const [frontEnd] = yield* Effect.forEach(
              [false, true, true],
              (isRunner) => Fleet.process(database, { isRunner }),
              { concurrency: "unbounded" }
            )
            if (frontEnd === undefined) return yield* Effect.die("three were started")
            return { url: frontEnd.url, more: ["--database", Redacted.value(database)] }
          })
        )
      }
    : {})
}

const get = (address: string, headers?: Record<string, string>, method = "GET") =>
  Effect.promise(async () => {
    const response = await fetch(address, { method, headers: headers ?? {} })
    return { status: response.status, headers: response.headers, body: new Uint8Array(await response.arrayBuffer()) }
  })

for (const [title, service] of Object.entries(services))
  layer(service, { excludeTestServices: true, timeout: "90 seconds" })(title, (spec) => {
    spec.effect("says that it is well", () =>
      Effect.gen(function* () {
        const { body, status } = yield* get(`${(yield* Service).url}/health`)
        assert.strictEqual(status, 200)
        assert.strictEqual(JSON.parse(Buffer.from(body).toString()).status, "ok")
      })
    )

    spec.effect("leads from the URL to a PHF that verifies", () =>
      Effect.gen(function* () {
        const { cloud, contentId, url: serviceUrl } = yield* Service
        const { geo, keyValue, policy } = yield* cloud.lookup({ url: url("a.bin") })
        assert.strictEqual(geo.externalIp, "127.0.0.1")
        assert.strictEqual(keyValue.contentPolicyUrl, `${serviceUrl}/rpc/cp`)
        assert.strictEqual(policy.contentId, contentId)
        assert.deepStrictEqual(policy.contentUrls, [url("a.bin")])
        const { body } = yield* get(policy.phfUrls[0])
        const phf = Result.getOrThrow(
          Phf.verify(body, { hashOfHashes: policy.hashOfHashes, fileDigest: policy.phfDigest })
        )
        assert.deepStrictEqual([phf.layout.contentSize, phf.layout.pieceCount], [4_500_000, 5])
      })
    )

    spec.effect("does not know what was not published", () =>
      Effect.gen(function* () {
        const { cloud } = yield* Service
        const error = yield* Effect.flip(cloud.lookup({ url: url("none") }))
        assert.strictEqual(error.reason, "ContentUnknown")
      })
    )

    spec.effect("gives two that join each other, near by, until one leaves", () =>
      Effect.gen(function* () {
        const { cloud } = yield* Service
        const found = yield* cloud.lookup({ url: url("a.bin") })
        const { contentId } = found.policy
        const [array] = yield* cloud.discover(found, contentId)
        const joining = (n: number) =>
          cloud.join(
            array.url,
            new JoinRequest({
              contentId,
              peerId: idOf(n),
              reportedIp: "127.0.0.1",
              port: 7000 + n,
              left: 4_500_000,
              event: "Started",
              scope: "Lan"
            })
          )
        assert.deepStrictEqual((yield* joining(1)).peers, [])
        const second = yield* joining(2)
        assert.deepStrictEqual(
          second.peers.map(({ address, id, kind }) => [id, address.toString(), kind]),
          [[idOf(1), "127.0.0.1:7001", "Lan"]]
        )
        const pause = Duration.toMillis(second.nextJoin)
        assert.isTrue(pause >= 1000 && pause <= 3000, String(pause))
        assert.deepStrictEqual(
          (yield* joining(1)).peers.map(({ id }) => id),
          [idOf(2)]
        )
        yield* cloud.leave(array.url, new LeaveRequest({ contentId, peerId: idOf(2) }))
        assert.deepStrictEqual((yield* joining(1)).peers, [])
      })
    )

    spec.effect("gives a part of a PHF, the whole, or only its length", () =>
      Effect.gen(function* () {
        const { contentId, url: serviceUrl } = yield* Service
        const address = `${serviceUrl}/phf/${contentId}`
        const whole = yield* get(address)
        const size = whole.body.length
        assert.strictEqual(whole.status, 200)
        assert.strictEqual(whole.headers.get("accept-ranges"), "bytes")
        const etag = whole.headers.get("etag") ?? ""

        const part = yield* get(address, { range: "bytes=10-19" })
        assert.deepStrictEqual([part.status, part.headers.get("content-range")], [206, `bytes 10-19/${size}`])
        assert.deepStrictEqual([...part.body], [...whole.body.subarray(10, 20)])

        const tail = yield* get(address, { range: "bytes=-7", "if-range": etag })
        assert.deepStrictEqual([...tail.body], [...whole.body.subarray(-7)])

        const other = yield* get(address, { range: "bytes=-7", "if-range": '"other"' })
        assert.deepStrictEqual([other.status, other.body.length], [200, size])

        const past = yield* get(address, { range: `bytes=${size}-` })
        assert.deepStrictEqual([past.status, past.headers.get("content-range")], [416, `bytes */${size}`])

        const head = yield* get(address, {}, "HEAD")
        assert.deepStrictEqual([head.status, head.headers.get("content-length")], [200, String(size)])

        const known = yield* get(address, { "if-none-match": `"x", ${etag}` })
        assert.deepStrictEqual([known.status, known.body.length], [304, 0])
      })
    )

    spec.effect("has no PHF under any other name", () =>
      Effect.gen(function* () {
        const { url: serviceUrl } = yield* Service
        for (const name of [`DO-${"A".repeat(43)}`, "..%2f..%2fservice.sqlite", "%00", "x".repeat(5000)]) {
          assert.strictEqual((yield* get(`${serviceUrl}/phf/${name}`)).status, 404, name)
        }
      })
    )

    spec.effect("takes nobody's word for where a request comes from", () =>
      Effect.gen(function* () {
        const headers = { "x-forwarded-for": "203.0.113.9", "x-piecework-external-ip": "203.0.113.9" }
        const { exit } = yield* raw((yield* Service).url, headers)
        assert.strictEqual(exit.value.externalIp, "127.0.0.1")
      })
    )

    spec.effect("stays well whatever is posted to it", () =>
      Effect.gen(function* () {
        const { cloud, url: serviceUrl } = yield* Service
        const post = (body: string | Uint8Array<ArrayBuffer>) =>
          Effect.promise(async () => (await fetch(`${serviceUrl}/rpc/array`, { method: "POST", body })).status)
        for (const body of ["", "null", "[]", "[null]", "{", '{"_tag":"Request"}', "[".repeat(60_000)])
          yield* post(body)
        assert.strictEqual(yield* post(new Uint8Array(70_000)), 413)
        assert.strictEqual((yield* cloud.geo).externalIp, "127.0.0.1")
      })
    )
  })

/** A call to Geo with headers that no client of ours would send. */
const raw = (serviceUrl: string, headers: Record<string, string>) =>
  Effect.callback<{ readonly exit: { readonly value: { readonly externalIp: string; readonly keyValueUrl: string } } }>(
    (resume) => {
      const payload = { clientVersion: "1", profile: 768, callId: 0 }
      const body = JSON.stringify({ _tag: "Request", id: "1", tag: "Geo", payload, headers: Object.entries(headers) })
      const lines = Object.entries({ host: "h", ...headers, "content-length": body.length, connection: "close" })
      const socket = connect(Number(new URL(serviceUrl).port), "127.0.0.1", () => {
        socket.write(
          `POST /rpc/geo HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n${body}`
        )
      })
      let answer = ""
      socket.on("data", (data: Buffer) => (answer += data.toString()))
      socket.on("close", () => resume(Effect.succeed(JSON.parse(answer.slice(answer.indexOf("\r\n\r\n") + 4))[0])))
    }
  )

describe("A service", () => {
  it.live("tells the roles' places by the name that it was called by, but by no nonsense", () =>
    Effect.gen(function* () {
      const { url: serviceUrl } = yield* serving(yield* folder)
      const keyValueUrl = (host: string) => Effect.map(raw(serviceUrl, { host }), ({ exit }) => exit.value.keyValueUrl)
      assert.strictEqual(yield* keyValueUrl("service.example:7670"), "http://service.example:7670/rpc/kv")
      assert.strictEqual(yield* keyValueUrl("a b/c?d"), "http://unknown.invalid/rpc/kv")
    })
  )

  it.live("tells its public URL to everyone, and believes its own proxy", () =>
    Effect.gen(function* () {
      const directory = yield* folder
      const proxied = ["--public-url", "https://service.example/", "--trust-proxy", "127.0.0.1"]
      const service = yield* serving(directory, ...proxied)
      const { exit } = yield* raw(service.url, { "x-forwarded-for": "198.51.100.1, 203.0.113.9" })
      assert.strictEqual(exit.value.keyValueUrl, "https://service.example/rpc/kv")
      assert.strictEqual(exit.value.externalIp, "203.0.113.9")
    })
  )

  it.live("ends with 0 within seconds when told to, even in the middle of a request", () =>
    Effect.gen(function* () {
      for (const signal of ["SIGTERM", "SIGINT"] as const) {
        const service = yield* serving(yield* folder)
        const socket = yield* halfAsked(service.url)
        service.process.kill(signal)
        const { code, stderr } = yield* Effect.promise(() => service.ended)
        socket.destroy()
        assert.strictEqual(code, 0)
        const [first = "", second = ""] = stderr.split("\n")
        assert.match(
          first,
          new RegExp(`^timestamp=\\S+ level=INFO \\S+ message=stopping (?=.*requests=1)(?=.*signal=${signal})`)
        )
        assert.match(second, /connections were cut/)
        assert.strictEqual(stderr.split("\n").length, 3)
        // By its own log, so that a machine with much to do beside it is not the service's fault.
        const [told = 0, cut = Number.NaN] = [...stderr.matchAll(/^timestamp=(\S+)/gm)].map(([, at = ""]) =>
          Date.parse(at)
        )
        assert.isBelow(cut - told, 5000)
      }
    })
  )

  it.live("that finds its port taken says so and ends with 10", () =>
    Effect.gen(function* () {
      const directory = yield* folder
      const { url: taken } = yield* serving(directory)
      const { port } = new URL(taken)
      const second = yield* run("--port", port, "--host", "127.0.0.1", "--data", directory)
      assert.strictEqual(second.code, 10)
      assert.strictEqual(
        second.stderr,
        `piecework-service: Another program listens on port ${port} of 127.0.0.1 already; choose another port with --port.\n`
      )
      assert.strictEqual(second.stdout, "")
    })
  )

  it.live("keeps what is published over a restart", () =>
    Effect.gen(function* () {
      const directory = yield* folder
      const file = join(directory, "b.bin")
      writeFileSync(file, "short")
      const first = yield* serving(directory)
      yield* run("publish", file, "--url", url("b"), "--data", directory)
      first.process.kill("SIGKILL")
      yield* Effect.promise(() => first.ended)
      const second = yield* serving(directory)
      const { policy } = yield* (yield* clientOf(second.url)).lookup({ url: url("b") })
      assert.strictEqual(policy.contentSize, 5)
    })
  )
})

/** Why Geo cannot be asked where this is all that is answered. */
const asking = (status: number, headers: Record<string, string>, body: string) =>
  Effect.gen(function* () {
    const server = createServer((_, response) => response.writeHead(status, headers).end(body))
    yield* Effect.callback<void>((resume) => {
      server.listen(0, "127.0.0.1", () => resume(Effect.void))
    })
    yield* Effect.addFinalizer(() => Effect.sync(() => server.close()))
    const address = server.address()
    const port = typeof address === "object" && address !== null ? address.port : 0
    const cloud = yield* clientOf(`http://127.0.0.1:${port}`)
    return (yield* Effect.flip(cloud.geo)).reason
  })

describe("A client on this machine's HTTP", () => {
  it.live("takes a portal's page and a portal's redirect for what they are", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* asking(200, { "content-type": "text/html" }, "<html>"), "Unintelligible")
      assert.strictEqual(yield* asking(302, { location: "/" }, ""), "Unintelligible")
      assert.strictEqual(yield* asking(500, {}, ""), "Unreachable")
      assert.strictEqual(
        yield* asking(200, { "content-type": "application/json" }, " ".repeat(2_000_000)),
        "Unintelligible"
      )
    })
  )
})
