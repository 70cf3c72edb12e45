import { assert, describe, it } from "@effect/vitest"
import * as Check from "@piecework/doctor/Check"
import * as Diagnosis from "@piecework/doctor/Diagnosis"
import type * as Findings from "@piecework/doctor/Findings"
import { certificate, checkOf, day, deviceOf, healthy, now, service, serving, settingsOf, troubles } from "./scene.ts"

const error = (reason: string) => ({ reason, status: undefined, sentence: "The service says no." })

describe("a diagnosis", () => {
  const checks = Diagnosis.of(healthy, now)

  it("has every check once, in one order", () => {
    assert.deepStrictEqual(
      checks.map(({ id }) => id),
      Check.ids
    )
  })

  it("finds nothing at a device that is well, and says so in its first line", () => {
    assert.deepStrictEqual(troubles({}), {})
    assert.isTrue(Diagnosis.isSound(checks))
    assert.match(Diagnosis.verdict(checks), /^None of \d+ checks fails\.$/)
  })

  it("begins with how many fail, and what", () => {
    const found = Diagnosis.of(
      { ...healthy, serving: { ...serving, reach: { _tag: "Silent", address: "192.168.1.11", isOwn: true } } },
      now
    )
    assert.match(
      Diagnosis.verdict(found),
      /^1 of \d+ checks fails: peers cannot reach TCP port 7680: the service's connection to 192\.168\.1\.11 got no answer\.$/
    )
    assert.isFalse(Diagnosis.isSound(found))
  })

  it("warns of what could not be found out in time, and does not call that a failure", () => {
    const nothing: Findings.Findings = {
      device: undefined,
      storage: undefined,
      settings: healthy.settings,
      serving: undefined,
      service: undefined,
      names: undefined,
      ranges: undefined,
      caches: undefined,
      lan: undefined,
      past: undefined
    }
    const found = Diagnosis.of(nothing, now)
    assert.strictEqual(found.length, Check.ids.length)
    assert.isTrue(Diagnosis.isSound(found))
    assert.isAtLeast(found.filter(({ outcome }) => outcome === "Warn").length, 30)
  })

  it("has something to do for all that fails or warns, and for nothing else", () => {
    for (const { hint, id, outcome } of checks) assert.strictEqual(hint, "", `${id} ${outcome}`)
  })

  describe("of the service blames what stands first", () => {
    const ways: ReadonlyArray<readonly [name: string, way: Findings.Way, expected: Readonly<Record<string, string>>]> =
      [
        ["its name does not resolve", { _tag: "Unresolved", host: "service.example" }, {}],
        [
          "nobody answers",
          { _tag: "Unreachable", at: "service.example:7670", why: "no answer in time" },
          { service: "Fail" }
        ],
        ["the proxy fails", { _tag: "ProxyFails", why: "it answers 502" }, { service: "Fail" }],
        ["a portal answers", { _tag: "Portal", status: 200, leadsTo: undefined }, { service: "Fail" }],
        ["there is none", { _tag: "NoService" }, { service: "Warn" }],
        [
          "its certificate has expired",
          { _tag: "Untrusted", date: now, certificate: { ...certificate, flaw: "CERT_HAS_EXPIRED", to: now - day } },
          { tls: "Fail" }
        ],
        [
          "its certificate has expired by this device's clock alone",
          {
            _tag: "Untrusted",
            date: now - 20 * day,
            certificate: { ...certificate, flaw: "CERT_HAS_EXPIRED", from: now - 90 * day, to: now - day }
          },
          { clock: "Fail" }
        ],
        [
          "its certificate is to hold tomorrow, by all clocks",
          {
            _tag: "Untrusted",
            date: now,
            certificate: { ...certificate, flaw: "CERT_NOT_YET_VALID", from: now + day }
          },
          { tls: "Fail" }
        ],
        [
          "its authority is not known",
          { _tag: "Untrusted", date: now, certificate: { ...certificate, flaw: "SELF_SIGNED_CERT_IN_CHAIN" } },
          { tls: "Fail" }
        ],
        [
          "its certificate is over soon",
          { _tag: "Reached", date: now, certificate: { ...certificate, to: now + day } },
          { tls: "Warn" }
        ],
        ["the clock is an hour ahead", { _tag: "Reached", date: now - 3_600_000, certificate }, { clock: "Fail" }],
        ["the clock is two minutes behind", { _tag: "Reached", date: now + 120_000, certificate }, { clock: "Warn" }],
        ["the clock is two seconds off", { _tag: "Reached", date: now + 2000, certificate }, {}]
      ]
    for (const [name, way, expected] of ways) {
      it(`where ${name}`, () => {
        assert.deepStrictEqual(troubles({ service: { ...service, way } }), expected)
      })
    }

    it("where Geo says nothing, and not the roles that it tells of", () => {
      const asked: Findings.Service = {
        ...service,
        externalIps: [],
        roles: [{ role: "geo", error: error("Unreachable") }]
      }
      assert.deepStrictEqual(troubles({ service: asked }), { geo: "Fail" })
      assert.strictEqual(checkOf({ service: asked }, "kv").sentence, "Geo did not say where it is")
    })
    it("where a role alone is down", () => {
      const roles = service.roles.map((one) =>
        one.role === "content-policy" ? { ...one, error: error("TimedOut") } : one
      )
      assert.deepStrictEqual(troubles({ service: { ...service, roles } }), { "content-policy": "Fail" })
    })
    for (const reason of ["NotEnrolled", "CredentialRefused"]) {
      it(`where the device is ${reason}`, () => {
        const asked = { ...service, externalIps: [], roles: [{ role: "geo" as const, error: error(reason) }] }
        assert.deepStrictEqual(troubles({ service: asked }), { enrolment: "Fail" })
      })
    }
  })

  it("of a device without a service does not say that all is well, and says how to set one", () => {
    const without: Findings.Service = { ...service, url: undefined, way: { _tag: "NoService" }, roles: [] }
    const verdict = Diagnosis.verdict(Diagnosis.of({ ...healthy, service: without }, now))
    assert.match(verdict, /^None of \d+ checks fails, and 1 warns: no service is set, so only downloads with /)
    assert.match(checkOf({ service: without }, "service").hint, /--service URL.*PIECEWORK_SERVICE/)
    const alone = { settings: settingsOf({ DODownloadMode: 0 }, { mode: "HttpOnly" as const }), service: without }
    assert.deepStrictEqual(troubles(alone), { mode: "Fail" }, "who has no peers misses no service")
  })

  describe("of the external address warns", () => {
    const cases: ReadonlyArray<readonly [string, Partial<Findings.Service>, Readonly<Record<string, string>>]> = [
      ["of a proxy", { proxy: "proxy:3128" }, { "external-ip": "Warn" }],
      ["of two addresses", { externalIps: ["203.0.113.7", "203.0.113.8"] }, { "external-ip": "Warn" }],
      [
        "of the service's own loopback",
        { externalIps: ["127.0.0.1"], ownAddresses: ["192.168.1.11"] },
        { "external-ip": "Warn" }
      ],
      ["not of a NAT", {}, {}],
      ["not of the device's own address", { externalIps: ["192.168.1.11"], isLocal: true }, {}]
    ]
    for (const [name, more, expected] of cases) {
      it(`${name}`, () => assert.deepStrictEqual(troubles({ service: { ...service, ...more } }), expected))
    }
  })

  it("of a mode without peers says nothing of ports", () => {
    const found = { settings: settingsOf({ DODownloadMode: 0 }, { mode: "HttpOnly" as const }), device: deviceOf({}) }
    assert.deepStrictEqual(troubles(found), { mode: "Fail" })
    assert.strictEqual(checkOf(found, "port").outcome, "Disabled")
  })
})
