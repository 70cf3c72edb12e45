import { createServer } from "node:net"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schedule } from "effect"
import { defaults } from "../../src/rest/AdminFile.ts"
import * as RestServer from "../../src/rest/RestServer.ts"
import { version } from "../../src/version.ts"
import { ask, otherAddress, parts, raw, request, serving } from "./support.ts"

const error = (number: number) => `{ "ErrorCode": ${number} }`
const unsupported = [400, error(-2147024846)] as const
const invalid = [400, error(-2147024809)] as const
const notFound = [404, error(-2147023728)] as const
const url = "http://origin.example/file?a=1&b=c d+e"
const encoded = encodeURIComponent(url)

const created = (port: number, query = "") =>
  Effect.map(ask(port, "POST", `/download/create${query}`), ([status, body]) => {
    assert.strictEqual(status, 200)
    return /^\{"Id":"([0-9a-f-]{36})"\}\n$/.exec(body)?.[1] ?? assert.fail(body)
  })

const statusOf = (port: number, id: string) =>
  Effect.map(ask(port, "GET", `/download/getstatus?Id=${id}`), ([, body]) => JSON.parse(body) as Record<string, string>)

const until = (port: number, id: string, state: string) =>
  Effect.repeat(statusOf(port, id), {
    until: ({ Status }) => Status === state,
    schedule: Schedule.spaced("10 millis")
  })

describe("The REST interface", () => {
  it.live("takes a job from its creation to its end", () =>
    Effect.gen(function* () {
      const { files, memory, port } = yield* serving()
      memory.origins.set("http://origin.example/file?a=1&b=c%20d+e", { bytes: 1000, rate: 1_000_000 })
      const id = yield* created(port, `?Uri=${encoded}&DownloadFilePath=${encodeURIComponent("/data/a file")}`)
      assert.deepStrictEqual(yield* ask(port, "GET", `/download/getstatus?Id=${id}`), [
        200,
        '{"Status":"Created","BytesTotal":"0","BytesTransferred":"0","ErrorCode":"0","ExtendedErrorCode":"0"}\n'
      ])
      assert.deepStrictEqual(yield* ask(port, "POST", `/download/start?Id=${id}`), [200, "{}\n"])
      assert.deepInclude(yield* until(port, id, "Transferred"), { BytesTotal: "1000", BytesTransferred: "1000" })
      assert.isTrue(files.has("/data/a file"))
      assert.deepStrictEqual(yield* ask(port, "GET", "/download/enumerate"), [200, `{"Ids":["${id}"]}\n`])
      assert.deepStrictEqual(yield* ask(port, "POST", `/download/finalize?Id=${id}`), [200, "{}\n"])
      assert.deepStrictEqual(yield* ask(port, "GET", `/download/getstatus?Id=${id}`), notFound)
      assert.deepStrictEqual(yield* ask(port, "GET", "/download/enumerate"), [200, '{"Ids":[]}\n'])
    })
  )

  it.live("knows methods, parameters and ids in any case", () =>
    Effect.gen(function* () {
      const { port } = yield* serving()
      const [, body] = yield* ask(port, "POST", "/DOWNLOAD/CrEaTe?URI=http://h/f&downloadfilepath=/f")
      const { Id } = JSON.parse(body) as { readonly Id: string }
      const key = (name: string) => ask(port, "GET", `/Download/GetProperty?propertykey=${name}&iD=${Id.toUpperCase()}`)
      assert.deepStrictEqual(yield* key("uRi"), [200, '{"uRi":"http:\\/\\/h\\/f"}\n'])
      assert.deepStrictEqual(yield* key("DownloadFilePath"), [200, '{"DownloadFilePath":"\\/f"}\n'])
      assert.deepStrictEqual(yield* key("LocalPath"), [200, '{"LocalPath":"\\/f"}\n'])
      assert.deepStrictEqual(yield* key("NoProgressTimeoutSeconds"), [200, '{"NoProgressTimeoutSeconds":"300"}\n'])
      assert.deepStrictEqual(yield* key("Id"), [200, `{"Id":"${Id}"}\n`])
    })
  )

  it.live("sets what the agent's programs set, and more", () =>
    Effect.gen(function* () {
      const { port } = yield* serving()
      const id = yield* created(port)
      const set = (query: string) => ask(port, "POST", `/download/setproperty?Id=${id}&${query}`)
      const get = (name: string) =>
        Effect.map(ask(port, "GET", `/download/getproperty?Id=${id}&PropertyKey=${name}`), ([, body]) => body)
      for (const [name, value] of [
        ["Uri", url],
        ["DownloadFilePath", "/data/file"],
        ["NoProgressTimeoutSeconds", "60"],
        ["ForegroundPriority", "true"],
        ["DisplayName", "a / b"],
        ["CallbackFreqPercent", "10"]
      ] as const) {
        assert.deepStrictEqual(yield* set(`${name}=${encodeURIComponent(value)}`), [200, "{}\n"])
        const shown = name === "Uri" ? value.replace(" ", "%20") : value
        assert.deepStrictEqual(JSON.parse(yield* get(name)), { [name]: shown })
      }
      assert.deepStrictEqual(yield* set("Uri=ftp://h/f"), [400, error(-2146697214)])
      assert.deepStrictEqual(yield* set("Uri="), invalid)
      assert.deepStrictEqual(yield* set("NoProgressTimeoutSeconds=9"), invalid)
      assert.deepStrictEqual(yield* set("HttpStatusCode=200"), [400, error(-2133843950)])
      assert.deepStrictEqual(yield* set("PropertyKey=Uri"), [400, error(-2133843951)])
      assert.deepStrictEqual(yield* set("Nonsense=1"), invalid)
      assert.strictEqual(yield* get("Nonsense"), error(-2133843951))
      assert.strictEqual(yield* get("PropertyKey"), error(-2133843951))
      assert.strictEqual(yield* get("IntegrityCheckInfo"), error(-2133843947))
      assert.strictEqual(yield* get(""), invalid[1])
      assert.deepStrictEqual(yield* ask(port, "GET", `/download/getproperty?Id=${id}`), invalid)
    })
  )

  it.live("takes parameters from a body of JSON as well, where the query has the last word", () =>
    Effect.gen(function* () {
      const { port } = yield* serving()
      const id = yield* created(port)
      const body = JSON.stringify({ uri: "http://body/f", NoProgressTimeoutSeconds: 77, Id: id })
      assert.deepStrictEqual(yield* ask(port, "POST", "/download/setproperty?Uri=http://query/f", [], body), [
        200,
        "{}\n"
      ])
      const get = (name: string) => ask(port, "GET", `/download/getproperty?Id=${id}&PropertyKey=${name}`)
      assert.deepStrictEqual(yield* get("Uri"), [200, '{"Uri":"http:\\/\\/query\\/f"}\n'])
      assert.deepStrictEqual(yield* get("NoProgressTimeoutSeconds"), [200, '{"NoProgressTimeoutSeconds":"77"}\n'])
      for (const bad of ["{", "[]", "1", '{"Uri":{}}', '{"Nonsense":"1"}']) {
        assert.deepStrictEqual(yield* ask(port, "POST", "/download/create", [], bad), invalid, bad)
      }
      assert.strictEqual((yield* ask(port, "POST", "/download/create", [], "null"))[0], 200)
    })
  )

  it.live("finds jobs by what was said of them", () =>
    Effect.gen(function* () {
      const { port } = yield* serving()
      const one = yield* created(port, "?Uri=http://h/1&DownloadFilePath=/1")
      const two = yield* created(port, "?Uri=http://h/2&DownloadFilePath=/2&ContentId=c")
      const found = (query: string) => Effect.map(ask(port, "GET", `/download/enumerate?${query}`), ([, body]) => body)
      assert.strictEqual(yield* found("Uri=http://h/1"), `{"Ids":["${one}"]}\n`)
      assert.strictEqual(yield* found("ContentId=c"), `{"Ids":["${two}"]}\n`)
      assert.strictEqual(yield* found("DownloadFilePath=/3"), '{"Ids":[]}\n')
      assert.strictEqual(yield* found("Nonsense=1"), invalid[1])
    })
  )

  it.live("shows a failure as the numbers of a paused job", () =>
    Effect.gen(function* () {
      const { port } = yield* serving()
      const id = yield* created(port, "?Uri=http://origin.example/none&DownloadFilePath=/f")
      yield* ask(port, "POST", `/download/start?Id=${id}`)
      assert.deepStrictEqual(yield* until(port, id, "Paused"), {
        Status: "Paused",
        BytesTotal: "0",
        BytesTransferred: "0",
        ErrorCode: "-2145844844",
        ExtendedErrorCode: "0"
      })
    })
  )
})

const wholeAnswer = (status: string, body: string) =>
  [
    `HTTP/1.1 ${status}`,
    `Content-Length: ${body.length}`,
    `Server: Piecework/${version}`,
    "Content-Type: application/json",
    "Connection: close",
    "",
    body
  ].join("\r\n")

describe("An answer", () => {
  it.live("is to the byte what the Linux agent's programs get, but for the name and the kind", () =>
    Effect.gen(function* () {
      const { port } = yield* serving({ mostJobs: 1 })
      const whole = (verb: string, target: string) => raw(port, request(verb, target))
      const first = yield* whole("POST", "/download/create")
      const id = /[0-9a-f-]{36}/.exec(parts(first)[1])?.[0] ?? assert.fail(first)
      assert.strictEqual(first, wholeAnswer("200 OK", `{"Id":"${id}"}\n`))
      const status = `{"Status":"Created","BytesTotal":"0","BytesTransferred":"0","ErrorCode":"0","ExtendedErrorCode":"0"}\n`
      assert.strictEqual(yield* whole("GET", `/download/getstatus?Id=${id}`), wholeAnswer("200 OK", status))
      assert.strictEqual(yield* whole("POST", `/download/pause?Id=${id}`), wholeAnswer("200 OK", "{}\n"))
      assert.strictEqual(yield* whole("GET", "/download/create"), wholeAnswer("400 BadRequest", error(-2147024846)))
      assert.strictEqual(yield* whole("POST", "/download/pause"), wholeAnswer("404 NotFound", error(-2147023728)))
      assert.strictEqual(
        yield* whole("POST", "/download/create"),
        wholeAnswer("503 ServiceUnavailable", error(-2147024882))
      )
    })
  )
})

describe("A call is refused", () => {
  it.live("by its number and status, for each thing that may be wrong", () =>
    Effect.gen(function* () {
      const { files, port } = yield* serving({ mostJobs: 3 })
      files.set("/taken", "")
      const bare = yield* created(port)
      const half = yield* created(port, "?Uri=http://h/f")
      const ready = yield* created(port, "?Uri=http://h/f&DownloadFilePath=/taken")
      const start = (id: string) => ask(port, "POST", `/download/start?Id=${id}`)
      assert.deepStrictEqual(yield* start(bare), [400, error(-2133843456)], "no URL")
      assert.deepStrictEqual(yield* start(half), [400, error(-2133843944)], "no destination")
      assert.deepStrictEqual(yield* start(ready), [400, error(-1060110319)], "the destination is there")
      assert.deepStrictEqual(yield* ask(port, "POST", `/download/finalize?Id=${bare}`), [400, error(-2133843949)])
      assert.deepStrictEqual(yield* ask(port, "POST", "/download/create"), [503, error(-2147024882)], "too many")
      assert.deepStrictEqual(yield* ask(port, "POST", "/download/create?Uri=ftp://h"), [400, error(-2146697214)])
    })
  )

  it.live("for a job that nobody knows, by every method", () =>
    Effect.gen(function* () {
      const { port } = yield* serving()
      for (const query of ["", "?Id=", "?Id=00000000-0000-0000-0000-000000000000", "?Id=__proto__"]) {
        const more = query === "" ? "?" : "&"
        for (const method of ["start", "pause", "finalize", "abort", "setproperty"]) {
          assert.deepStrictEqual(yield* ask(port, "POST", `/download/${method}${query}`), notFound)
        }
        assert.deepStrictEqual(yield* ask(port, "GET", `/download/getstatus${query}`), notFound)
        assert.deepStrictEqual(yield* ask(port, "GET", `/download/getproperty${query}${more}PropertyKey=Uri`), notFound)
        assert.deepStrictEqual(yield* ask(port, "POST", `/download/setproperty${query}${more}Uri=http://h/f`), notFound)
      }
    })
  )

  it.live("for a wrong verb or path, and for parameters that make no sense", () =>
    Effect.gen(function* () {
      const { port } = yield* serving()
      for (const [verb, target] of [
        ["GET", "/download/create"],
        ["POST", "/download/getstatus"],
        ["PUT", "/download/create"],
        ["DELETE", "/download/abort"],
        ["POST", "/"],
        ["POST", "/download"],
        ["POST", "/download/create/more"],
        ["POST", "/upload/create"],
        ["POST", "/download/constructor"],
        ["POST", "/download/%zz"],
        ["OPTIONS", "*"]
      ] as const) {
        assert.deepStrictEqual(yield* ask(port, verb, target), unsupported, `${verb} ${target}`)
      }
      for (const query of ["?Unknown=1", "?Uri=%zz", "?=1", `?${"Id=1&".repeat(65)}`, "?Id=1&Other"]) {
        assert.deepStrictEqual(yield* ask(port, "POST", `/download/start${query}`), invalid, query)
      }
    })
  )
})

const kept = (target: string) => `POST ${target} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n`

describe("A caller that is hostile", () => {
  it.live("gets an answer to each of its requests in turn", () =>
    Effect.gen(function* () {
      const { port } = yield* serving()
      const answer = yield* raw(
        port,
        `${kept("/download/create")}${kept("/nothing")}${request("POST", "/download/create")}`
      )
      const answers = answer.split("HTTP/1.1 ").slice(1)
      assert.deepStrictEqual(
        answers.map((one) => one.slice(0, 3)),
        ["200", "400", "200"]
      )
    })
  )

  it.live("gets an end when what it says makes no sense, and never an answer to something else", () =>
    Effect.gen(function* () {
      const { port } = yield* serving()
      assert.deepStrictEqual(parts(yield* raw(port, "NONSENSE\r\n\r\n")), invalid)
      const answer = yield* raw(port, `${kept("/download/create")}NONSENSE\r\n\r\n`)
      assert.notInclude(answer, "400")
    })
  )

  it.live("cannot send headers or a body without end", () =>
    Effect.gen(function* () {
      const { port } = yield* serving()
      const header = yield* raw(port, request("POST", "/download/create", [`X: ${"x".repeat(40_000)}`]))
      assert.deepStrictEqual(parts(header), invalid)
      const long = yield* ask(port, "POST", "/download/create", [], JSON.stringify({ Uri: "x".repeat(70_000) }))
      assert.deepStrictEqual(long, invalid)
      const declared = request("POST", "/download/create", ["Content-Length: 99999999999"])
      assert.deepStrictEqual(parts(yield* raw(port, `${declared}${"x".repeat(70_000)}`)), invalid)
      assert.deepStrictEqual(yield* ask(port, "GET", "/download/enumerate"), [200, '{"Ids":[]}\n'])
    })
  )

  it.live("cannot ask from a web page, nor by a name that was made to lead here", () =>
    Effect.gen(function* () {
      const { port } = yield* serving()
      for (const header of ["Origin: http://evil.example", "Origin: null", "Sec-Fetch-Site: cross-site"]) {
        assert.deepStrictEqual(yield* ask(port, "POST", "/download/create", [header]), invalid, header)
      }
      const named = (host: string) =>
        Effect.map(
          raw(port, `GET /download/enumerate HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`),
          (answer) => parts(answer)[0]
        )
      for (const host of ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:80"]) {
        assert.strictEqual(yield* named(host), 400, host)
      }
      for (const host of ["127.0.0.1", `localhost:${port}`, "[::1]"]) assert.strictEqual(yield* named(host), 200, host)
    })
  )

  it.live.skipIf(otherAddress === undefined)(
    "cannot ask from another address than the loopback's, unless the admin file says so (skipped without a network)",
    () =>
      Effect.gen(function* () {
        let admin = defaults
        const { port } = yield* serving({ host: "0.0.0.0", admin: () => admin })
        const there = request("GET", "/download/enumerate")
        assert.deepStrictEqual(parts(yield* raw(port, there, otherAddress)), invalid)
        assert.strictEqual(parts(yield* raw(port, there))[0], 200)
        admin = { validateRemoteAddr: false }
        assert.strictEqual(parts(yield* raw(port, there, otherAddress))[0], 200)
      })
  )
})

describe("The port", () => {
  it.live("is the first that is free of the range, and there is an error when none is", () =>
    Effect.gen(function* () {
      // A port that the system gave is free but for this one; the next may be taken by anybody.
      const taken = createServer()
      const first = yield* Effect.acquireRelease(
        Effect.callback<number>(
          (resume) =>
            void taken.listen(0, "127.0.0.1", () => {
              const address = taken.address()
              resume(Effect.succeed(typeof address === "object" && address !== null ? address.port : 0))
            })
        ),
        () => Effect.sync(() => taken.close())
      )
      const last = Math.min(65_535, first + 200)
      const { port } = yield* serving({ ports: { first, last } })
      assert.isTrue(port > first && port <= last)
      const none = yield* Effect.flip(serving({ ports: { first, last: first } }))
      assert.strictEqual(none._tag, "RestServerError")
      assert.deepStrictEqual(RestServer.ports, { first: 50_000, last: 60_999 })
    })
  )
})
