import { randomBytes } from "node:crypto"
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { contentId, joinOf, post } from "./Local.ts"
import { folder, freePort, run, runWith, serving } from "./Program.ts"

/** A data folder with one content. */
const published = Effect.gen(function* () {
  const directory = yield* folder
  const data = join(directory, "data")
  const file = join(directory, "a.bin")
  writeFileSync(file, randomBytes(1_500_000))
  const { stdout } = yield* run("publish", file, "--url", "http://origin.test/a.bin", "--data", data)
  return { directory, data, id: stdout.trim() }
})

describe("piecework-service swarm", () => {
  it.live("shows an operator who may read the swarms of a running service, and nobody else", () =>
    Effect.gen(function* () {
      const data = yield* folder
      const made = yield* run("token", "create", "--name", "reader", "--scope", "read", "--data", data, "--json")
      assert.strictEqual(made.code, 0, made.stderr)
      const { token } = JSON.parse(made.stdout) as { readonly token: string }
      const { url } = yield* serving(data, "--unknown-contents", "take")
      yield* post(`${url}/rpc/array`, "Join", joinOf(1, 0))
      for (const n of [2, 3]) yield* post(`${url}/rpc/array`, "Join", joinOf(n, 10))

      const asReader = { PIECEWORK_TOKEN: token }
      const listed = yield* runWith(asReader, "swarm", "list", "--service", url, "--json")
      assert.deepStrictEqual(JSON.parse(listed.stdout), { count: 1, swarms: [{ swarm: contentId, members: 3 }] })
      const shown = yield* runWith(asReader, "swarm", "show", contentId, "--service", url, "--json")
      assert.deepStrictEqual(JSON.parse(shown.stdout), {
        members: 3,
        complete: 1,
        restricted: 0,
        siteCount: 1,
        sites: [{ site: "private", members: 3, complete: 1 }],
        leaseMembers: 0,
        leasedPieces: 0
      })
      const other = yield* runWith({ PIECEWORK_TOKEN: `${token}x` }, "swarm", "list", "--service", url)
      assert.strictEqual(other.code, 6, other.stderr)
      assert.notInclude(other.stderr, token)
    })
  )
})

describe("piecework-service status", () => {
  it.live("says whether each role works, and ends with 7 where nobody answers", () =>
    Effect.gen(function* () {
      const { url } = yield* serving(yield* folder, "--roles", "array", "--unknown-contents", "take")
      const well = yield* run("status", "--service", url)
      assert.strictEqual(well.code, 0, well.stderr)
      assert.match(well.stdout, /^ok  version \S+\n  process +ok\n  array +ok\n$/)
      const gone = yield* run("status", "--service", `http://127.0.0.1:${yield* freePort}`)
      assert.strictEqual(gone.code, 7)
    })
  )
})

describe("piecework-service backup", () => {
  it.live("copies the database of a running service, from which another one knows all that was published", () =>
    Effect.gen(function* () {
      const { data, directory, id } = yield* published
      const { url } = yield* serving(data)
      const copy = join(directory, "copy.sqlite")
      const made = yield* run("backup", copy, "--data", data)
      assert.strictEqual(made.code, 0, made.stderr)
      assert.isFalse(existsSync(`${copy}.part`))
      // What comes after it is not in it; the service goes on.
      assert.strictEqual((yield* Effect.promise(() => fetch(`${url}/ready`))).status, 200)
      yield* run("unpublish", id, "--data", data)

      const restored = join(directory, "restored")
      mkdirSync(restored)
      cpSync(copy, join(restored, "service.sqlite"))
      const again = yield* serving(restored)
      const phf = yield* Effect.promise(() => fetch(`${again.url}/phf/${id}`))
      assert.strictEqual(phf.status, 200)
      assert.strictEqual((yield* Effect.promise(() => fetch(`${url}/phf/${id}`))).status, 404)
    })
  )

  it.live("writes over nothing, and makes none of nothing", () =>
    Effect.gen(function* () {
      const { data, directory } = yield* published
      const taken = join(directory, "taken")
      writeFileSync(taken, "precious")
      assert.strictEqual((yield* run("backup", taken, "--data", data)).code, 4)
      assert.strictEqual(readFileSync(taken, "utf8"), "precious")
      const nothing = yield* run("backup", join(directory, "b"), "--data", join(directory, "nowhere"))
      assert.strictEqual(nothing.code, 5)
      assert.isFalse(existsSync(join(directory, "nowhere")))
    })
  )
})

describe("piecework-service migrate", () => {
  it.live("says what is to be done and changes nothing, does it, and is content", () =>
    Effect.gen(function* () {
      const { data } = yield* published
      const file = join(data, "service.sqlite")
      const tables = () => {
        const database = new DatabaseSync(file, { readOnly: true })
        const names = database.prepare("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name").all()
        database.close()
        return names.map(({ name }) => name)
      }
      const before = tables()
      const checked = yield* run("migrate", "--check", "--data", data)
      assert.strictEqual(checked.code, 21, checked.stderr)
      assert.match(checked.stderr, /^To be migrated: .*trust from 0 to 1/)
      assert.deepStrictEqual(tables(), before)
      assert.strictEqual((yield* run("migrate", "--data", data)).code, 0)
      const done = yield* run("migrate", "--check", "--data", data)
      assert.deepStrictEqual([done.code, done.stderr], [0, "The database is up to date.\n"])
    })
  )

  it.live("refuses a database that a later version made", () =>
    Effect.gen(function* () {
      const { data } = yield* published
      const database = new DatabaseSync(join(data, "service.sqlite"))
      database.exec("INSERT INTO catalog_migrations (migration_id, name) VALUES (99, 'later')")
      database.close()
      const { code, stderr } = yield* run("migrate", "--check", "--data", data)
      assert.strictEqual(code, 11)
      assert.match(stderr, /made by a later version/)
    })
  )
})
