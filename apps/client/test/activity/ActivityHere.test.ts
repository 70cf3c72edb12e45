import { mkdir, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { PartialFiles } from "@piecework/cache/PartialFile"
import { PieceCache } from "@piecework/cache/PieceCache"
import { ActivityPage } from "@piecework/client/ActivityPage"
import { Months } from "@piecework/download/Months"
import { Records } from "@piecework/download/Records"
import { JobFiles, JobNetwork, Jobs, JobsConfig, JobStore, MemoryRunner } from "@piecework/jobs"
import { Effect, Layer, Schedule, Schema } from "effect"
import * as ActivityHere from "../../src/activity/ActivityHere.ts"
import * as DeviceFigures from "../../src/DeviceFigures.ts"
import * as Programs from "../support/programs.ts"

const url = "http://origin.example/images/lab.wim?token=s3cret"

/** Of a device that did nothing yet. */
const noFigures = Effect.gen(function* () {
  const figures = yield* DeviceFigures.ofAgent
  return { month: yield* figures.month, moment: yield* DeviceFigures.moment(figures) }
}).pipe(
  Effect.provide(
    Layer.mergeAll(PieceCache.layerMemory, Records.layerMemory, Months.layerMemory).pipe(
      Layer.provide(PartialFiles.layerMemory)
    )
  )
)

/** A page over jobs in memory, of which one downloads; answers how to ask it. */
const serving = Effect.gen(function* () {
  const memory = MemoryRunner.make()
  const files = new Map<string, string>()
  const context = yield* Layer.build(
    Jobs.Jobs.layer.pipe(
      Layer.provide([
        JobFiles.JobFiles.layerMemory(files),
        JobNetwork.JobNetwork.layerOf(() => JobNetwork.JobNetwork.connected),
        JobStore.JobStore.layerMemory(),
        JobsConfig.layer(),
        MemoryRunner.layer(memory, { write: (path, id) => Effect.sync(() => void files.set(path, id)) })
      ])
    )
  )
  const folder = yield* Programs.folder
  yield* Effect.promise(async () => {
    await mkdir(join(folder, "assets"))
    await writeFile(join(folder, "activity.html"), "<!doctype html><title>Activity</title>")
    await writeFile(join(folder, "index.html"), "<!doctype html><title>Another page</title>")
    await writeFile(join(folder, "assets", "activity-aaaaaaaa.js"), "export {}")
    await writeFile(join(folder, "notes.txt"), "not of the page")
  })
  memory.origins.set(url, { bytes: 1_000_000, rate: 1000 })
  const jobs = yield* Effect.provide(Jobs.Jobs, context)
  const id = yield* jobs.create([
    ["Uri", url],
    ["LocalPath", "/data/lab.wim"]
  ])
  yield* jobs.start(id)
  const figures = yield* noFigures
  const open = yield* Effect.provide(
    ActivityHere.make({
      folder,
      figures: Effect.succeed(figures),
      whys: (views) => Effect.succeed(Object.fromEntries(views.map((view) => [view.id, "It goes on."])))
    }),
    context
  )
  const address = yield* open
  assert.strictEqual(yield* open, address)
  const { hash, origin } = new URL(address)
  const authorization = `Bearer ${hash.replace("#key=", "")}`
  const ask = (path: string, init: RequestInit = {}, key: string = authorization) =>
    Effect.promise(async () => {
      const response = await fetch(origin + path, { ...init, headers: { authorization: key, ...init.headers } })
      return { status: response.status, text: await response.text(), headers: response.headers }
    })
  return { ask, id, jobs, figures }
})

const decode = Schema.decodeUnknownEffect(Schema.fromJsonString(ActivityPage))

describe("The activity page", () => {
  it.live("tells of jobs and figures, and nothing of what URLs hide in their queries", () =>
    Effect.gen(function* () {
      const { ask, figures, id } = yield* serving
      const { headers, status, text } = yield* ask("/api/now")
      assert.strictEqual(status, 200)
      assert.strictEqual(headers.get("cache-control"), "no-store")
      const page = yield* decode(text)
      assert.deepStrictEqual(page.month, figures.month)
      assert.strictEqual(page.jobs[0]?.url, "http://origin.example/images/lab.wim")
      assert.strictEqual(page.jobs[0]?.state, "Transferring")
      assert.deepStrictEqual(page.why, { [id]: "It goes on." })
      assert.notInclude(text, "s3cret")
    })
  )

  it.live("lets the user of the device pause, resume and abort, and says why something cannot be", () =>
    Effect.gen(function* () {
      const { ask, id, jobs } = yield* serving
      const act = (action: string) => ask(`/api/jobs/${id}/${action}`, { method: "POST" })
      const until = (state: string) =>
        Effect.repeat(jobs.status(id), {
          until: (status) => status.state === state,
          schedule: Schedule.spaced("10 millis")
        })
      assert.strictEqual((yield* act("pause")).status, 200)
      yield* until("Paused")
      assert.strictEqual((yield* act("resume")).status, 200)
      yield* until("Transferring")
      const refused = yield* act("finalize")
      assert.strictEqual(refused.status, 409)
      assert.match(refused.text, /^\{"error":".+"\}$/)
      assert.strictEqual((yield* act("abort")).status, 200)
      assert.strictEqual((yield* act("abort")).status, 409)
    })
  )

  it.live("serves its own files and no others, under a policy that runs nothing else", () =>
    Effect.gen(function* () {
      const { ask } = yield* serving
      const page = yield* ask("/", {}, "")
      assert.include(page.text, "<title>Activity</title>")
      assert.include(page.headers.get("content-security-policy") ?? "", "default-src 'none'")
      assert.strictEqual((yield* ask("/assets/activity-aaaaaaaa.js", {}, "")).status, 200)
      for (const path of ["/index.html", "/notes.txt", "/../package.json", "/%2e%2e/package.json", "/assets"]) {
        assert.strictEqual((yield* ask(path, {}, "")).status, 404, path)
      }
    })
  )

  it.live("answers nobody without its secret, and no other page", () =>
    Effect.gen(function* () {
      const { ask, id, jobs } = yield* serving
      assert.strictEqual((yield* ask("/api/now", {}, "")).status, 401)
      assert.strictEqual((yield* ask(`/api/jobs/${id}/abort`, { method: "POST" }, "Bearer guess")).status, 401)
      const elsewhere = { headers: { origin: "http://attacker.example" } }
      assert.strictEqual((yield* ask("/api/now", elsewhere)).status, 403)
      assert.strictEqual((yield* ask(`/api/jobs/${id}/abort`, { method: "POST", ...elsewhere })).status, 403)
      assert.strictEqual((yield* ask(`/api/jobs/${id}/pause`, { method: "POST", body: "x" })).status, 413)
      assert.strictEqual((yield* jobs.status(id)).state, "Transferring")
    })
  )
})
