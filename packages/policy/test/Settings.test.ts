import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { defaults, resolve } from "../src/Policy.ts"
import type { Setting } from "../src/Setting.ts"
import { find, type Name, names, settings } from "../src/Settings.ts"

const decode = (name: Name, raw: unknown) => (settings[name] as Setting<unknown>).kind.decode(raw)
const misfit = (name: Name, raw: unknown) => {
  const result = decode(name, raw)
  return Result.isFailure(result) ? result.failure : "none"
}

/** As in the table of spec.md §1, written down here a second time. */
const table: ReadonlyArray<readonly [Name, unknown, ...(readonly [number, number] | readonly [])]> = [
  ["DOMinRAMAllowedToPeer", 4, 1, 100_000],
  ["DOMinDiskSizeAllowedToPeer", 32, 1, 100_000],
  ["DOMaxCacheAge", 259_200, 0, 4_294_967_295],
  ["DOMaxCacheSize", 20, 1, 100],
  ["DOAbsoluteMaxCacheSize", undefined, 0, 4_294_967_295],
  ["DOMinFileSizeToCache", 50, 1, 100_000],
  ["DOMonthlyUploadDataCap", 20, 0, 4_294_967_295],
  ["DOMinBackgroundQos", 2500, 1, 4_294_967_295],
  ["DOMinBatteryPercentageAllowedToUpload", 0, 0, 100],
  ["DOPercentageMaxForegroundBandwidth", 0, 0, 100],
  ["DOPercentageMaxBackgroundBandwidth", 0, 0, 100],
  ["DOMaxForegroundDownloadBandwidth", 0, 0, 4_294_967_295],
  ["DOMaxBackgroundDownloadBandwidth", 0, 0, 4_294_967_295],
  ["DODelayForegroundDownloadFromHttp", undefined, 0, 4_294_967_295],
  ["DODelayBackgroundDownloadFromHttp", undefined, 0, 4_294_967_295],
  ["DODelayCacheServerFallbackForeground", undefined, -1, 2_592_000],
  ["DODelayCacheServerFallbackBackground", undefined, -1, 2_592_000],
  ["DOMaxDownloadBandwidth", undefined, 0, 4_294_967_295],
  ["DOPercentageMaxDownloadBandwidth", undefined, 0, 100],
  ["DOMaxUploadBandwidth", 0, 0, 4_294_967_295],
  ["MinContentSizeToPeer", 10_000_000, 0, 4_294_967_295],
  ["ContentSlots", 4, 1, 10_000]
]

/** Every number that is one of the choice, and the default. */
const choices: ReadonlyArray<readonly [Name, unknown, ReadonlyArray<number>]> = [
  ["DODownloadMode", 1, [0, 1, 2, 3, 99, 100]],
  ["DOGroupIdSource", 0, [0, 1, 2, 3, 4, 5]],
  ["DORestrictPeerSelectionBy", 0, [0, 1, 2]],
  ["DOCacheHostSource", undefined, [0, 1, 2]],
  ["DeviceClass", 0, [0, 1]]
]

const others: ReadonlyArray<readonly [Name, unknown]> = [
  ["DOGroupId", undefined],
  ["DOModifyCacheDrive", undefined],
  ["DOAllowVPNPeerCaching", false],
  ["DOVpnKeywords", ["VPN", "Secure", "Virtual Private Network"]],
  ["DODisallowCacheServerDownloadsOnVPN", false],
  ["CacheHostListedOnly", false],
  ["CacheHostTlsOnly", false],
  ["DOSetHoursToLimitForegroundDownloadBandwidth", undefined],
  ["DOSetHoursToLimitBackgroundDownloadBandwidth", undefined],
  ["DOCacheHost", undefined]
]

describe("A setting", () => {
  it("is in one of these tables, so none goes untested", () => {
    const tested = [...table, ...choices, ...others].map(([name]) => name)
    assert.deepStrictEqual(tested.toSorted(), names.toSorted())
  })

  it.each([...table, ...choices, ...others].map(([name, value]) => [name, value] as const))(
    "%s has its documented default",
    (name, value) => assert.deepStrictEqual(defaults.get(name), value)
  )

  it.each(table)("%s takes its bounds and nothing past them, as number and as text", (name, _, min = 0, max = 0) => {
    for (const sound of [min, max]) {
      assert.deepStrictEqual(decode(name, sound), Result.succeed(sound))
      assert.deepStrictEqual(decode(name, String(sound)), Result.succeed(sound))
    }
    for (const past of [min - 1, max + 1]) assert.strictEqual(misfit(name, past), "OutOfRange")
    for (const none of [1.5, "1.5", "", "ten", null, true, [], {}, Number.NaN, Infinity]) {
      assert.strictEqual(misfit(name, none), "WrongType", JSON.stringify(none))
    }
  })

  it.each(choices)("%s takes each of its numbers and no other", (name, _, values) => {
    for (const value of values) assert.deepStrictEqual(decode(name, value), Result.succeed(value))
    for (const other of [-1, 6, 98, 101]) {
      if (!values.includes(other)) assert.strictEqual(misfit(name, other), "OutOfRange")
    }
    assert.strictEqual(misfit(name, "LAN"), "WrongType")
  })

  it("of yes and no takes 0, 1 and JSON's words", () => {
    for (const yes of [1, "1", true, "true"]) {
      assert.deepStrictEqual(decode("DOAllowVPNPeerCaching", yes), Result.succeed(true))
    }
    for (const no of [0, "0", false, "false"]) {
      assert.deepStrictEqual(decode("DOAllowVPNPeerCaching", no), Result.succeed(false))
    }
    assert.strictEqual(misfit("DOAllowVPNPeerCaching", 2), "OutOfRange")
    assert.strictEqual(misfit("DOAllowVPNPeerCaching", "yes"), "WrongType")
  })

  it("of several texts takes them with commas or as a list, and an empty text as none of them", () => {
    assert.deepStrictEqual(decode("DOCacheHost", "a.example, 10.0.0.2"), Result.succeed(["a.example", "10.0.0.2"]))
    assert.deepStrictEqual(decode("DOCacheHost", ["a.example"]), Result.succeed(["a.example"]))
    assert.deepStrictEqual(decode("DOCacheHost", ""), Result.succeed([]))
    assert.strictEqual(misfit("DOCacheHost", [1]), "WrongType")
    assert.strictEqual(misfit("DOCacheHost", "a".repeat(5000)), "OutOfRange")
    assert.strictEqual(
      misfit(
        "DOCacheHost",
        Array.from({ length: 65 }, () => "a")
      ),
      "OutOfRange"
    )
  })

  it("of text takes no control characters and no novel", () => {
    assert.deepStrictEqual(decode("DOGroupId", " lab "), Result.succeed("lab"))
    assert.strictEqual(misfit("DOGroupId", "a\nb"), "OutOfRange")
    assert.strictEqual(misfit("DOGroupId", "a".repeat(4097)), "OutOfRange")
    assert.strictEqual(misfit("DOGroupId", 7), "WrongType")
  })

  it("of hours takes four numbers in three forms", () => {
    const name = "DOSetHoursToLimitBackgroundDownloadBandwidth"
    const sound = Result.succeed({ from: 8, to: 17, inside: 50, outside: 0 })
    assert.deepStrictEqual(decode(name, "8,17,50,0"), sound)
    assert.deepStrictEqual(decode(name, [8, 17, 50, 0]), sound)
    assert.deepStrictEqual(decode(name, { from: 8, to: 17, inside: 50, outside: 0 }), sound)
    for (const past of ["24,1,1,1", "0,24,1,1", "0,0,101,0", "0,0,0,-1"]) {
      assert.strictEqual(misfit(name, past), "OutOfRange", past)
    }
    for (const none of [
      "8,17,50",
      "8,17,50,0,1",
      "",
      null,
      8,
      { from: 8 },
      { from: 8, to: 9, inside: 1, outside: 1, x: 1 }
    ]) {
      assert.strictEqual(misfit(name, none), "WrongType", JSON.stringify(none))
    }
  })

  it("is found whatever the case of its letters", () => {
    assert.strictEqual(find("dominbackgroundqos"), "DOMinBackgroundQos")
    assert.strictEqual(find("DOMinBackgroundQoS"), "DOMinBackgroundQos")
    assert.isUndefined(find("constructor"))
    assert.strictEqual(resolve([{ provider: "Environment", values: { dodownloadmode: "2" } }]).get("DODownloadMode"), 2)
  })
})
