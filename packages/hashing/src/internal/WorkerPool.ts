/**
 * Threads that take jobs. One starts when those that are there have enough, up to a number, some ahead of it: a start takes as long as hashing
 * and writing 30 MB, and most lines never give two threads work. All end with the scope. Each answers in order, so a reply belongs
 * to the oldest job that its thread was given. Invariant: a job waits, or is with exactly one thread, or has ended; while it is
 * with a thread, that thread may use the job's memory and file.
 */
import { Worker } from "node:worker_threads"
import { Effect, type Scope } from "effect"
import type { Job, Lost, Perform, Reply } from "./Job.ts"
import { source } from "./worker.ts"

/** Jobs given to a thread at a time: the one it works on, and the next, so that it never waits for this thread. */
const depth = 2

interface Trip {
  readonly job: Job
  /** Told once, when the job has ended. */
  end: (outcome: Effect.Effect<Reply, Lost>) => void
  ended: boolean
}

interface Thread {
  readonly worker: Worker
  /** With the thread, oldest first. */
  readonly trips: Array<Trip>
  /** Whether it ever began to run. */
  online: boolean
  /** Why it is about to end, once known: it gets no more jobs then. */
  error: unknown
}

export interface Options {
  /** Most threads. */
  readonly workers: number
  /** Threads that start at once. Default 0. */
  readonly startedAhead?: number
  readonly spawn?: () => Worker
}

export const make = (options: Options): Effect.Effect<Perform, never, Scope.Scope> => {
  const { workers, startedAhead = 0, spawn = spawnWorker } = options
  const threads = new Set<Thread>()
  // A set keeps the order, and lets go of an interrupted job at once.
  const waiting = new Set<Trip>()
  // Falls when the system has no more threads for us: those there are do the work then.
  let most = workers
  let closed = false

  const end = (trip: Trip, outcome: Effect.Effect<Reply, Lost>): void => {
    trip.ended = true
    trip.end(outcome)
  }

  const lose = (trip: Trip, cause: unknown): void =>
    end(trip, Effect.fail({ reason: closed ? "Closed" : "WorkerDied", cause }))

  const start = (): Thread => {
    const thread: Thread = { worker: spawn(), trips: [], online: false, error: undefined }
    const { worker, trips } = thread
    threads.add(thread)
    worker.on("online", () => (thread.online = true))
    worker.on("message", (reply: Reply) => {
      const trip = trips.shift()
      const [next] = waiting
      // The thread first, then the fiber that waits for the reply.
      if (next !== undefined && waiting.delete(next)) give(thread, next)
      else if (trips.length === 0) worker.unref()
      if (trip !== undefined) end(trip, Effect.succeed(reply))
    })
    const fails = (error: unknown): void => {
      thread.error = error ?? new Error("the worker threw nothing")
      void worker.terminate()
    }
    worker.on("error", fails)
    worker.on("messageerror", fails)
    worker.on("exit", (code) => {
      // From here on the thread touches nothing any more.
      threads.delete(thread)
      const cause = thread.error ?? new Error(`the worker ended with code ${code}`)
      for (const trip of trips.splice(0)) {
        // What never ran has begun nothing.
        if (!thread.online && refused()) waiting.add(trip)
        else lose(trip, cause)
      }
      for (const trip of waiting) if (!assign(trip)) break
    })
    return thread
  }

  /** The system refused a thread: whether there are others to go on with. */
  const refused = (): boolean => {
    most = Math.max(1, threads.size)
    return threads.size > 0
  }

  const give = (thread: Thread, trip: Trip): void => {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
    thread.worker.postMessage(trip.job)
    if (thread.trips.push(trip) === 1) thread.worker.ref()
  }

  /** The thread with least to do; another one when all have enough, none when there are as many as may be. */
  const pick = (): Thread | undefined => {
    let least: Thread | undefined
    for (const thread of threads) {
      if (thread.error === undefined && thread.trips.length < (least?.trips.length ?? depth)) least = thread
    }
    return least ?? (threads.size < most ? start() : undefined)
  }

  /** Gives the job to a thread; `false` when it has to wait. */
  const assign = (trip: Trip): boolean => {
    let thread: Thread | undefined
    try {
      thread = pick()
    } catch (cause) {
      if (refused()) return assign(trip)
      waiting.delete(trip)
      lose(trip, cause)
      return true
    }
    if (thread === undefined) {
      waiting.add(trip)
      return false
    }
    waiting.delete(trip)
    give(thread, trip)
    return true
  }

  const perform: Perform = (job) =>
    Effect.callback<Reply, Lost>((resume) => {
      const trip: Trip = { job, end: resume, ended: false }
      if (closed) return lose(trip, new Error("the scope of the workers has ended"))
      assign(trip)
      // Interrupted: a job that waits is dropped, one that a thread has is waited for, because the thread uses its memory.
      return Effect.callback<void>((done) => {
        if (trip.ended || waiting.delete(trip)) return done(Effect.void)
        trip.end = () => done(Effect.void)
      })
    })

  const close = Effect.promise(() => {
    closed = true
    const cause = new Error("the scope of the workers has ended")
    for (const trip of waiting) lose(trip, cause)
    waiting.clear()
    return Promise.all(Array.from(threads, ({ worker }) => worker.terminate()))
  })

  /** One that the system refuses now is asked for again with the first work. */
  const startAhead = Effect.sync(() => {
    try {
      while (threads.size < Math.min(startedAhead, workers)) start().worker.unref()
    } catch {
      return
    }
  })

  return Effect.addFinalizer(() => close).pipe(Effect.andThen(startAhead), Effect.as(perform))
}

/** Without the flags of this process: a thread needs no loaders, and would start slower for them. */
export const spawnWorker = (): Worker => new Worker(source, { eval: true, execArgv: [], name: "piecework-hasher" })
