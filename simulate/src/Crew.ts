/**
 * Runs a scene on several threads: sites that never meet do not know of each other, so each is a world of its own, and which
 * thread runs it makes no difference. Sites of one group are one world, in one thread.
 */
import { Worker } from "node:worker_threads"
import { Effect, Queue, Schema, type Scope as Lifetime } from "effect"
import type { Scene } from "./Scene.ts"
import type { Told } from "./thread.ts"
import * as World from "./World.ts"

/** A thread ended without the outcome that it was to make: a bug, or no memory. */
export class ThreadLost extends Schema.TaggedError<ThreadLost>()("ThreadLost", { cause: Schema.Defect() }) {
  override get message(): string {
    return `A part of the simulation broke off: ${this.cause instanceof Error ? this.cause.message : String(this.cause)}`
  }
}

export interface Task {
  readonly scene: Scene
  readonly sites: ReadonlyArray<number>
}

/**
 * Outcomes in the order of the sites. With `threads` 0 the caller's own does it all, and can be interrupted by nothing
 * meanwhile.
 */
export const run = (scene: Scene, threads: number): Effect.Effect<ReadonlyArray<World.Outcome>, ThreadLost> => {
  const sites = Array.from({ length: scene.sites }, (_, site) => site)
  const tasks: ReadonlyArray<Task> = scene.group ? [{ scene, sites }] : sites.map((site) => ({ scene, sites: [site] }))
  const most = Math.min(threads, tasks.length)
  if (most === 0) return Effect.sync(() => tasks.map((task) => World.run(task.scene, task.sites)))
  return Effect.scoped(
    Effect.gen(function* () {
      const idle = yield* Queue.unbounded<Worker>()
      for (let n = 0; n < most; n++) yield* Queue.offer(idle, yield* spawn)
      return yield* Effect.forEach(
        tasks,
        (task) =>
          Effect.flatMap(Queue.take(idle), (worker) => Effect.tap(ask(worker, task), Queue.offer(idle, worker))),
        { concurrency: most }
      )
    })
  )
}

const spawn: Effect.Effect<Worker, never, Lifetime.Scope> = Effect.acquireRelease(
  Effect.sync(() => new Worker(new URL("./thread.ts", import.meta.url), { execArgv: ["--conditions=source"] })),
  (worker) => Effect.promise(() => worker.terminate())
)

const ask = (worker: Worker, task: Task): Effect.Effect<World.Outcome, ThreadLost> =>
  Effect.callback<World.Outcome, ThreadLost>((resume) => {
    const lost = (cause: unknown) => resume(Effect.fail(new ThreadLost({ cause })))
    const ended = () => lost("its thread ended")
    const told = ({ outcome }: Told) => resume(Effect.succeed(outcome))
    worker.on("message", told).on("error", lost).on("exit", ended)
    worker.postMessage(task, [])
    return Effect.sync(() => worker.off("message", told).off("error", lost).off("exit", ended))
  })
