import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Option, Redacted } from "effect"
import * as Enrolment from "../src/Enrolment.ts"

const root = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "piecework-enrolment-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)

const of = (service: string, credential = "pwd_secret") =>
  new Enrolment.Enrolment({ service, device: "d1", credential: Redacted.make(credential) })

describe("An enrolment", () => {
  it.live("is kept for its owner only, and found by any URL of its service", () =>
    Effect.gen(function* () {
      const folder = yield* root
      yield* Enrolment.store(folder, of("https://service:7670"))
      const file = Enrolment.fileOf(folder, "https://service:7670/")
      assert.deepStrictEqual(
        [file, join(folder, "enrolments")].map((path) => (statSync(path).mode & 0o777).toString(8)),
        ["600", "700"]
      )
      const found = yield* Effect.flatMap(Enrolment.load(folder, "https://service:7670/x"), Effect.fromOption)
      assert.strictEqual(Redacted.value(found.credential), "pwd_secret")
      assert.notInclude(JSON.stringify(found) + String(found.credential), "pwd_secret")
      for (const other of ["http://service:7670", "https://service", "https://other:7670"]) {
        assert.isTrue(Option.isNone(yield* Enrolment.load(folder, other)), other)
      }
    })
  )

  it.live("takes the place of the one before in one step, and leaves nothing else behind", () =>
    Effect.gen(function* () {
      const folder = yield* root
      yield* Enrolment.store(folder, of("https://s", "pwd_one"))
      yield* Enrolment.store(folder, of("https://s", "pwd_two"))
      const found = yield* Effect.flatMap(Enrolment.load(folder, "https://s"), Effect.fromOption)
      assert.strictEqual(Redacted.value(found.credential), "pwd_two")
      assert.lengthOf(readdirSync(join(folder, "enrolments")), 1)
      assert.isTrue(yield* Enrolment.remove(folder, "https://s"))
      assert.isFalse(yield* Enrolment.remove(folder, "https://s"))
      assert.isTrue(Option.isNone(yield* Enrolment.load(folder, "https://s")))
    })
  )

  it.live("of one service is no enrolment at another, whatever the name of its file", () =>
    Effect.gen(function* () {
      const folder = yield* root
      yield* Enrolment.store(folder, of("https://good"))
      renameSync(Enrolment.fileOf(folder, "https://good"), Enrolment.fileOf(folder, "https://evil"))
      assert.strictEqual((yield* Effect.flip(Enrolment.load(folder, "https://evil"))).reason, "Damaged")
    })
  )

  it.live("that is cut off, empty, a folder or nonsense is damaged, and none is none", () =>
    Effect.gen(function* () {
      const folder = yield* root
      assert.isTrue(Option.isNone(yield* Enrolment.load(join(folder, "nowhere"), "https://s")))
      const file = Enrolment.fileOf(folder, "https://s")
      const reason = Effect.map(Effect.flip(Enrolment.load(folder, "https://s")), (error) => error.reason)
      yield* Enrolment.store(folder, of("https://s"))
      truncateSync(file, 20)
      assert.strictEqual(yield* reason, "Damaged")
      for (const text of ["", "null", "[]", '{"service":"https://s"}', "x".repeat(300_000)]) {
        writeFileSync(file, text)
        assert.strictEqual(yield* reason, "Damaged")
      }
      rmSync(file)
      mkdirSync(file)
      assert.strictEqual(yield* reason, "Unreadable")
    })
  )
})
