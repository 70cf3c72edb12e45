import { assert, describe, it } from "@effect/vitest"
import { NodeWork } from "@piecework/cloud/CacheNode"
import { Effect, Option, Result } from "effect"
import * as Drive from "../src/Drive.ts"
import * as Orders from "../src/Orders.ts"
import * as Place from "../src/Place.ts"
import * as Settings from "../src/Settings.ts"
import * as SettingsFile from "../src/SettingsFile.ts"

const resolved = (...all: ReadonlyArray<Settings.Said>): Settings.Settings => Result.getOrThrow(Settings.resolve(all))

const flaw = (...all: ReadonlyArray<Settings.Said>): string =>
  Result.match(Settings.resolve(all), { onSuccess: () => "", onFailure: ({ message }) => message })

describe("A place to listen", () => {
  it("is a port, with an address before it or without", () => {
    const cases: ReadonlyArray<readonly [string, Place.Place]> = [
      ["80", { host: undefined, port: 80 }],
      [":8080", { host: undefined, port: 8080 }],
      ["127.0.0.1:0", { host: "127.0.0.1", port: 0 }],
      ["[::1]:80", { host: "::1", port: 80 }],
      ["cache.example:443", { host: "cache.example", port: 443 }]
    ]
    for (const [text, place] of cases) assert.deepStrictEqual(Option.getOrUndefined(Place.parse(text)), place, text)
    for (const text of ["", "host", "80:80:80", "::1:80", "[x]:80", "1:99999", "-1", "a b:80"]) {
      assert.isTrue(Option.isNone(Place.parse(text)), text)
    }
  })
})

describe("A drive", () => {
  it("is a folder, with a size behind it or without", () => {
    const cases: ReadonlyArray<readonly [string, Drive.Drive]> = [
      ["/srv/cache", { folder: "/srv/cache", size: undefined }],
      ["/srv/cache/:500GB", { folder: "/srv/cache", size: 500e9 }],
      ["/a:b:1.5TiB", { folder: "/a:b", size: 1.5 * 1024 ** 4 }],
      ["/srv/cache:16mib", { folder: "/srv/cache", size: 16 * 1024 ** 2 }]
    ]
    for (const [text, drive] of cases) assert.deepStrictEqual(Option.getOrUndefined(Drive.parse(text)), drive, text)
    for (const text of ["", "/a:10", "/a:x", "/a:1KB", "/a:99999999TB", "/a: "]) {
      assert.isTrue(Option.isNone(Drive.parse(text)), text)
    }
  })
})

describe("The settings", () => {
  it("are those of the first that says something", () => {
    const of = resolved(
      { listen: "8080", origins: ["a.test"] },
      { listen: "1", origins: ["b.test"], name: "env" },
      { cid: "7" }
    )
    assert.deepStrictEqual(
      [of.http, of.origins, of.name, of.cid, of.peers],
      [{ host: undefined, port: 8080 }, ["a.test"], "env", "7", { host: undefined, port: 7680 }]
    )
    assert.deepStrictEqual(resolved().http.port, 80)
    assert.isUndefined(resolved({ peers: false }).peers)
    assert.strictEqual(resolved({ tlsCert: "c", tlsKey: "k" }).tls?.port, 443)
    assert.deepStrictEqual(
      resolved({ parents: ["up.test", "https://up.test:8443/", "::1"] }).parents.map(({ host, port, protocol }) => [
        protocol,
        host,
        port
      ]),
      [
        ["http:", "up.test", 80],
        ["https:", "up.test", 8443],
        ["http:", "::1", 80]
      ]
    )
  })

  it("say in a sentence, with the word of the command line, what is wrong with them", () => {
    const cases: ReadonlyArray<readonly [Settings.Said, RegExp]> = [
      [{ listen: "nowhere" }, /^--listen: "nowhere" is no port or address/],
      [{ tlsCert: "c" }, /^--tls-cert: a certificate and its key belong together/],
      [{ tlsPort: 1 }, /^--tls-port: HTTPS needs a certificate/],
      [{ drives: ["/a:1"] }, /^--drive: "\/a:1" is no folder/],
      [{ drives: ["/a", "/a/b"] }, /^--drive: \/a\/b and \/a are within each other/],
      [{ origins: ["a b"] }, /^--origin: "a b" is no origin/],
      [{ parents: ["ftp://x"] }, /^--parent: "ftp:\/\/x" is no cache server/],
      [{ parents: ["http://user:pass@x"] }, /^--parent: /],
      [{ service: "x" }, /^--service: "x" is no URL of a service/],
      [{ cid: "a b" }, /^--cid: /],
      [{ name: "a\nb" }, /^--name: /]
    ]
    for (const [said, expected] of cases) assert.match(flaw(said), expected)
  })

  it("come from the environment as well, where lists have commas and truths are yes or no", () => {
    const said = Result.getOrThrow(
      Settings.fromEnvironment({
        PIECEWORK_CACHE_LISTEN: "8080",
        PIECEWORK_CACHE_ORIGINS: "a.test, *.b.test,",
        PIECEWORK_CACHE_TLS_PORT: "8443",
        PIECEWORK_CACHE_PEERS: "no",
        PIECEWORK_CACHE_NAME: "",
        PIECEWORK_SERVICE: "http://s:7670"
      })
    )
    assert.deepStrictEqual(said, {
      listen: "8080",
      origins: ["a.test", "*.b.test"],
      tlsPort: 8443,
      peers: false,
      service: "http://s:7670"
    })
    for (const wrong of [{ PIECEWORK_CACHE_PEERS: "maybe" }, { PIECEWORK_CACHE_TLS_PORT: "x" }]) {
      assert.isTrue(Result.isFailure(Settings.fromEnvironment(wrong)))
    }
  })

  it.effect("come from a file, in which a word that nobody knows is a mistake", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* SettingsFile.parse("f", '{"listen":8080,"origins":["a.test"],"announce":false}'), {
        listen: 8080,
        origins: ["a.test"],
        announce: false
      })
      for (const text of ["", "[]", "1", '{"origin":["a"]}', '{"origins":"a"}', '{"listen":70000}', '{"name":""}']) {
        const { message } = yield* Effect.flip(SettingsFile.parse("f.json", text))
        assert.match(message, /^The settings file f\.json cannot be used: [^\n]+\.$/, text)
      }
    })
  )
})

describe("What is in force", () => {
  const settings = resolved({ origins: ["a.test"], cid: "7", parents: ["up.test"] })

  it("is what the service says, and of the rest what the settings say", () => {
    const usual = Orders.inForce(settings, Orders.none, "host")
    assert.deepStrictEqual([usual.origins, usual.cid, usual.name, usual.closed], [["a.test"], "7", "host", undefined])
    const told = Orders.inForce(
      settings,
      {
        isEnabled: true,
        name: "branch",
        work: new NodeWork({ origins: ["*.b.test"], parents: [{ host: "top", port: 8080, isTls: true }] })
      },
      "host"
    )
    assert.deepStrictEqual([told.origins, told.cid, told.name], [["*.b.test"], "7", "branch"])
    assert.strictEqual(told.allow[0]?.host, "b.test")
    assert.deepStrictEqual(told.parents, [{ host: "top", port: 8080, protocol: "https:" }])
  })

  it("lets nobody in while the operator says so, or says what nobody understands", () => {
    assert.isDefined(Orders.inForce(settings, { ...Orders.none, isEnabled: false }, "host").closed)
    const odd = Orders.inForce(settings, { ...Orders.none, work: new NodeWork({ origins: ["-._"] }) }, "host")
    assert.deepStrictEqual(odd.allow.length, odd.allow.length === 0 ? 0 : 1)
  })

  it("tells which words need another start", () => {
    assert.deepStrictEqual(Orders.needStart(settings, resolved({ origins: ["b.test"], parents: ["up.test"] })), [])
    assert.deepStrictEqual(Orders.needStart(settings, resolved({ listen: "8080", drives: ["/d"] })), [
      "listen",
      "drive",
      "parent"
    ])
  })
})
