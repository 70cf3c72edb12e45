import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Context, Effect, Layer } from "effect"
import * as Job from "../src/Job.ts"
import { JobFiles } from "../src/JobFiles.ts"
import { JobError } from "../src/index.ts"
import * as JobRecord from "../src/JobRecord.ts"
import type { JobId } from "../src/JobStatus.ts"
import { JobStore } from "../src/JobStore.ts"
import { JobNetwork } from "../src/JobNetwork.ts"
import { Jobs } from "../src/Jobs.ts"
import * as JobsConfig from "../src/JobsConfig.ts"
import * as MemoryRunner from "../src/MemoryRunner.ts"
import { connected, idOf, jobsAt, ready, site, url } from "./support/jobs.ts"

const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "piecework-jobs-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)

const inFolder = (directory: string) =>
  Effect.map(
    Layer.build(Layer.fresh(JobStore.layer(directory).pipe(Layer.provide(NodeServices.layer)))),
    Context.get(JobStore)
  )

const stores = {
  "in memory": Effect.suspend(() =>
    Effect.map(Layer.build(Layer.fresh(JobStore.layerMemory(new Map()))), Context.get(JobStore))
  ),
  "in a folder": Effect.flatMap(folder, (directory) => inFolder(join(directory, "made", "when needed")))
}

const recordOf = (n: number) => JobRecord.of(Job.create(idOf(n), ready, n))

for (const [name, make] of Object.entries(stores)) {
  describe(`A store of jobs ${name}`, () => {
    it.live("gives back what was put, the newest of each job", () =>
      Effect.gen(function* () {
        const store = yield* make
        assert.deepStrictEqual(yield* store.load(10), [])
        yield* store.put(recordOf(1))
        yield* store.put(recordOf(2))
        const newer = { ...recordOf(1), state: "Paused" as const, delivering: "x" }
        yield* store.put(newer)
        assert.deepStrictEqual(yield* store.load(10), [newer, recordOf(2)])
        assert.strictEqual((yield* store.load(1)).length, 1)
        yield* store.remove(idOf(1))
        yield* store.remove(idOf(1))
        assert.deepStrictEqual(yield* store.load(10), [recordOf(2)])
      })
    )
  })
}

describe("The folder of a store", () => {
  it.live("is for its owner alone", () =>
    Effect.gen(function* () {
      const directory = join(yield* folder, "jobs")
      yield* (yield* inFolder(directory)).put(recordOf(1))
      assert.strictEqual(statSync(directory).mode & 0o777, 0o700)
      assert.strictEqual(statSync(join(directory, `${idOf(1)}.json`)).mode & 0o777, 0o600)
    })
  )

  it.live("may hold anything: what is no job is set aside, what has another name is left alone", () =>
    Effect.gen(function* () {
      const directory = yield* folder
      const store = yield* inFolder(directory)
      yield* store.put(recordOf(1))
      const at = (n: number) => join(directory, `${idOf(n)}.json`)
      const good = JobRecord.encode(recordOf(1))
      writeFileSync(at(2), "")
      writeFileSync(at(3), good.slice(0, -20))
      writeFileSync(at(4), good)
      writeFileSync(at(5), " ".repeat(JobRecord.maxBytes + 1))
      mkdirSync(at(6))
      writeFileSync(at(7), JobRecord.encode(recordOf(7)).replace('"version":1', '"version":2'))
      writeFileSync(at(8), JobRecord.encode(recordOf(8)).replace("http:", "file:"))
      symlinkSync("/nowhere", at(9))
      writeFileSync(join(directory, "notes.txt"), "mine")
      writeFileSync(`${at(1)}.00000000.draft`, "half")
      assert.deepStrictEqual(yield* store.load(100), [recordOf(1)])
      // Whoever wrote that will know what to do with it.
      assert.isTrue(existsSync(at(7)))
      for (const n of [2, 3, 4, 5, 6, 8]) {
        assert.isFalse(existsSync(at(n)), String(n))
        assert.isTrue(existsSync(`${at(n)}.broken`), String(n))
      }
      assert.isTrue(existsSync(join(directory, "notes.txt")))
      assert.isFalse(readdirSync(directory).some((name) => name.endsWith(".draft")))
      assert.deepStrictEqual(yield* store.load(100), [recordOf(1)])
    })
  )

  it.live("survives whatever a crash or a stranger leaves there", () =>
    Effect.gen(function* () {
      const directory = yield* folder
      const store = yield* inFolder(directory)
      yield* store.put(recordOf(1))
      const good = JobRecord.encode(recordOf(2))
      const name = join(directory, `${idOf(2)}.json`)
      for (let length = 0; length < good.length - 1; length += 19) {
        for (const rest of ["", "\0".repeat(good.length - length), "\ufffd"]) {
          writeFileSync(name, good.slice(0, length) + rest)
          assert.deepStrictEqual(yield* store.load(10), [recordOf(1)], `torn at ${length}`)
          rmSync(`${name}.broken`, { recursive: true, force: true })
        }
      }
      for (const text of [
        "[".repeat(100_000),
        '{"version":1e400}',
        '{"version":-1}',
        '{"__proto__":{"version":1}}',
        good.replace('"state":"Created"', '"state":"Exploded"'),
        good.replace('"bytesTotal":0', '"bytesTotal":1e300'),
        good.replace("{", '{"id":"../../../etc/passwd",')
      ]) {
        writeFileSync(name, text)
        assert.isAtMost((yield* store.load(10)).length, 2)
        rmSync(`${name}.broken`, { recursive: true, force: true })
        rmSync(name, { force: true })
      }
    })
  )

  it.live("remembers where jobs make files that are not kept, and forgets it", () =>
    Effect.gen(function* () {
      const directory = join(yield* folder, "jobs")
      const store = yield* inFolder(directory)
      assert.deepStrictEqual(yield* store.marks, [])
      yield* store.mark(idOf(1), "/data/one")
      yield* store.mark(idOf(2), "/data/two")
      writeFileSync(join(directory, `${idOf(3)}.mark`), "")
      symlinkSync("relative", join(directory, `${idOf(4)}.mark`))
      symlinkSync("/data/other", join(directory, "other.mark"))
      assert.sameDeepMembers(
        [...(yield* store.marks)],
        [
          { id: idOf(1), destination: "/data/one" },
          { id: idOf(2), destination: "/data/two" }
        ]
      )
      yield* store.unmark(idOf(1))
      yield* store.unmark(idOf(1))
      assert.deepStrictEqual(yield* store.marks, [{ id: idOf(2), destination: "/data/two" }])
      assert.deepStrictEqual(yield* store.load(10), [])
    })
  )

  it.live("that cannot be used is an error with its name", () =>
    Effect.gen(function* () {
      const file = join(yield* folder, "file")
      writeFileSync(file, "")
      const error = yield* Effect.flip((yield* inFolder(file)).put(recordOf(1)))
      assert.strictEqual(error.message, `The jobs in ${file} cannot be written.`)
    })
  )
})

describe("A file of a job", () => {
  const files = Effect.map(Layer.build(JobFiles.layer.pipe(Layer.provide(NodeServices.layer))), Context.get(JobFiles))
  it.live("can be put where nothing is, and nowhere else", () =>
    Effect.gen(function* () {
      const root = yield* folder
      const service = yield* files
      writeFileSync(join(root, "file"), "")
      mkdirSync(join(root, "folder"))
      symlinkSync("/nowhere/at/all", join(root, "link"))
      const obstacle = (name: string) =>
        Effect.map(service.obstacle(join(root, name)), (number) =>
          number === undefined ? "free" : JobError.describe(number)
        )
      assert.strictEqual(yield* obstacle("new"), "free")
      assert.strictEqual(yield* obstacle("file"), "the system says EEXIST")
      assert.strictEqual(yield* obstacle("link"), "the system says EEXIST")
      assert.strictEqual(yield* obstacle("folder"), "the system says EISDIR")
      assert.strictEqual(yield* obstacle("none/new"), "the system says ENOENT")
      assert.strictEqual(yield* obstacle("file/new"), "the system says ENOTDIR")
      assert.strictEqual(yield* obstacle("x".repeat(300)), "the system says ENAMETOOLONG")
    })
  )

  it.live("keeps its identity when it is delivered, and another file has another", () =>
    Effect.gen(function* () {
      const root = yield* folder
      const service = yield* files
      const [destination, other] = [join(root, "file"), join(root, "other")]
      const draft = service.draftOf(destination, idOf(1))
      writeFileSync(draft, "bytes")
      writeFileSync(other, "bytes")
      const identity = yield* service.identity(draft)
      yield* service.deliver(draft, destination)
      assert.strictEqual(yield* service.identity(destination), identity)
      assert.notStrictEqual(yield* service.identity(other), identity)
      assert.isUndefined(yield* service.identity(draft))
      writeFileSync(draft, "more")
      assert.strictEqual(yield* Effect.flip(service.deliver(draft, destination)), 0xc0d00011)
      yield* service.remove(draft)
      yield* service.remove(draft)
      assert.deepStrictEqual(readdirSync(root).toSorted(), ["file", "other"])
    })
  )
})

const kept = (change: Partial<JobRecord.JobRecord>) => {
  const place = site()
  const job: Job.Job = {
    ...Job.create(idOf(1), { ...ready, nonVolatile: true }, 0),
    state: "Transferring",
    bytesTotal: 10,
    delivering: "this file"
  }
  const records: Map<JobId, string> = place.records
  records.set(idOf(1), JobRecord.encode({ ...JobRecord.of(job), ...change }))
  place.memory.origins.set(url, { bytes: 10, rate: 0 })
  return place
}

describe("A process that ended while a file was put into its place", () => {
  const draft = `${ready.localPath}.${idOf(1)}`

  it.effect("left it there: the job owns it", () =>
    Effect.gen(function* () {
      const place = kept({})
      place.files.set(draft, "this file").set("/data/file", "this file")
      const jobs = yield* jobsAt(place)
      assert.deepInclude(yield* jobs.status(idOf(1)), { state: "Transferred", bytesTransferred: 10 })
      assert.deepStrictEqual([...place.files.keys()], ["/data/file"])
      yield* jobs.abort(idOf(1))
      assert.strictEqual(place.files.size, 0)
    })
  )

  it.effect("had not yet: the job does it", () =>
    Effect.gen(function* () {
      const place = kept({})
      place.files.set(draft, "this file")
      const jobs = yield* jobsAt(place)
      assert.deepInclude(yield* jobs.status(idOf(1)), { state: "Transferred" })
      assert.deepStrictEqual([...place.files.keys()], ["/data/file"])
    })
  )

  it.effect("lost it: the job transfers again, and touches no other file", () =>
    Effect.gen(function* () {
      const place = kept({})
      place.files.set("/data/file", "a stranger's")
      const jobs = yield* jobsAt(place)
      assert.deepInclude(yield* jobs.status(idOf(1)), { state: "Transferring" })
      yield* jobs.abort(idOf(1))
      assert.deepStrictEqual([...place.files], [["/data/file", "a stranger's"]])
    })
  )

  it.live("and forgot the job leaves no draft of it", () =>
    Effect.gen(function* () {
      const root = yield* folder
      const services = Layer.mergeAll(JobFiles.layer, JobStore.layer(join(root, "jobs"))).pipe(
        Layer.provide(NodeServices.layer)
      )
      const context = yield* Layer.build(services)
      const [files, store] = [Context.get(context, JobFiles), Context.get(context, JobStore)]
      const destination = join(root, "file")
      yield* store.mark(idOf(1), destination)
      writeFileSync(files.draftOf(destination, idOf(1)), "half")
      writeFileSync(destination, "a stranger's")
      yield* Layer.build(
        Jobs.layer.pipe(
          Layer.provide([
            Layer.succeedContext(context),
            JobNetwork.layerOf(() => connected),
            JobsConfig.layer(),
            MemoryRunner.layer(MemoryRunner.make(), { write: () => Effect.void })
          ])
        )
      )
      assert.deepStrictEqual(readdirSync(root).toSorted(), ["file", "jobs"])
      assert.deepStrictEqual(readdirSync(join(root, "jobs")), [])
    })
  )

  it.effect("was taking the job away: the next one does the rest", () =>
    Effect.gen(function* () {
      for (const [state, left] of [
        ["Aborted", []],
        ["Finalized", ["/data/file"]]
      ] as const) {
        const place = kept({ state, ownsFile: true, delivering: null })
        place.files.set("/data/file", "this file")
        const jobs = yield* jobsAt(place)
        yield* Effect.yieldNow
        assert.deepStrictEqual(yield* jobs.enumerate(), [])
        assert.deepStrictEqual([...place.files.keys()], [...left])
        assert.strictEqual(place.records.size, 0)
      }
    })
  )
})
