import { X509Certificate } from "node:crypto"
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { connect, createServer, type TLSSocket } from "node:tls"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import * as Certificate from "../src/Certificate.ts"
import * as TlsFolder from "../src/TlsFolder.ts"

const day = 86_400_000
const names = ["service.example", "localhost", "127.0.0.1", "::1", "2001:db8:0:7::42"]

/** What a client that trusts the authority says of a server with the certificate, when it calls it by a name. */
const greet = (pair: Certificate.Pair, authority: string, servername: string) =>
  Effect.callback<string>((resume) => {
    const server = createServer({ cert: pair.certificate, key: pair.key }, (socket) => {
      socket.on("error", () => {})
      socket.end()
    })
    server.listen(0, "127.0.0.1", () => {
      const address = server.address()
      const port = typeof address === "object" && address !== null ? address.port : 0
      const isName = /[a-z]/i.test(servername) && !servername.includes(":")
      const socket: TLSSocket = connect({
        host: "127.0.0.1",
        port,
        ca: authority,
        ...(isName ? { servername } : { checkServerIdentity: (_, one) => checkAddress(servername, one.raw) })
      })
      const done = (said: string) => {
        socket.destroy()
        server.close()
        resume(Effect.succeed(said))
      }
      socket.on("secureConnect", () => done("welcome"))
      socket.on("error", (error: NodeJS.ErrnoException) => done(error.code ?? error.message))
    })
  })

const checkAddress = (address: string, raw: Buffer): Error | undefined =>
  new X509Certificate(raw).checkIP(address) === undefined ? new Error("ADDRESS") : undefined

describe("The development authority", () => {
  const now = Date.now()
  const authority = Certificate.makeAuthority(now)
  const server = Certificate.makeServer(authority, names, now)

  it("vouches for servers, and its certificate says nothing else", () => {
    const ca = new X509Certificate(authority.certificate)
    const own = new X509Certificate(server.certificate)
    assert.isTrue(ca.ca)
    assert.isFalse(own.ca)
    assert.isTrue(ca.verify(ca.publicKey))
    assert.isTrue(own.verify(ca.publicKey))
    assert.isTrue(own.checkIssued(ca))
    assert.deepStrictEqual(own.keyUsage, ["1.3.6.1.5.5.7.3.1"])
    assert.strictEqual(own.checkHost("service.example"), "service.example")
    assert.isUndefined(own.checkHost("other.example"))
    assert.strictEqual(Date.parse(own.validTo), Math.floor((now + Certificate.serverDays * day) / 1000) * 1000)
    assert.isBelow(Date.parse(own.validFrom), now)
  })

  it("is another one each time, with another key", () => {
    const other = Certificate.makeAuthority(now)
    assert.notStrictEqual(Certificate.fingerprint(other.certificate), Certificate.fingerprint(authority.certificate))
    assert.isTrue(Certificate.isDue(server.certificate, other.certificate, now))
    assert.isFalse(Certificate.isDue(server.certificate, authority.certificate, now))
  })

  it("is asked again when less than 30 days are left", () => {
    const due = [31, 29].map((left) =>
      Certificate.isDue(server.certificate, authority.certificate, now + (Certificate.serverDays - left) * day)
    )
    assert.deepStrictEqual(due, [false, true])
  })

  for (const [servername, said] of [
    ["service.example", "welcome"],
    ["localhost", "welcome"],
    ["127.0.0.1", "welcome"],
    ["::1", "welcome"],
    ["2001:db8:0:7:0:0:0:42", "welcome"],
    ["other.example", "ERR_TLS_CERT_ALTNAME_INVALID"],
    ["127.0.0.2", "ADDRESS"]
  ] as const) {
    it.live(`lets a client that calls the server ${servername} say "${said}"`, () =>
      Effect.gen(function* () {
        assert.strictEqual(yield* greet(server, authority.certificate, servername), said)
      })
    )
  }

  it.live("is not believed by who trusts another one", () =>
    Effect.gen(function* () {
      const other = Certificate.makeAuthority(now)
      assert.notStrictEqual(yield* greet(server, other.certificate, "localhost"), "welcome")
    })
  )

  it("has names that are hosts or addresses", () => {
    const good = ["a", "a.b-c.example", "10.0.0.1", "::1", "x".repeat(63)]
    const bad = ["", "-a", "a-", "a..b", "a b", "a,b", "*.example", "a_b", "x".repeat(64), "http://a", "a\0"]
    assert.deepStrictEqual(good.filter(Certificate.isServerName), good)
    assert.deepStrictEqual(bad.filter(Certificate.isServerName), [])
  })
})

const inFolder = Effect.map(
  Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "piecework-tls-"))),
    (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
  ),
  (path) => join(path, "tls")
)

describe("The folder of certificates", () => {
  it.effect("is made with keys for their owner only, and kept the second time", () =>
    Effect.gen(function* () {
      const folder = yield* inFolder
      yield* TestClock.setTime(Date.now())
      const first = yield* TlsFolder.prepare(folder, names)
      const texts = () => readdirSync(folder).map((name) => readFileSync(join(folder, name), "utf8"))
      const before = texts()
      assert.deepStrictEqual(readdirSync(folder).toSorted(), ["ca.key", "ca.pem", "server.key", "server.pem"])
      assert.deepStrictEqual(
        [".", "ca.key", "server.key", "ca.pem"].map((name) => (statSync(join(folder, name)).mode & 0o777).toString(8)),
        ["700", "600", "600", "644"]
      )
      const second = yield* TlsFolder.prepare(folder, ["localhost", "2001:0db8::7:0:0:0:0042"])
      assert.deepStrictEqual([first.isNew, second.isNew, second.fingerprint], [true, false, first.fingerprint])
      assert.deepStrictEqual(texts(), before)
      // A name more takes another certificate, of the same authority.
      yield* TlsFolder.prepare(folder, ["localhost", "new.example"])
      const { authority, certificate } = TlsFolder.placesIn(folder)
      assert.deepStrictEqual(Certificate.namesOf(readFileSync(certificate, "utf8")), ["localhost", "new.example"])
      assert.strictEqual(Certificate.fingerprint(readFileSync(authority, "utf8")), first.fingerprint)
    })
  )

  it.effect("has its server's certificate renewed in time, for the same names and by the same authority", () =>
    Effect.gen(function* () {
      const folder = yield* inFolder
      const { authority, certificate } = TlsFolder.placesIn(folder)
      yield* TestClock.setTime(Date.now())
      yield* TlsFolder.prepare(folder, names)
      const [ca, first] = [readFileSync(authority, "utf8"), readFileSync(certificate, "utf8")]
      yield* TestClock.adjust("59 days")
      assert.isFalse(yield* TlsFolder.renew(folder))
      yield* TestClock.adjust("2 days")
      assert.isTrue(yield* TlsFolder.renew(folder))
      assert.isFalse(yield* TlsFolder.renew(folder))
      const second = readFileSync(certificate, "utf8")
      assert.deepStrictEqual(Certificate.namesOf(second), Certificate.namesOf(first))
      assert.strictEqual(readFileSync(authority, "utf8"), ca)
      assert.isAbove(Date.parse(new X509Certificate(second).validTo), Date.parse(new X509Certificate(first).validTo))
    })
  )

  it.effect("that is damaged is left as it is, and said to be", () =>
    Effect.gen(function* () {
      const folder = yield* inFolder
      yield* TlsFolder.prepare(folder, names)
      const { authorityKey } = TlsFolder.placesIn(folder)
      writeFileSync(authorityKey, "nonsense")
      const error = yield* Effect.flip(TlsFolder.prepare(folder, names))
      assert.strictEqual(error.reason, "Damaged")
      rmSync(authorityKey)
      assert.strictEqual((yield* Effect.flip(TlsFolder.renew(folder))).reason, "Damaged")
    })
  )
})
