import { assert, describe, it } from "@effect/vitest"
import { Effect, Option, Result, Schema } from "effect"
import * as Job from "../src/Job.ts"
import * as JobError from "../src/JobError.ts"
import * as JobRecord from "../src/JobRecord.ts"
import * as JobState from "../src/JobState.ts"
import { connected, idOf, ready } from "./support/jobs.ts"

const created = Job.create(idOf(1), ready, 0)
const done = (result: Result.Result<Job.Job, number>): Job.Job =>
  Result.isSuccess(result) ? result.success : assert.fail(JobError.hex(result.failure))
const numberOf = (result: Result.Result<unknown, number>) =>
  Result.isFailure(result) ? JobError.hex(result.failure) : "no error"
const started = done(Job.call(created, "start", { now: 0 }))
const passes: Job.Failed = { code: 0x80072efd, extended: 0, mayPass: true }
const lasts: Job.Failed = { code: 0x80190194, extended: 5, mayPass: false }
const offline = { ...connected, isConnected: false }

const start = (job: Job.Job, more?: Partial<Job.Circumstances>) => numberOf(Job.call(job, "start", { now: 0, ...more }))

describe("A start is refused", () => {
  it("without a URL", () => {
    assert.strictEqual(start({ ...created, spec: { localPath: "/f" } }), "0x80D02200")
  })
  it("without a destination", () => {
    assert.strictEqual(start({ ...created, spec: { uri: ready.uri ?? assert.fail() } }), "0x80D02018")
  })
  it("without anything to check against, when the check is mandatory", () => {
    assert.strictEqual(start({ ...created, spec: { ...ready, integrityCheckMandatory: true } }), "0x80D02016")
  })
  it("when the destination cannot be used, with what the system says", () => {
    assert.strictEqual(start(created, { obstacle: JobError.system("EEXIST") }), "0xC0D00011")
  })
  it("with ranges that overlap or are invalid, and with any when it resumes", () => {
    const twice = [
      { offset: 0, length: 2 },
      { offset: 1, length: 2 }
    ]
    assert.strictEqual(start(created, { ranges: twice }), "0x80D05012")
    assert.strictEqual(start(created, { ranges: [{ offset: 0, length: 0 }] }), "0x80D05010")
    const paused = done(Job.call(started, "pause", { now: 1 }))
    assert.strictEqual(start(paused, { ranges: [{ offset: 0, length: 1 }] }), "0x80D02203")
  })
})

describe("A failure", () => {
  it("that lasts pauses the job and stays, until the caller starts it again", () => {
    const failed = Job.failed(started, lasts, connected, 5)
    assert.deepInclude(Job.status(failed), { state: "Paused", error: lasts.code, extended: 5 })
    assert.isUndefined(Job.wakeAt(failed, false, 1000, 5))
    assert.deepInclude(done(Job.call(failed, "start", { now: 6 })), { state: "Transferring", error: 0, extended: 0 })
  })
  it("that may pass is tried again later and later, and from the beginning once bytes came", () => {
    let job: Job.Job = started
    const waits: Array<number> = []
    for (let n = 0; n < 6; n++) {
      job = Job.failed(job, passes, connected, 0)
      assert.isFalse(Job.wantsToRun(job))
      assert.strictEqual(job.extended, passes.code)
      waits.push(job.againAt ?? 0)
    }
    assert.deepStrictEqual(waits, [2000, 4000, 8000, 16_000, 30_000, 30_000])
    job = Job.look(job, undefined, connected, 30_000, true)
    assert.isTrue(Job.wantsToRun(job))
    job = Job.look(job, { bytesTotal: 10, bytesTransferred: 1, isBusy: false }, connected, 30_001, true)
    assert.strictEqual(job.extended, 0)
    assert.strictEqual(Job.failed(job, passes, connected, 40_000).againAt, 42_000)
  })
  it("without a network is a pause that ends by itself", () => {
    const waiting = Job.failed(started, passes, offline, 0)
    assert.deepInclude(Job.status(waiting), { state: "Paused", error: 0, extended: 0x80d03805 })
    const still = Job.look(waiting, undefined, offline, 30_000, false)
    assert.strictEqual(still.againAt, 60_000)
    assert.deepInclude(Job.look(still, undefined, connected, 59_999, false), { state: "Paused" })
    assert.deepInclude(Job.look(still, undefined, connected, 60_000, false), { state: "Transferring", extended: 0 })
  })
  it("is ignored by a job that is paused", () => {
    const paused = done(Job.call(started, "pause", { now: 1 }))
    assert.strictEqual(Job.failed(paused, lasts, connected, 2), paused)
  })
})

describe("A pause that ends by itself", () => {
  it("stays when the caller pauses as well", () => {
    const paused = done(Job.call(Job.failed(started, passes, offline, 0), "pause", { now: 1 }))
    assert.deepInclude(Job.look(paused, undefined, connected, 100_000, false), { state: "Paused", extended: 0 })
  })
  it("ends at once when the caller starts", () => {
    assert.isTrue(Job.wantsToRun(done(Job.call(Job.failed(started, passes, offline, 0), "start", { now: 1 }))))
  })
  it("comes with a network that costs too much, and goes with it", () => {
    const roaming = { ...connected, cost: "Roaming" } as const
    const waiting = Job.look(started, undefined, roaming, 5, true)
    assert.deepInclude(Job.status(waiting), { state: "Paused", error: 0, extended: 0x80d03801 })
    assert.isTrue(Job.wantsToRun(Job.look(waiting, undefined, connected, 30_005, false)))
  })
})

const after = (job: Job.Job, seconds: number, hasTurn: boolean, isBusy = false) => {
  let current = job
  for (let now = 0; now <= seconds * 1000; now += 1000) {
    current = Job.look(current, { bytesTotal: 10, bytesTransferred: 3, isBusy }, connected, now, hasTurn)
  }
  return current
}

describe("A job that gets nothing", () => {
  it("is paused after five minutes, with the last failure behind the error", () => {
    const failing = {
      ...started,
      extended: 0x80072efd,
      bytesTransferred: 3,
      tracker: { bytes: 3, idle: 0, nextLook: 10_000 }
    }
    assert.strictEqual(after(failing, 299, true).state, "Transferring")
    assert.deepInclude(Job.status(after(failing, 300, true)), {
      state: "Paused",
      error: 0x80d02002,
      extended: 0x80072efd
    })
  })
  it("is not to blame while it has no turn, or while there is other work", () => {
    assert.strictEqual(after(started, 1000, false).state, "Transferring")
    assert.strictEqual(after(started, 1000, true, true).state, "Transferring")
  })
})

describe("A new URL", () => {
  it("takes away what was known of the old server, and what was waited for it", () => {
    const failed = { ...Job.failed(started, lasts, connected, 5), facts: { status: 404 }, failures: 3 }
    const mended = done(Job.set(failed, "Uri", "http://other/file", 100))
    assert.deepInclude(mended, { facts: {}, failures: 0, error: lasts.code })
    assert.strictEqual(mended.tracker.nextLook, 10_100)
    assert.deepInclude(done(Job.set(failed, "Uri", ready.uri ?? "", 100)), { failures: 3 })
  })
})

describe("A job nobody asks for", () => {
  const day = 86_400_000
  it("is let go after days, and a complete file stays", () => {
    const transferred = Job.transferred(Job.delivering(started, "file", 10))
    assert.strictEqual(Job.expired(transferred, 7 * day - 1, 7 * day), transferred)
    assert.deepInclude(Job.expired(transferred, 7 * day, 7 * day), { state: "Finalized", error: 0x80d0200c })
    assert.deepInclude(Job.expired(created, 7 * day, 7 * day), { state: "Aborted", error: 0x80d0200c })
    assert.strictEqual(Job.expired(started, 7 * day, 7 * day), started)
  })
})

/** What may happen to a job, as numbers of a generator say. */
const steps: ReadonlyArray<(job: Job.Job, now: number) => Job.Job> = [
  ...JobState.calls.map((call) => (job: Job.Job, now: number) => kept(job, Job.call(job, call, { now }))),
  (job, now) => kept(job, Job.call(job, "start", { now })),
  (job, now) => kept(job, Job.set(job, "Uri", `http://host/${now % 3}`, now)),
  (job, now) => kept(job, Job.set(job, "NoProgressTimeoutSeconds", "20", now)),
  (job, now) => kept(job, Job.set(job, "CostPolicy", String(now % 6), now)),
  (job, now) => Job.failed(job, passes, connected, now),
  (job, now) => Job.failed(job, passes, offline, now),
  (job, now) => Job.failed(job, lasts, connected, now),
  (job, now) => Job.look(job, undefined, connected, now, true),
  (job, now) => Job.look(job, undefined, { ...connected, cost: "Roaming" }, now, true),
  (job, now) =>
    Job.wantsToRun(job)
      ? Job.look(job, { bytesTotal: 100, bytesTransferred: now % 101, isBusy: false }, connected, now, true)
      : job,
  (job) => (Job.wantsToRun(job) ? Job.delivering(job, "file", 100) : job),
  (job) => (job.delivering === undefined ? job : Job.transferred(job)),
  (job, now) => Job.expired(job, now, 50_000),
  (job, now) => Job.restored(JobRecord.job(JobRecord.of(job)), now)
]
const kept = (job: Job.Job, result: Result.Result<Job.Job, number>) => (Result.isSuccess(result) ? result.success : job)

describe("Whatever happens to a job", () => {
  const random = Schema.Array(
    Schema.Tuple([
      Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: steps.length - 1 })),
      Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 20_000 }))
    ])
  )
  it.effect.prop(
    "its invariants hold",
    { events: random },
    ({ events }) =>
      Effect.sync(() => {
        let job = created
        let now = 0
        for (const [n, pause] of events) {
          now += pause
          const before = job
          job = steps[n]?.(job, now) ?? job
          const { state } = job
          if (JobState.isOver(before.state)) assert.strictEqual(state, before.state)
          if (state !== "Transferring") assert.isFalse(Job.wantsToRun(job))
          if (job.error !== 0) assert.isTrue(state === "Paused" || JobState.isOver(state))
          if (job.againAt !== undefined) assert.isTrue(state === "Transferring" || state === "Paused")
          if (Job.isWaiting(job)) assert.isTrue(job.error === 0 && JobError.isTransient(job.extended))
          if (job.ownsFile) assert.isTrue(state === "Transferred" || JobState.isOver(state))
          if (job.delivering !== undefined) assert.strictEqual(state, "Transferring")
          if (state === "Transferred") assert.strictEqual(job.bytesTransferred, job.bytesTotal)
          if (job.bytesTotal > 0) assert.isAtMost(job.bytesTransferred, job.bytesTotal)
          // A job that is to do something by itself says when.
          if (state === "Transferring" || Job.isWaiting(job)) assert.isDefined(Job.wakeAt(job, false, 1000, now))
          assert.deepStrictEqual(JobRecord.decode(JobRecord.encode(JobRecord.of(job))), Option.some(JobRecord.of(job)))
        }
      }),
    { arbitrary: { runs: 300 } }
  )
})

describe("The URLs of before", () => {
  const change = (job: Job.Job, n: number) => done(Job.set(job, "Uri", `http://mirror${n}.example/file`, n))
  const paused = done(Job.call(started, "pause", { now: 1 }))
  it("are known once the job has transferred, the newest first, and only so many", () => {
    assert.isUndefined(change(created, 1).spec.formerUris)
    const twice = change(change(paused, 1), 2)
    assert.deepStrictEqual<unknown>(twice.spec.formerUris, ["http://mirror1.example/file", ready.uri])
    const back = done(Job.set(twice, "Uri", ready.uri ?? "", 3))
    assert.deepStrictEqual<unknown>(back.spec.formerUris, [
      "http://mirror2.example/file",
      "http://mirror1.example/file"
    ])
    let job = paused
    for (let n = 0; n < 20; n++) job = change(job, n)
    assert.strictEqual(job.spec.formerUris?.length, 4)
    assert.strictEqual(job.spec.formerUris?.[0], "http://mirror18.example/file")
  })
})
