/** A thread that runs the worlds that it is told to run. */
import { parentPort } from "node:worker_threads"
import type { Task } from "./Crew.ts"
import * as World from "./World.ts"

parentPort?.on("message", ({ scene, sites }: Task) => {
  const outcome = World.run(scene, sites)
  parentPort?.postMessage({ outcome } satisfies Told, [])
})

export interface Told {
  readonly outcome: World.Outcome
}
