/** Who may do what at a real service over real sockets: tokens of every kind at every route, with and without enrolment. */
import { readFileSync, statSync, writeFileSync } from "node:fs"
import { request } from "node:https"
import { join } from "node:path"
import { assert, describe, it, layer } from "@effect/vitest"
import { Context, Effect, Layer, Schedule } from "effect"
import { folder, run, serving, start } from "./Program.ts"

interface Init {
  readonly ca: string
  readonly token: string | null
  readonly names: ReadonlyArray<string>
  readonly isNew: boolean
}

interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: string
}

/** One request, to a service that is known by that authority. */
const ask = (
  url: string,
  options: {
    readonly ca: string
    readonly token?: string | undefined
    readonly body?: string
    readonly method?: string
  }
): Effect.Effect<Answer> =>
  Effect.callback<Answer>((resume) => {
    const { body, ca, token } = options
    const sent = request(
      url,
      {
        ca,
        agent: false,
        method: options.method ?? (body === undefined ? "GET" : "POST"),
        headers: {
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
          ...(body === undefined
            ? {}
            : { "content-type": "application/json", "content-length": Buffer.byteLength(body) })
        }
      },
      (response) => {
        let text = ""
        response.on("data", (part: Buffer) => (text += part.toString()))
        response.on("end", () =>
          resume(Effect.succeed({ status: response.statusCode ?? 0, headers: response.headers, body: text }))
        )
      }
    )
    sent.on("error", (error) => resume(Effect.die(error)))
    sent.end(body)
  })

const call = (tag: string, payload: unknown) => JSON.stringify({ _tag: "Request", id: "1", tag, payload, headers: [] })

const geo = call("Geo", { clientVersion: "1", profile: 768, callId: 0 })
const enrolling = (token: string) => call("Enrol", { token, name: "pc", clientVersion: "1" })

const token = (data: string, ...args: ReadonlyArray<string>) =>
  Effect.map(run(...args, "--data", data, "--json"), ({ code, stderr, stdout }) => {
    assert.strictEqual(code, 0, stderr)
    return JSON.parse(stdout) as { readonly id: string; readonly token: string }
  })

const initialised = (data: string) =>
  Effect.map(run("init", "--data", data, "--json"), ({ code, stderr, stdout }) => {
    assert.strictEqual(code, 0, stderr)
    return JSON.parse(stdout) as Init
  })

/** A service for enrolled devices only, with tokens of every kind. */
class Guarded extends Context.Service<
  Guarded,
  {
    readonly url: string
    readonly data: string
    readonly ca: string
    readonly stderr: () => string
    readonly tokens: { readonly [name: string]: string | undefined }
  }
>()("@piecework/service/test/Guarded") {
  static readonly layer = Layer.effect(
    Guarded,
    Effect.gen(function* () {
      const data = join(yield* folder, "data")
      const { ca: file, token: admin } = yield* initialised(data)
      const ca = readFileSync(file, "utf8")
      const service = yield* serving(data, "--require-enrolment")
      let said = ""
      service.process.stderr?.on("data", (part: Buffer) => (said += part.toString()))
      const enrolment = (yield* token(data, "device", "enrol-token", "create", "--group", "lab", "--uses", "5")).token
      const enrolled = Effect.map(ask(`${service.url}/rpc/enrol`, { ca, body: enrolling(enrolment) }), ({ body }) => {
        const [{ exit }] = JSON.parse(body) as [{ exit: { value: { device: string; credential: string } } }]
        return exit.value
      })
      const device = (yield* enrolled).credential
      const gone = yield* enrolled
      yield* run("device", "revoke", gone.device, "--data", data)
      const short = (yield* token(data, "token", "create", "--scope", "admin")).token
      // Expired, as far as the database knows.
      const { DatabaseSync } = yield* Effect.promise(() => import("node:sqlite"))
      const database = new DatabaseSync(join(data, "service.sqlite"), { timeout: 20_000 })
      database.prepare("UPDATE credentials SET expires_at = 1000 WHERE id = ?").run(short.slice(4, 20))
      database.close()
      return Guarded.of({
        url: service.url,
        data,
        ca,
        stderr: () => said,
        tokens: {
          none: undefined,
          admin: admin ?? "",
          publisher: (yield* token(data, "token", "create", "--scope", "publish")).token,
          enroller: (yield* token(data, "token", "create", "--scope", "enrol")).token,
          device,
          revoked: gone.credential,
          expired: short,
          enrolment,
          truncated: device.slice(0, -1),
          oversized: device + "A".repeat(8_000),
          wrong: device.slice(0, 21) + "A".repeat(43),
          unknown: `pwd_${"0".repeat(16)}_${"A".repeat(43)}`,
          "of another kind": device.replace("pwd", "pwo")
        }
      })
    })
  )
}

const refusals = ["revoked", "expired", "enrolment", "truncated", "oversized", "wrong", "unknown", "of another kind"]

const routes: ReadonlyArray<readonly [path: string, body: string | undefined]> = [
  ["/phf/DO-aGZA_I8Lc2F-ZsPzrXhTrcZaVte-PexJ5cOai52WjpQ", undefined],
  ["/rpc/geo", geo],
  ["/rpc/kv", geo],
  ["/rpc/cp", geo],
  ["/rpc/disc", geo],
  ["/rpc/array", geo],
  ["/rpc/admin/trust", call("List", { kind: "Operator" })],
  ["/nowhere", undefined]
]

layer(Guarded.layer, { excludeTestServices: true, timeout: "2 minutes" })("A service for enrolled devices", (spec) => {
  for (const [path, body] of routes) {
    spec.effect(`answers all that are not let in at ${path} alike, and says no more`, () =>
      Effect.gen(function* () {
        const { ca, tokens, url } = yield* Guarded
        const seen = yield* Effect.forEach(refusals, (name) =>
          Effect.map(
            ask(url + path, { ca, token: tokens[name], ...(body === undefined ? {} : { body }) }),
            (answer) => [answer.status, answer.headers["www-authenticate"], answer.body]
          )
        )
        assert.deepStrictEqual(seen[0], [
          401,
          'Bearer realm="piecework", error="invalid_token"',
          '{"error":"This token is not accepted."}'
        ])
        for (const one of seen) assert.deepStrictEqual(one, seen[0])
        const nobody = yield* ask(url + path, { ca, ...(body === undefined ? {} : { body }) })
        assert.deepStrictEqual([nobody.status, nobody.headers["www-authenticate"]], [401, 'Bearer realm="piecework"'])
      })
    )
  }

  for (const [who, path, body, status, fits] of [
    ["none", "/health", undefined, 200, /"ok"/],
    ["device", "/rpc/geo", geo, 200, /"externalIp":"127.0.0.1"/],
    ["device", "/phf/DO-aGZA_I8Lc2F-ZsPzrXhTrcZaVte-PexJ5cOai52WjpQ", undefined, 404, /No such content/],
    ["device", "/rpc/admin/trust", call("List", { kind: "Device" }), 403, /for operators/],
    ["publisher", "/rpc/admin/trust", call("List", { kind: "Device" }), 200, /NotAllowed/],
    ["publisher", "/rpc/admin/trust", call("CreateToken", { name: "x", scopes: ["Admin"] }), 200, /NotAllowed/],
    ["enroller", "/rpc/admin/trust", call("CreateToken", { name: "x", scopes: ["Admin"] }), 200, /NotAllowed/],
    ["enroller", "/rpc/admin/trust", call("List", { kind: "Operator" }), 200, /NotAllowed/],
    ["enroller", "/rpc/admin/trust", call("List", { kind: "Device" }), 200, /"groups":\["lab"\]/],
    ["admin", "/rpc/admin/trust", call("List", { kind: "Operator" }), 200, /"name":"first administrator"/],
    ["device", "/rpc/enrol", enrolling("pwe_nonsense"), 200, /NotAllowed/],
    ["none", "/rpc/enrol", call("Rotate", null), 200, /NotAllowed/],
    ["admin", "/rpc/enrol", call("Retire", null), 200, /NotAllowed/]
  ] as const) {
    spec.effect(`answers ${who} at ${path} with ${status} and ${String(fits)}`, () =>
      Effect.gen(function* () {
        const { ca, tokens, url } = yield* Guarded
        const answer = yield* ask(url + path, { ca, token: tokens[who], ...(body === undefined ? {} : { body }) })
        assert.strictEqual(answer.status, status, answer.body)
        assert.match(answer.body, fits)
      })
    )
  }

  for (const [path, most] of [
    ["/rpc/geo", 8_192],
    ["/rpc/array", 65_536],
    ["/rpc/enrol", 4_096],
    ["/rpc/admin/trust", 65_536],
    ["/health", 0]
  ] as const) {
    spec.effect(`takes no more than ${most} bytes at ${path}, whoever comes`, () =>
      Effect.gen(function* () {
        const { ca, tokens, url } = yield* Guarded
        for (const name of ["none", "admin", "device"]) {
          const answer = yield* ask(url + path, { ca, token: tokens[name], body: "x".repeat(most + 1) })
          assert.strictEqual(answer.status, 413, name)
        }
      })
    )
  }

  spec.effect("says in its log why it refused, and never a secret", () =>
    Effect.gen(function* () {
      const { stderr, tokens } = yield* Guarded
      const log = stderr()
      for (const reason of [
        "Revoked",
        "Expired",
        "Malformed",
        "Wrong",
        "Unknown",
        "TokenWanted",
        "OperatorWanted",
        "Scope"
      ]) {
        assert.include(log, reason)
      }
      for (const one of Object.values(tokens)) if (one !== undefined) assert.notInclude(log, one.slice(21, 64))
    })
  )

  spec.effect("knows soon that a device was revoked by another process", () =>
    Effect.gen(function* () {
      const { ca, data, tokens, url } = yield* Guarded
      const made = yield* token(data, "device", "enrol-token", "create")
      const { body } = yield* ask(`${url}/rpc/enrol`, { ca, body: enrolling(made.token) })
      const [{ exit }] = JSON.parse(body) as [{ exit: { value: { device: string; credential: string } } }]
      const status = Effect.map(
        ask(`${url}/rpc/geo`, { ca, token: exit.value.credential, body: geo }),
        (one) => one.status
      )
      assert.strictEqual(yield* status, 200)
      const revoked = yield* run("device", "revoke", exit.value.device, "--data", data)
      assert.strictEqual(revoked.code, 0, revoked.stderr)
      // How soon at most, the tests of the authenticator say by the test clock.
      yield* Effect.repeat(status, { until: (now) => now === 401, schedule: Schedule.spaced("100 millis") })
      assert.strictEqual((yield* ask(`${url}/rpc/geo`, { ca, token: tokens["device"], body: geo })).status, 200)
    })
  )

  spec.effect("carries out administrators' commands from elsewhere, for who may", () =>
    Effect.gen(function* () {
      const { ca, data, tokens, url } = yield* Guarded
      const file = join(data, "given.pem")
      writeFileSync(file, ca)
      const remotely = (name: string, ...args: ReadonlyArray<string>) =>
        runAs(tokens[name] ?? "", ...args, "--service", url, "--service-ca", file)
      const listed = yield* remotely("enroller", "device", "list", "--json")
      assert.strictEqual(listed.code, 0, listed.stderr)
      const [first] = JSON.parse(listed.stdout) as ReadonlyArray<{ readonly id: string }>
      const moved = yield* remotely("enroller", "device", "set-groups", first?.id ?? "", "a", "b", "--json")
      assert.deepStrictEqual((JSON.parse(moved.stdout) as { groups: unknown }).groups, ["a", "b"])
      const refused = yield* remotely("publisher", "device", "list")
      assert.deepStrictEqual([refused.code, refused.stderr], [6, "piecework-service: The token does not allow this.\n"])
      assert.strictEqual((yield* remotely("wrong", "device", "list")).code, 6)
      assert.strictEqual((yield* remotely("enroller", "device", "show", "0".repeat(16))).code, 5)
      const untrusting = yield* runAs(tokens["admin"] ?? "", "device", "list", "--service", url)
      assert.deepStrictEqual([untrusting.code, /--service-ca/.test(untrusting.stderr)], [7, true])
      const log = yield* run("device", "list", "--data", data)
      assert.include(log.stdout, "a, b")
    })
  )
})

const runAs = (secret: string, ...args: ReadonlyArray<string>) => run(...args).pipe(withToken(secret))

/** The program takes it from its environment; tests of this file run one after the other. */
const withToken =
  (secret: string) =>
  <A>(self: Effect.Effect<A>): Effect.Effect<A> =>
    Effect.acquireUseRelease(
      Effect.sync(() => void (process.env["PIECEWORK_TOKEN"] = secret)),
      () => self,
      () => Effect.sync(() => void delete process.env["PIECEWORK_TOKEN"])
    )

describe("init", () => {
  it.live("makes an authority and one administrator's token, and the second time neither", () =>
    Effect.gen(function* () {
      const data = join(yield* folder, "data")
      const first = yield* initialised(data)
      assert.match(first.token ?? "", /^pwo_[0-9a-f]{16}_[\w-]{43}$/)
      assert.strictEqual(statSync(join(data, "tls", "ca.key")).mode & 0o777, 0o600)
      const ca = readFileSync(first.ca, "utf8")
      const second = yield* initialised(data)
      assert.deepStrictEqual([second.isNew, second.token, second.names], [false, null, first.names])
      assert.strictEqual(readFileSync(second.ca, "utf8"), ca)
      const people = yield* run("init", "--data", data)
      assert.strictEqual(people.stdout, "")
      assert.include(people.stderr, `piecework-service --data ${data}`)
      const named = yield* run("init", "--data", data, "--server-name", "a b")
      assert.strictEqual(named.code, 2)
    })
  )

  it.live("gives what the service serves with, and what it reads again on SIGHUP", () =>
    Effect.gen(function* () {
      const data = join(yield* folder, "data")
      const { ca: file } = yield* initialised(data)
      const ca = readFileSync(file, "utf8")
      const service = yield* serving(data)
      assert.match(service.url, /^https:/)
      const names = ask(`${service.url}/health`, { ca }).pipe(Effect.andThen(certificateOf(service.url, ca)))
      assert.notInclude(yield* names, "later.example")
      yield* run("init", "--data", data, "--server-name", "later.example")
      service.process.kill("SIGHUP")
      yield* Effect.repeat(names, {
        until: (one) => one.includes("later.example"),
        schedule: Schedule.spaced("50 millis")
      })
      // What cannot be served with does not replace what can.
      writeFileSync(join(data, "tls", "server.pem"), "nonsense")
      service.process.kill("SIGHUP")
      yield* Effect.promise(() => service.said("level=ERROR"))
      assert.include(yield* names, "later.example")
    })
  )

  it.live("is known by its authority to who asks how it is, and by nothing else", () =>
    Effect.gen(function* () {
      const data = join(yield* folder, "data")
      const { ca } = yield* initialised(data)
      const { url } = yield* serving(data)
      const known = yield* run("status", "--service", url, "--service-ca", ca)
      assert.strictEqual(known.code, 0, known.stderr)
      assert.notStrictEqual((yield* run("status", "--service", url)).code, 0)
    })
  )

  it.live("leaves plain HTTP to who asks for it, and operators' tokens out of it but on this machine", () =>
    Effect.gen(function* () {
      const data = join(yield* folder, "data")
      const { token: admin } = yield* initialised(data)
      const service = yield* serving(data, "--plain-http", "--trust-proxy", "127.0.0.1")
      assert.match(service.url, /^http:/)
      const status = (headers: Record<string, string>) =>
        Effect.promise(async () => {
          const authorization = `Bearer ${admin}`
          const init = { method: "POST", body: geo, headers: { authorization, ...headers } }
          return (await fetch(`${service.url}/rpc/geo`, init)).status
        })
      assert.strictEqual(yield* status({}), 200)
      assert.strictEqual(yield* status({ "x-forwarded-for": "203.0.113.9" }), 403)
      assert.strictEqual(yield* status({ "x-forwarded-for": "203.0.113.9", "x-forwarded-proto": "https" }), 200)
      assert.strictEqual(yield* status({ "x-forwarded-for": "203.0.113.9", "x-forwarded-proto": "https, http" }), 403)
    })
  )

  for (const [what, args, code] of [
    ["a certificate without its key", ["--tls-cert", "a.pem"], 2],
    ["a certificate that is not there", ["--tls-cert", "/nowhere/a.pem", "--tls-key", "/nowhere/a.key"], 4]
  ] as const) {
    it.live(`says so when the service is given ${what}`, () =>
      Effect.gen(function* () {
        const data = join(yield* folder, "data")
        const ended = yield* run("--port", "0", "--data", data, ...args)
        assert.deepStrictEqual([ended.code, ended.stdout, ended.stderr.split("\n").length], [code, "", 2])
      })
    )
  }

  it.live("and a key of another certificate is refused", () =>
    Effect.gen(function* () {
      const [one, other] = [join(yield* folder, "one"), join(yield* folder, "other")]
      yield* initialised(one)
      yield* initialised(other)
      const args = ["--tls-cert", join(one, "tls", "server.pem"), "--tls-key", join(other, "tls", "server.key")]
      const running = yield* start("--port", "0", "--data", one, ...args)
      const ended = yield* Effect.promise(() => running.ended)
      assert.strictEqual(ended.code, 4)
      assert.include(ended.stderr, "does not belong")
    })
  )
})

/** The names in the certificate that a server shows. */
const certificateOf = (url: string, ca: string) =>
  Effect.callback<string>((resume) => {
    const sent = request(url, { ca, agent: false }, (response) => {
      const socket = response.socket as import("node:tls").TLSSocket
      resume(Effect.succeed(socket.getPeerCertificate().subjectaltname ?? ""))
      response.destroy()
    })
    sent.on("error", (error) => resume(Effect.die(error)))
    sent.end()
  })
