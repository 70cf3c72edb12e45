/**
 * A process with jobs in a folder, which does what its random numbers say and announces each call that was answered, until it is killed.
 * First it tells what the jobs are that it found. Arguments: the folder, the seed.
 */
import { randomBytes } from "node:crypto"
import { readdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Effect, Layer } from "effect"
import * as JobFiles from "../../src/JobFiles.ts"
import { JobNetwork } from "../../src/JobNetwork.ts"
import { Jobs } from "../../src/Jobs.ts"
import * as JobsConfig from "../../src/JobsConfig.ts"
import { JobStore } from "../../src/JobStore.ts"
import * as MemoryRunner from "../../src/MemoryRunner.ts"
import { connected, url } from "./jobs.ts"

const [, , folder = "", seed = "1"] = process.argv
const files = join(folder, "files")
const memory = MemoryRunner.make()
memory.origins.set(url, { bytes: 100, rate: 5000 })

let state = Number(seed) | 1
const random = (below: number): number => {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
  return (state >>> 8) % below
}

const tell = (event: object) =>
  Effect.callback<void>((resume) => void process.stdout.write(`${JSON.stringify(event)}\n`, () => resume(Effect.void)))

const services = Jobs.layer.pipe(
  Layer.provide([
    JobFiles.JobFiles.layer,
    JobNetwork.layerOf(() => connected),
    JobStore.layer(join(folder, "jobs")),
    JobsConfig.layer(),
    MemoryRunner.layer(memory, { write: (path, id) => Effect.sync(() => writeFileSync(path, `made by ${id}`)) })
  ]),
  Layer.provide(NodeServices.layer)
)

await Effect.runPromise(
  Effect.gen(function* () {
    const jobs = yield* Jobs
    const found = yield* Effect.forEach(yield* jobs.enumerate(), (id) =>
      Effect.all([jobs.status(id), jobs.getProperty(id, "DisplayName"), jobs.getProperty(id, "LocalPath")])
    )
    yield* tell({
      found: found.map(([{ id, state: is }, name, path]) => ({ id, state: is, name, path })),
      files: readdirSync(files)
    })
    while (true) {
      const ids = yield* jobs.enumerate()
      const id = ids[random(Math.max(1, ids.length))]
      const what = random(12)
      if (id === undefined || (what < 4 && ids.length < 12)) {
        const path = join(files, randomBytes(6).toString("hex"))
        const made = yield* jobs.create([
          ["Uri", url],
          ["LocalPath", path],
          ["NonVolatile", "true"]
        ])
        yield* tell({ call: "create", id: made, path })
        continue
      }
      const name = `name ${random(1000)}`
      const calls = [
        ["start", jobs.start(id)],
        ["pause", jobs.pause(id)],
        ["finalize", jobs.finalize(id)],
        ["abort", jobs.abort(id)],
        ["name", jobs.setProperty(id, "DisplayName", name)]
      ] as const
      const [call, effect] = calls[what === 0 ? 3 : what < 6 ? 0 : what < 8 ? 1 : what < 10 ? 2 : 4] ?? calls[0]
      yield* tell({ asks: call, id, name })
      const done = yield* Effect.result(effect)
      if (done._tag === "Success") yield* tell({ call, id, name })
    }
  }).pipe(Effect.provide(services))
)
