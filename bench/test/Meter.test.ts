import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, layer } from "@effect/vitest"
import { Effect, Layer, Option, Schedule, Schema } from "effect"
import { announcement, Meter } from "../src/Meter.ts"

const node = (script: string) => ({
  name: "program",
  command: process.execPath,
  args: ["--input-type=module", "--eval", script]
})

layer(Layer.provideMerge(Meter.layer, NodeServices.layer), { excludeTestServices: true })("Meter", (it) => {
  it.effect("measures time, processor time and memory of a whole process", () =>
    Effect.gen(function* () {
      const meter = yield* Meter
      const busy = `
        const held = Buffer.alloc(150_000_000, 1)
        while (process.cpuUsage().user < 400_000);
        console.log(held.length)`
      const { seconds, usage, stdout } = yield* meter.run(node(busy), 20_000)
      assert.strictEqual(stdout, "150000000\n")
      assert.isAtLeast(seconds, 0.2)
      if (meter.method === "none") return assert.isTrue(Option.isNone(usage))
      const { cpuSeconds, peakRssBytes } = Option.getOrThrow(usage)
      assert.isAtLeast(cpuSeconds, 0.39)
      assert.isAtMost(cpuSeconds, seconds * 4)
      assert.isAbove(peakRssBytes, 150_000_000)
      assert.isBelow(peakRssBytes, 400_000_000)
    })
  )

  it.effect("says how a program failed, and what it complained about", () =>
    Effect.gen(function* () {
      const meter = yield* Meter
      const error = yield* Effect.flip(meter.run(node(`console.error("no luck"); process.exit(4)`), 20_000))
      assert.deepStrictEqual([error.reason, error.exitCode], ["Failed", 4])
      assert.include(error.message, "no luck")
    })
  )

  it.effect("ends a program that takes too long, and does not wait for it", () =>
    Effect.gen(function* () {
      const meter = yield* Meter
      const error = yield* Effect.flip(meter.run(node("setInterval(() => {}, 1000)"), 300))
      assert.strictEqual(error.reason, "TimedOut")
    })
  )

  it.effect("follows a process that goes on, and ends it with the scope", () =>
    Effect.gen(function* () {
      const meter = yield* Meter
      const script = `console.log(JSON.stringify({ port: 7 })); 
        while (process.cpuUsage().user < 400_000);
        setInterval(() => console.log("x".repeat(1000)), 1)`
      const pid = yield* Effect.scoped(
        Effect.gen(function* () {
          const daemon = yield* meter.start(node(script))
          const before = yield* daemon.usage
          assert.deepStrictEqual(yield* announcement(daemon, Schema.Struct({ port: Schema.Int })), { port: 7 })
          const spent = Effect.map(daemon.usage, (after) =>
            Option.isSome(before) && Option.isSome(after) ? after.value.cpuSeconds - before.value.cpuSeconds : undefined
          )
          yield* Effect.repeat(spent, {
            until: (seconds) => seconds === undefined || seconds >= 0.1,
            schedule: Schedule.spaced("50 millis")
          })
          return daemon.pid
        })
      )
      assert.throws(() => process.kill(pid, 0))
    })
  )

  it.effect("does not wait for the word of a process that is gone", () =>
    Effect.gen(function* () {
      const meter = yield* Meter
      const daemon = yield* meter.start(node(`console.error("cannot start"); process.exit(2)`))
      const error = yield* Effect.flip(announcement(daemon, Schema.Unknown))
      assert.include(error.message, "cannot start")
    })
  )

  it.effect("says when there is no such program", () =>
    Effect.gen(function* () {
      const meter = yield* Meter
      const error = yield* Effect.flip(meter.run({ name: "ghost", command: "/nonexistent/ghost", args: [] }, 5000))
      assert.include(error.message, "ghost")
    })
  )
})
