/**
 * `PIECEWORK_KILLS` is how many times a process is killed; 100 by default. The process is bundled into one file first, which starts in a
 * fifth of the time that its sources take.
 */
import { spawn } from "node:child_process"
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { basename, join } from "node:path"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { build } from "rolldown"

const kills = Number(process.env["PIECEWORK_KILLS"] ?? "100")
const chains = 4

interface Found {
  readonly id: string
  readonly state: string
  readonly name: string
  readonly path: string
}

type Event =
  | { readonly found: ReadonlyArray<Found>; readonly files: ReadonlyArray<string> }
  | { readonly asks: string; readonly id: string; readonly name: string }
  | { readonly call: string; readonly id: string; readonly name?: string; readonly path?: string }

const folderFor = (prefix: string) =>
  Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), prefix))),
    (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
  )

/** The worker as one file. */
const bundled = Effect.flatMap(folderFor("piecework-worker-"), (folder) => {
  const file = join(folder, "worker.mjs")
  return Effect.as(
    Effect.promise(() =>
      build({
        input: fileURLToPath(new URL("support/worker.ts", import.meta.url)),
        platform: "node",
        logLevel: "warn",
        resolve: { conditionNames: ["source", "import", "node", "default"] },
        output: { format: "esm", comments: false, codeSplitting: false, file }
      })
    ),
    file
  )
})

/** Runs the worker and kills it some moments after so many events. */
const lifeOf = (program: string, folder: string, seed: number, events: number) =>
  Effect.callback<ReadonlyArray<Event>>((resume) => {
    const child = spawn(process.execPath, [program, folder, String(seed)], { stdio: ["ignore", "pipe", "inherit"] })
    const seen: Array<Event> = []
    createInterface({ input: child.stdout }).on("line", (line) => {
      seen.push(JSON.parse(line) as Event)
      if (seen.length === events) setTimeout(() => child.kill("SIGKILL"), (seed + events) % 4)
    })
    child.on("close", () => resume(Effect.succeed(seen)))
    return Effect.sync(() => void child.kill("SIGKILL"))
  })

/** What a job may be, by what was answered of it. */
interface Known {
  readonly path: string
  name: string
  states: ReadonlyArray<string>
}

/** After a start it may have come to its end by itself. */
const going = ["Transferring", "Transferred"]
const after: { readonly [call: string]: (before: ReadonlyArray<string>) => ReadonlyArray<string> } = {
  create: () => ["Created"],
  start: () => going,
  pause: (before) => [
    ...new Set(before.flatMap((state) => (state === "Transferring" ? ["Paused", "Transferred"] : [state])))
  ],
  name: (before) => before
}

const chain = (program: string, seed: number, lives: number) =>
  Effect.gen(function* () {
    const folder = yield* folderFor("piecework-kill-")
    mkdirSync(join(folder, "files"))
    const known = new Map<string, Known>()
    let asked: { readonly asks: string; readonly id: string; readonly name: string } | undefined
    let answers = 0
    for (let life = 0; life <= lives; life++) {
      const events = yield* lifeOf(program, folder, seed * 1000 + life, 2 + ((seed * 7919 + life * 104_729) % 97))
      for (const event of events) {
        if ("found" in event) {
          const found = new Map(event.found.map((job) => [job.id, job]))
          for (const [id, { name, path, states }] of known) {
            const job = found.get(id)
            // What was asked and not answered may have happened, or not.
            const open = asked?.id === id ? asked : undefined
            if (job === undefined) {
              assert.include(["abort", "finalize"], open?.asks, `${id} is lost; it was ${states.join(" or ")}`)
              known.delete(id)
              continue
            }
            const may = open === undefined ? states : [...states, ...(after[open.asks]?.(states) ?? [])]
            const left = may.includes("Transferring") ? [...may, "Transferred"] : may
            assert.include(left, job.state, `${id} after ${open?.asks ?? "no call"}`)
            assert.include([name, ...(open?.asks === "name" ? [open.name] : [])], job.name)
            assert.strictEqual(job.path, path)
            if (job.state === "Transferred") assert.include([...event.files], basename(path), `${id} has lost its file`)
          }
          // A job that was created and not answered is known to nobody; it is there or not.
          for (const { id, name, path, state } of event.found) {
            known.set(id, { path, name, states: state === "Transferring" ? going : [state] })
          }
          asked = undefined
        } else if ("asks" in event) {
          asked = event
        } else {
          answers++
          asked = undefined
          const { call, id } = event
          const before = known.get(id)
          if (call === "abort" || call === "finalize") {
            if (before !== undefined && call === "abort") assert.isFalse(existsSync(before.path), "its file is gone")
            known.delete(id)
          } else {
            known.set(id, {
              path: event.path ?? before?.path ?? "",
              name: call === "name" ? (event.name ?? "") : (before?.name ?? ""),
              states: after[call]?.(before?.states ?? []) ?? []
            })
          }
        }
      }
    }
    const broken = readdirSync(join(folder, "jobs")).filter((name) => name.endsWith(".broken"))
    assert.deepStrictEqual(broken, [])
    return answers
  }).pipe(Effect.scoped)

describe("A process with jobs", () => {
  it.live(
    `that is killed ${kills} times at any moment loses nothing that it answered`,
    () =>
      Effect.gen(function* () {
        const lives = Math.ceil(kills / chains)
        const program = yield* bundled
        const all = yield* Effect.forEach(
          Array.from({ length: chains }, (_, n) => n + 1),
          (seed) => chain(program, seed, lives),
          {
            concurrency: chains
          }
        )
        assert.isAbove(
          all.reduce((sum, n) => sum + n, 0),
          kills
        )
      }),
    // A quarter of a minute where nothing else runs.
    300_000
  )
})
