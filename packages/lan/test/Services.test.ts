import { assert, describe, it } from "@effect/vitest"
import { from, type Message, type Record } from "../src/Message.ts"
import * as Presence from "../src/Presence.ts"
import * as Services from "../src/Services.ts"

const type = "_microsoft_mcc._tcp.local"
const service: Services.Service = { type, instance: "hall", port: 8080, texts: ["tls=1"] }
const told = from(Presence.together([Services.records(service)]), "10.0.0.7")
const responseOf = (...answers: ReadonlyArray<Record>): Message => ({ _tag: "Response", answers, additionals: [] })

const heard = (...messages: ReadonlyArray<readonly [Message, number] | Message>) =>
  messages.reduce<Services.Directory>((directory, one) => {
    const [message, at] = "_tag" in one ? [one, 0] : one
    return Services.hear(directory, type, message, at)
  }, Services.nothing)

const name = `x.${type}`
const pointer: Record = { type: "PTR", name: type, ttl: 60, target: name }
const place: Record = { type: "SRV", name, ttl: 60, target: "x.local", port: 80 }
const address: Record = { type: "A", name: "x.local", ttl: 60, address: "10.0.0.9" }

describe("A service", () => {
  it("is told so that others can call it", () => {
    assert.deepStrictEqual(Services.known(heard(told)), [
      { name: `hall.${type}`, port: 8080, texts: ["tls=1"], addresses: ["10.0.0.7"] }
    ])
    assert.isEmpty(Services.lacking(heard(told)))
  })

  it("is asked for by its type, its name or its host, in any letters", () => {
    for (const asked of [type, `hall.${type}`, "hall-microsoft-mcc.local"]) {
      assert.isTrue(Services.isAsked(service, new Set([asked])), asked)
    }
    assert.isFalse(Services.isAsked(service, new Set(["_dosvc._tcp.local", `other.${type}`])))
  })

  it("is not known any more once it is taken back", () => {
    const over = Presence.together([Services.records(service, { isOver: true })])
    assert.isEmpty(Services.known(heard(told, over)))
  })

  it("is put together from several messages, in whatever letters, and what is lacking is asked for", () => {
    const first = heard(responseOf({ ...pointer, name: type.toUpperCase() }))
    assert.deepStrictEqual(Services.lacking(first), [
      { name, type: "SRV" },
      { name, type: "TXT" }
    ])
    const second = Services.hear(first, type, responseOf({ ...place, name: name.toUpperCase(), target: "X.local" }), 0)
    assert.deepStrictEqual(Services.lacking(second), [
      { name: "x.local", type: "A" },
      { name: "x.local", type: "AAAA" }
    ])
    const third = Services.hear(
      second,
      type,
      responseOf({ ...address, type: "AAAA", address: "fd00::9" }, { ...address, name: "X.LOCAL" }),
      0
    )
    assert.deepStrictEqual(Services.known(third)[0]?.addresses, ["fd00::9", "10.0.0.9"])
  })

  it("is known for as long as it says, for 75 minutes at most, and as long as its parts are", () => {
    const directory = heard(responseOf({ ...pointer, ttl: 1e9 }, { ...place, ttl: 1e9 }, { ...address, ttl: 120 }))
    const at = (now: number) => Services.hear(directory, type, undefined, now)
    assert.strictEqual(Services.nextEnd(directory, 0), 120_000)
    assert.strictEqual(Services.known(at(119_999)).length, 1)
    assert.isEmpty(Services.known(at(120_000)))
    assert.strictEqual(Services.lacking(at(120_000)).length, 2)
    assert.strictEqual(at(4_499_999).size, 1)
    assert.strictEqual(at(4_500_000).size, 0)
    assert.isUndefined(Services.nextEnd(at(4_500_000), 4_500_000))
  })

  it("that moves to another host leaves the addresses of the old one behind", () => {
    const moved = heard(
      responseOf(pointer, place, address),
      responseOf({ ...place, target: "y.local" }, { ...address, name: "y.local", address: "10.0.0.10" })
    )
    assert.deepStrictEqual(Services.known(moved)[0]?.addresses, ["10.0.0.10"])
  })
})

describe("A hostile network", () => {
  it("fills 32 places and pushes nobody out of them", () => {
    const flood = Array.from({ length: 50 }, (_, n) =>
      responseOf(
        ...Array.from({ length: 100 }, (__, k) => ({ ...pointer, target: `f${n}-${k}.${type}` }) satisfies Record)
      )
    )
    const directory = heard(responseOf(pointer, place, address), ...flood)
    assert.strictEqual(directory.size, 32)
    assert.strictEqual(Services.known(directory)[0]?.name, name)
  })

  it("is heard in bounds", () => {
    const many = Array.from({ length: 100 }, (_, n) => ({ ...address, address: `10.0.1.${n}` }))
    const texts: Record = { type: "TXT", name, ttl: 60, strings: Array.from({ length: 99 }, () => "x".repeat(999)) }
    const [known] = Services.known(heard(responseOf(pointer, place, texts, ...many)))
    assert.strictEqual(known?.addresses.length, 8)
    assert.strictEqual(known?.texts.length, 16)
    assert.isTrue(known?.texts.every((text) => text.length === 255))
    // Of a message no more than 128 records are looked at.
    const late = Array.from({ length: 128 }, () => ({ ...pointer, name: "other.local" }) satisfies Record)
    assert.strictEqual(heard(responseOf(...late, pointer)).size, 0)
  })

  it("says nothing by what is no service, no port, or nobody asked about", () => {
    for (const port of [0, -1, 1.5, 65_536, Number.NaN]) {
      assert.isEmpty(Services.known(heard(responseOf(pointer, { ...place, port }, address))))
    }
    for (const ttl of [0, -5, Number.NaN]) assert.strictEqual(heard(responseOf({ ...pointer, ttl })).size, 0)
    assert.strictEqual(heard(responseOf({ ...pointer, target: "elsewhere.local" })).size, 0)
    assert.strictEqual(heard(responseOf({ ...pointer, target: `${"a".repeat(300)}.${type}` })).size, 0)
    for (const label of ["a".repeat(64), "\ufffd".repeat(22), "a..b", ""]) {
      assert.strictEqual(heard(responseOf({ ...pointer, target: `${label}.${type}` })).size, 0, label)
      assert.strictEqual(Services.lacking(heard(responseOf(pointer, { ...place, target: `${label}.local` }))).length, 2)
    }
    assert.isEmpty(Services.known(heard(responseOf(place, address))))
    assert.isEmpty(Services.known(heard(responseOf(pointer, place, { ...address, name: "other.local" }))))
  })

  it("is looked at only where it may be about the service", () => {
    const directory = heard(responseOf(pointer, place))
    const isAbout = (message: Message) => Services.isAbout(directory, type, message)
    assert.isTrue(isAbout(responseOf(pointer)))
    assert.isTrue(isAbout(responseOf(place)))
    assert.isTrue(isAbout(responseOf(address)))
    assert.isFalse(isAbout(responseOf({ ...address, name: "other.local" })))
    assert.isFalse(isAbout(responseOf({ ...pointer, name: "_dosvc._tcp.local" })))
    assert.isFalse(isAbout({ _tag: "Query", questions: [{ name: type, type: "PTR" }] }))
  })
})
