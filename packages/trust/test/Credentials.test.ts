import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it, layer } from "@effect/vitest"
import { Identity } from "@piecework/cloud"
import { Database } from "@piecework/database"
import * as DatabaseConfig from "@piecework/database/DatabaseConfig"
import { TestPostgres } from "@piecework/testpostgres"
import { Effect, Layer, Option, Redacted } from "effect"
import { TestClock } from "effect/testing"
import { Audit } from "../src/Audit.ts"
import { Credentials, type Issued } from "../src/Credentials.ts"
import * as Token from "../src/Token.ts"

const over = <E>(database: Layer.Layer<Database.Database, E>) =>
  Credentials.layer.pipe(Layer.provideMerge(Audit.layer), Layer.provide(database))

/** In a file of a folder that is gone with the scope. */
const inFile = Layer.unwrap(
  Effect.map(
    Effect.acquireRelease(
      Effect.sync(() => mkdtempSync(join(tmpdir(), "piecework-trust-"))),
      (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
    ),
    (directory) => Database.Database.layer.pipe(Layer.provide(DatabaseConfig.layer({ directory })))
  )
)

const missing = await TestPostgres.missing()

const onServer = (url: Redacted.Redacted) => Database.Database.layer.pipe(Layer.provide(DatabaseConfig.layer({ url })))

const secretOf = ({ token }: Issued): string => Redacted.value(token)
const who = Identity.local
const hours = (n: number) => n * 3_600_000

for (const [name, live] of [
  ["in memory", over(Database.Database.layerMemory)],
  ["in a file", over(inFile)],
  ...(missing === undefined
    ? [["on PostgreSQL", over(Layer.unwrap(Effect.map(TestPostgres.url, onServer)))] as const]
    : [])
] as const) {
  layer(live, { timeout: "60 seconds" })(`Credentials ${name}`, (spec) => {
    spec.effect("are kept without their secret", () =>
      Effect.gen(function* () {
        const credentials = yield* Credentials
        const issued = yield* credentials.issue(who, {
          kind: "Operator",
          name: "ci",
          scopes: ["Publish"],
          expiresAt: 5
        })
        const kept = yield* Effect.flatMap(credentials.find(issued.credential.id), Effect.fromOption)
        assert.deepStrictEqual(kept.credential, issued.credential)
        assert.strictEqual(kept.hash, Token.hashOf(secretOf(issued)))
        assert.notInclude(JSON.stringify(kept), secretOf(issued).slice(-43))
      })
    )

    spec.effect("of an operator open sessions: sixteen at most, none longer than a working day or than the token", () =>
      Effect.gen(function* () {
        const credentials = yield* Credentials
        yield* TestClock.setTime(hours(1))
        const wanted = { kind: "Operator", name: "reader", scopes: ["Read"] } as const
        const lasting = yield* credentials.issue(who, { ...wanted, expiresAt: null })
        const ending = yield* credentials.issue(who, { ...wanted, expiresAt: hours(2) })
        const open = (issued: Issued) => credentials.openSession(issued.credential.id)
        const opened = yield* Effect.flatMap(open(lasting), Effect.fromOption)
        const { expiresAt, kind, operator, scopes } = opened.credential
        assert.deepStrictEqual(
          [kind, operator, scopes, expiresAt],
          ["Session", lasting.credential.id, ["Read"], hours(13)]
        )
        const short = yield* Effect.flatMap(open(ending), Effect.fromOption)
        assert.strictEqual(short.credential.expiresAt, hours(2))

        for (let n = 1; n <= 20; n++) {
          yield* TestClock.adjust(1000)
          yield* open(lasting)
        }
        const all = yield* credentials.list("Session", { most: 100 })
        assert.strictEqual(all.filter((one) => one.operator === lasting.credential.id).length, 16)
        assert.isTrue(Option.isNone(yield* credentials.find(opened.credential.id)), "the oldest goes")
        const before = yield* credentials.changes
        yield* credentials.revoke(who, "Operator", lasting.credential.id)
        assert.isAbove(yield* credentials.changes, before)
        const now = hours(1) + 20_000
        const left = yield* credentials.list("Session", { most: 100 })
        assert.deepStrictEqual(
          left.filter((one) => one.isAlive(now)).map(({ id }) => id),
          [short.credential.id]
        )
        assert.isTrue(Option.isNone(yield* open(lasting)), "a token that is good for nothing opens nothing")
        yield* TestClock.setTime(hours(3))
        assert.isTrue(Option.isNone(yield* open(ending)))
      })
    )

    spec.effect("are found by a part of their name or id, by pages", () =>
      Effect.gen(function* () {
        const credentials = yield* Credentials
        for (const called of ["Lab 50%", "lab-51", "other_lab", "office"]) {
          yield* credentials.issue(who, { kind: "Enrolment", name: called, groups: [], uses: 1, expiresAt: null })
        }
        const found = (search: string, most = 10) =>
          Effect.map(credentials.list("Enrolment", { most, search }), (all) => all.map((one) => one.name).toSorted())
        assert.deepStrictEqual(yield* found("LAB"), ["Lab 50%", "lab-51", "other_lab"])
        assert.deepStrictEqual(yield* found("0%"), ["Lab 50%"], "a text, and no pattern")
        assert.deepStrictEqual(yield* found("r_l"), ["other_lab"])
        assert.lengthOf(yield* found("lab", 2), 2)
      })
    )

    spec.effect("for enrolling are good for as many devices as was said, who get its groups", () =>
      Effect.gen(function* () {
        const credentials = yield* Credentials
        const wanted = { kind: "Enrolment", name: "lab", groups: ["lab", "all"], uses: 3, expiresAt: null } as const
        const enrolment = yield* credentials.issue(who, wanted)
        const token = secretOf(enrolment)
        // All at once: none may slip through.
        const tries = yield* Effect.all(
          Array.from({ length: 8 }, (_, n) => Effect.result(credentials.enrol(token, `pc-${n}`))),
          { concurrency: "unbounded" }
        )
        const won = tries.flatMap((one) => (one._tag === "Success" ? [one.success] : []))
        const lost = tries.flatMap((one) => (one._tag === "Failure" ? [one.failure] : []))
        assert.deepStrictEqual([won.length, lost.length], [3, 5])
        assert.deepStrictEqual(won[0]?.credential.groups, ["lab", "all"])
        assert.deepStrictEqual(won[0]?.credential.enrolment, enrolment.credential.id)
        assert.isUndefined(enrolment.credential.enrolment)
        assert.isTrue(lost.every((error) => error._tag === "EnrolmentRefused" && error.reason === "UsedUp"))
        assert.strictEqual(new Set(won.map(({ credential }) => credential.id)).size, 3)
      })
    )

    spec.effect("for enrolling are refused when expired, revoked, or of another kind", () =>
      Effect.gen(function* () {
        const credentials = yield* Credentials
        yield* TestClock.setTime(1_000)
        const make = (expiresAt: number | null) =>
          credentials.issue(who, { kind: "Enrolment", name: "e", groups: [], uses: 9, expiresAt })
        const reasonOf = (token: string) =>
          Effect.map(Effect.flip(credentials.enrol(token, "pc")), (error) => "reason" in error && error.reason)
        assert.strictEqual(yield* reasonOf(secretOf(yield* make(1_000))), "Expired")
        const revoked = yield* make(null)
        yield* credentials.revoke(who, "Enrolment", revoked.credential.id)
        assert.strictEqual(yield* reasonOf(secretOf(revoked)), "Revoked")
        const operator = yield* credentials.issue(who, {
          kind: "Operator",
          name: "o",
          scopes: ["Admin"],
          expiresAt: null
        })
        assert.strictEqual(yield* reasonOf(secretOf(operator)), "Unknown")
        const good = secretOf(yield* make(null))
        assert.strictEqual(yield* reasonOf(`${good.slice(0, -1)}${good.endsWith("A") ? "B" : "A"}`), "Wrong")
        assert.strictEqual(yield* reasonOf(""), "Malformed")
      })
    )

    spec.effect("count what makes others' memory of them wrong, and nothing else", () =>
      Effect.gen(function* () {
        const credentials = yield* Credentials
        const token = yield* credentials.issue(who, {
          kind: "Enrolment",
          name: "e",
          groups: [],
          uses: 9,
          expiresAt: null
        })
        const { credential } = yield* credentials.enrol(secretOf(token), "pc")
        const before = yield* credentials.changes
        yield* credentials.enrol(secretOf(token), "pc-2")
        yield* credentials.used(new Map([[credential.id, 77]]))
        assert.strictEqual(yield* credentials.changes, before)
        yield* credentials.setGroups(who, credential.id, ["x"])
        yield* credentials.revoke(who, "Device", credential.id)
        yield* credentials.revoke(who, "Device", credential.id)
        assert.strictEqual(yield* credentials.changes, before + 2)
        const kept = yield* Effect.flatMap(credentials.find(credential.id), Effect.fromOption)
        assert.deepStrictEqual([kept.credential.usedAt, kept.credential.groups], [77, ["x"]])
      })
    )

    spec.effect("of a kind are not found under another", () =>
      Effect.gen(function* () {
        const credentials = yield* Credentials
        const token = yield* credentials.issue(who, {
          kind: "Enrolment",
          name: "e",
          groups: [],
          uses: 1,
          expiresAt: null
        })
        const { id } = token.credential
        assert.isTrue(Option.isNone(yield* credentials.revoke(who, "Device", id)))
        assert.isTrue(Option.isNone(yield* credentials.setGroups(who, id, [])))
        assert.isTrue(Option.isNone(yield* credentials.rotate(id)))
        const devices = yield* credentials.list("Device", { most: 100 })
        assert.isFalse(devices.some((one) => one.id === id))
      })
    )

    spec.effect("come in pages that leave none out", () =>
      Effect.gen(function* () {
        const credentials = yield* Credentials
        const found: Array<string> = []
        for (let after = ""; ;) {
          const page = yield* credentials.list("Enrolment", { most: 2, after })
          found.push(...page.map(({ id }) => id))
          const last = page.at(-1)
          if (last === undefined) break
          after = last.id
        }
        const all = yield* credentials.list("Enrolment", { most: 1000 })
        assert.deepStrictEqual(
          found,
          all.map(({ id }) => id)
        )
        assert.isAbove(all.length, 3)
      })
    )

    spec.effect("leave a line in the audit log for each change, and no secret", () =>
      Effect.gen(function* () {
        const credentials = yield* Credentials
        const { entries } = yield* Audit
        const token = yield* credentials.issue(who, {
          kind: "Enrolment",
          name: "e",
          groups: ["a"],
          uses: 9,
          expiresAt: null
        })
        const device = yield* credentials.enrol(secretOf(token), "pc")
        const { id } = device.credential
        yield* credentials.setGroups(who, id, ["b"])
        const rotated = yield* Effect.flatMap(credentials.rotate(id), Effect.fromOption)
        yield* credentials.revoke(who, "Device", id)
        yield* credentials.revoke(who, "Enrolment", token.credential.id)
        const log = yield* entries({ most: 6 })
        assert.deepStrictEqual(
          log.map(({ action, who: by }) => `${by}: ${action}`),
          [
            "operator local: enrolment.revoke",
            "operator local: device.revoke",
            `device ${id}: device.rotate`,
            "operator local: device.groups",
            `device ${id}: device.enrol`,
            "operator local: enrolment.create"
          ]
        )
        for (const issued of [token, device, rotated]) {
          assert.notInclude(JSON.stringify(log), secretOf(issued).slice(-43))
        }
      })
    )
  })
}

describe("A database of credentials", () => {
  it.live("holds no secret in any of its bytes", () =>
    Effect.gen(function* () {
      const directory = mkdtempSync(join(tmpdir(), "piecework-trust-"))
      yield* Effect.addFinalizer(() => Effect.sync(() => rmSync(directory, { recursive: true, force: true })))
      const database = Database.Database.layer.pipe(Layer.provide(DatabaseConfig.layer({ directory })))
      const secrets = yield* Effect.gen(function* () {
        const credentials = yield* Credentials
        const token = yield* credentials.issue(who, {
          kind: "Enrolment",
          name: "e",
          groups: [],
          uses: 1,
          expiresAt: null
        })
        return [secretOf(token), secretOf(yield* credentials.enrol(secretOf(token), "pc"))]
      }).pipe(Effect.provide(over(database)))
      const bytes = readFileSync(join(directory, "service.sqlite")).toString("latin1")
      for (const secret of secrets) assert.notInclude(bytes, secret.slice(-43))
      assert.include(bytes, secrets[0]?.slice(4, 20) ?? "the id")
    })
  )
})
