import { assert, it } from "@effect/vitest"
import { Pace } from "../src/internal/Pace.ts"
import { ReadMemory } from "../src/internal/ReadMemory.ts"
import { Timed } from "../src/internal/Timed.ts"

const MiB = 1_048_576

it("gives one reader the chunk that it wants, and a thousand smaller ones within the limit", () => {
  const memory = new ReadMemory(64 * MiB)
  const one = memory.join(256 * 1024)
  assert.strictEqual(one.chunk().length, 256 * 1024)
  assert.strictEqual(one.chunk(), one.chunk())
  const others = Array.from({ length: 999 }, () => memory.join(256 * 1024))
  for (const other of others) other.chunk()
  assert.isAtMost(memory.used, 64 * MiB)
  assert.strictEqual(one.chunk().length, 65_536)
  for (const other of others) other.leave()
  assert.strictEqual(one.chunk().length, 256 * 1024)
  one.leave()
  assert.strictEqual(memory.used, 0)
})

it("gives a reader that comes when all is taken the smallest chunk", () => {
  const memory = new ReadMemory(MiB)
  const early = Array.from({ length: 4 }, () => memory.join(256 * 1024))
  early[0]?.chunk()
  early[1]?.chunk()
  early[2]?.chunk()
  early[3]?.chunk()
  assert.strictEqual(memory.used, MiB)
  assert.strictEqual(memory.join(256 * 1024).chunk().length, 16_384)
})

it("takes no more memory for a short part than it is long", () => {
  assert.strictEqual(new ReadMemory(MiB).join(100).chunk().length, 100)
})

it("keeps what counts until its time, and no more than it may", () => {
  const timed = new Timed<string>(2)
  timed.set("a", "1", 100)
  timed.set("b", "2", 200)
  assert.strictEqual(timed.get("a", 99), "1")
  assert.isUndefined(timed.get("a", 100))
  timed.set("c", "3", 200)
  timed.set("d", "4", 200)
  assert.isUndefined(timed.get("b", 0))
  assert.strictEqual(timed.size, 2)
})

it("tells readers of the first bytes at once, of more when ten milliseconds' worth is there, and soon when it gets slow", () => {
  let now = 0
  const pace = new Pace(() => now)
  assert.strictEqual(pace.enough(), 1)
  pace.came(1000)
  assert.strictEqual(pace.enough(), 1)
  now = 20
  pace.came(1000)
  assert.strictEqual(pace.enough(), 1000)
  now = 40
  pace.came(100_000_000)
  assert.strictEqual(pace.enough(), 65_536)
  now = 10_000
  pace.came(10)
  assert.strictEqual(pace.enough(), 1)
})
