import { appendFileSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import { Months, Sums } from "@piecework/download"
import { Effect, Exit, Layer, Logger, Scope } from "effect"
import { TestClock } from "effect/testing"

const temporary = Effect.acquireRelease(
  Effect.promise(() => mkdtemp(join(tmpdir(), "piecework-uploads-"))),
  (path) => Effect.promise(() => rm(path, { recursive: true, force: true }))
)

/** Another process on the folder, which ends with its scope. */
const counter = (folder: string) =>
  Effect.map(
    Layer.build(Layer.fresh(Months.Months.layer(folder).pipe(Layer.provide(NodeServices.layer)))),
    (context) => context.mapUnsafe.get(Months.Months.key) as Months.Months["Service"]
  )

const at = (year: number, month: number, day: number, hour = 12) =>
  TestClock.setTime(new Date(year, month - 1, day, hour).getTime())

const folder = Effect.map(
  Effect.tap(temporary, () => at(2026, 11, 20)),
  (root) => join(root, "months")
)
const sentOf = (months: Months.Months["Service"]) => Effect.map(months.look, ({ sums }) => sums.toInternet)

/** What was logged meanwhile. */
const warnings = <A, E, R>(effect: Effect.Effect<A, E, R>) => {
  const lines: Array<string> = []
  const logger = Logger.layer([Logger.make(({ message }) => void lines.push(String(message)))])
  return Effect.map(Effect.provide(effect, logger), () => lines)
}

describe("what Internet peers were sent in a month", () => {
  it.effect("is known at once, to other processes after a look, and after a kill", () =>
    Effect.gen(function* () {
      const root = yield* folder
      const [one, two] = [yield* counter(root), yield* counter(root)]
      one.add({ toInternet: 100 })
      assert.deepStrictEqual(one.sum(), { month: "2026-11", sums: { ...Sums.none, toInternet: 100 } })
      assert.strictEqual(yield* sentOf(two), 0)
      assert.strictEqual(yield* sentOf(one), 100)
      assert.strictEqual(yield* sentOf(two), 100)
      two.add({ toInternet: 11 })
      assert.strictEqual(yield* sentOf(two), 111)
      assert.strictEqual(yield* sentOf(one), 111)
      assert.strictEqual(yield* sentOf(one), 111)
      // Neither has ended when a third begins.
      assert.strictEqual(yield* sentOf(yield* counter(root)), 111)
    })
  )

  it.effect("is kept at the end of a process, and no folder is made for nothing", () =>
    Effect.gen(function* () {
      const root = yield* folder
      const scope = yield* Scope.make()
      const one = yield* Scope.provide(counter(root), scope)
      assert.strictEqual(yield* sentOf(one), 0)
      assert.isFalse(existsSync(root))
      one.add({ toInternet: 5 })
      yield* Scope.close(scope, Exit.void)
      assert.strictEqual(yield* sentOf(yield* counter(root)), 5)
    })
  )

  it.effect("counts once when very many count together", () =>
    Effect.gen(function* () {
      const root = yield* folder
      const all = yield* Effect.forEach(Array.from({ length: 8 }), () => counter(root))
      yield* Effect.forEach(
        all,
        (one) =>
          Effect.repeat(
            Effect.andThen(
              Effect.sync(() => one.add({ toInternet: 7 })),
              one.look
            ),
            { times: 49 }
          ),
        { concurrency: "unbounded", discard: true }
      )
      for (const one of all) assert.strictEqual(yield* sentOf(one), 8 * 50 * 7)
    })
  )

  it.effect("begins anew with the month of the device's own calendar", () =>
    Effect.gen(function* () {
      const root = yield* folder
      const one = yield* counter(root)
      yield* at(2026, 11, 30, 23)
      one.add({ toInternet: 100 })
      yield* one.look
      yield* TestClock.adjust("59 minutes")
      assert.strictEqual(yield* sentOf(one), 100)
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(yield* one.look, { month: "2026-12", sums: Sums.none })
      one.add({ toInternet: 1 })
      assert.strictEqual(yield* sentOf(one), 1)
      // What was sent since the last look was sent in the month that has just ended.
      one.add({ toInternet: 2 })
      yield* at(2027, 1, 1)
      assert.deepStrictEqual(yield* one.look, { month: "2027-01", sums: Sums.none })
      assert.strictEqual(readFileSync(join(root, "2026-12.log"), "utf8"), "\nui=1;\n\nui=2;\n")
    })
  )

  it.effect("is no less for a clock that is set back", () =>
    Effect.gen(function* () {
      const root = yield* folder
      const one = yield* counter(root)
      one.add({ toInternet: 100 })
      yield* one.look
      yield* at(2026, 10, 1)
      assert.strictEqual(yield* sentOf(one), 100)
      one.add({ toInternet: 10 })
      assert.strictEqual(yield* sentOf(one), 110)
      assert.strictEqual(yield* sentOf(yield* counter(root)), 110)
      // What was sent while the clock stood wrong is of that month, and nothing is lost of this one.
      yield* at(2026, 11, 21)
      assert.strictEqual(yield* sentOf(one), 100)
    })
  )

  it.effect("keeps a year of months that are over", () =>
    Effect.gen(function* () {
      const root = yield* folder
      mkdirSync(root)
      for (let month = 1; month <= 12; month++) {
        for (const year of [2024, 2025]) {
          writeFileSync(join(root, `${year}-${String(month).padStart(2, "0")}.log`), "\n1;\n")
        }
      }
      yield* (yield* counter(root)).look
      assert.isFalse(existsSync(join(root, "2024-12.log")))
      assert.isTrue(existsSync(join(root, "2025-01.log")))
    })
  )
})

describe("a hostile or damaged count", () => {
  for (const [name, text, sum, isStrange] of [
    ["a line that was torn", "\n100;\n\n12\n5;\n", 105, false],
    ["zeros after a power cut", `\n100;\n${"\0".repeat(300)}\n5;\n`, 105, true],
    ["a negative number", "\n-5;\n7;\n", 7, true],
    ["more than any line carries", "\n9999999999999;\n7;\n", 7, true],
    ["a novel", `${"a".repeat(200_000)}\n7;\n`, 7, true],
    ["an end without a line", "\n7;\n99", 7, false],
    ["CRLF", "7;\r\n", 0, true]
  ] as const) {
    it.effect(`with ${name} counts the rest${isStrange ? ", and warns once" : ""}`, () =>
      Effect.gen(function* () {
        const root = yield* folder
        mkdirSync(root)
        writeFileSync(join(root, "2026-11.log"), text)
        const told = yield* warnings(
          Effect.gen(function* () {
            const one = yield* counter(root)
            assert.strictEqual(yield* sentOf(one), sum)
            one.add({ toInternet: 3 })
            assert.strictEqual(yield* sentOf(one), sum + 3)
            appendFileSync(join(root, "2026-11.log"), "nonsense\n")
            yield* one.look
          })
        )
        assert.lengthOf(told, 1)
      })
    )
  }

  it.effect("that is no file is left alone, and this process counts for itself", () =>
    Effect.gen(function* () {
      const root = yield* folder
      mkdirSync(join(root, "2026-11.log"), { recursive: true })
      const told = yield* warnings(
        Effect.gen(function* () {
          const one = yield* counter(root)
          one.add({ toInternet: 3 })
          assert.strictEqual(yield* sentOf(one), 3)
          one.add({ toInternet: 4 })
          assert.strictEqual(yield* sentOf(one), 7)
          yield* at(2026, 12, 1)
          assert.strictEqual(yield* sentOf(one), 0)
        })
      )
      assert.lengthOf(told, 1)
    })
  )

  it.effect("that is a link is neither read nor written", () =>
    Effect.gen(function* () {
      const root = yield* folder
      mkdirSync(root)
      const elsewhere = join(root, "elsewhere")
      writeFileSync(elsewhere, "\n500;\n")
      symlinkSync(elsewhere, join(root, "2026-11.log"))
      const one = yield* counter(root)
      one.add({ toInternet: 3 })
      assert.strictEqual(yield* sentOf(one), 3)
      assert.strictEqual(readFileSync(elsewhere, "utf8"), "\n500;\n")
    })
  )
})
