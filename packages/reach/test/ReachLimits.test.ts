import { assert, describe, it } from "@effect/vitest"
import { ReachPort } from "@piecework/cloud/ReachRpcs"
import { ReachLimits } from "@piecework/reach"
import { Schema } from "effect"

const { perAddress, together } = ReachLimits

describe("the limits of dialling back", () => {
  it("let one address have one dial at a time", () => {
    const limits = ReachLimits.make()
    assert.isTrue(limits.begin("192.0.2.1", 7680, 0))
    assert.isFalse(limits.begin("192.0.2.1", 7680, 1))
    assert.isTrue(limits.begin("192.0.2.2", 7680, 1), "another address")
    limits.done("192.0.2.1")
    assert.isTrue(limits.begin("192.0.2.1", 7680, 2))
  })

  it("let one address have so many a minute", () => {
    const limits = ReachLimits.make()
    const dial = (now: number) => {
      const isAllowed = limits.begin("192.0.2.1", 7680, now)
      if (isAllowed) limits.done("192.0.2.1")
      return isAllowed
    }
    const first = Array.from({ length: perAddress.calls }, (_, i) => dial(i))
    assert.isTrue(first.every(Boolean))
    assert.isFalse(dial(perAddress.calls))
    assert.isFalse(dial(perAddress.within - 1))
    assert.isTrue(dial(perAddress.within + 1))
  })

  it("let nobody go through ports, however slowly within the hour", () => {
    const limits = ReachLimits.make()
    const open = new Set<number>()
    for (let i = 0; i < 500; i++) {
      const port = 1024 + i
      if (limits.begin("192.0.2.1", port, i * 7000)) {
        limits.done("192.0.2.1")
        open.add(port)
      }
    }
    assert.strictEqual(open.size, perAddress.ports)
    assert.isTrue(limits.begin("192.0.2.1", 9000, 500 * 7000 + perAddress.remembered))
  })

  it("have so many under way at a time, and no more, whoever asks", () => {
    const limits = ReachLimits.make()
    const dials = Array.from({ length: together.atOnce + 5 }, (_, i) => limits.begin(`192.0.2.${i}`, 7680, i))
    assert.strictEqual(dials.filter(Boolean).length, together.atOnce)
    limits.done("192.0.2.0")
    assert.isTrue(limits.begin("198.51.100.1", 7680, 99))
  })

  it("take bounded memory, and forget who came longest ago", () => {
    const limits = ReachLimits.make()
    for (let i = 0; i < together.addresses + 100; i++) {
      const address = `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`
      assert.isTrue(limits.begin(address, 7680, i))
      limits.done(address)
    }
    assert.strictEqual(limits.size(), together.addresses)
  })

  it("count an end once, and none that has not begun", () => {
    const limits = ReachLimits.make()
    limits.done("192.0.2.9")
    assert.isTrue(limits.begin("192.0.2.9", 7680, 0))
    limits.done("192.0.2.9")
    limits.done("192.0.2.9")
    assert.isTrue(limits.begin("192.0.2.9", 7680, 1))
    assert.isFalse(limits.begin("192.0.2.9", 7680, 2))
  })
})

describe("a port to be tried", () => {
  it("is none of the system's", () => {
    const ports = [22, 80, 1023, 1024, 7680, 65_535, 65_536]
    assert.deepStrictEqual(ports.filter(Schema.is(ReachPort)), [1024, 7680, 65_535])
  })
})
