/** Every state × every call, and every state × every property, as programs see them through the REST interface. */
import { assert, describe, it } from "@effect/vitest"
import { JobError, JobProperty } from "@piecework/jobs"
import { Effect, Schedule } from "effect"
import { ask, serving } from "./support.ts"

const slow = "http://origin.example/slow"
const fast = "http://origin.example/fast"

const states = ["Created", "Transferring", "Transferred", "Paused", "Finalized", "Aborted"] as const
type State = (typeof states)[number]
type Site = Effect.Success<ReturnType<typeof serving>>

const site = Effect.gen(function* () {
  const made = yield* serving()
  made.memory.origins.set(slow, { bytes: 1_000_000, rate: 1 })
  made.memory.origins.set(fast, { bytes: 10, rate: 1_000_000 })
  return made
})

const post = ({ port }: Site, method: string, given: Readonly<Record<string, string>>) =>
  ask(port, "POST", `/download/${method}?${new URLSearchParams(given).toString().replaceAll("+", "%20")}`)
const stateOf = ({ port }: Site, id: string) =>
  Effect.map(
    ask(port, "GET", `/download/getstatus?Id=${id}`),
    ([, body]) => (JSON.parse(body) as { readonly Status?: string }).Status ?? "gone"
  )

let jobs = 0

/** A job in this state. */
const jobIn = (at: Site, state: State) =>
  Effect.gen(function* () {
    const Uri = state === "Transferred" || state === "Finalized" ? fast : slow
    const [, body] = yield* post(at, "create", { Uri, DownloadFilePath: `/data/${jobs++}` })
    const { Id } = JSON.parse(body) as { readonly Id: string }
    const calls = {
      Created: [],
      Transferring: [],
      Transferred: [],
      Paused: ["pause"],
      Finalized: [],
      Aborted: ["abort"]
    }
    if (state !== "Created") yield* post(at, "start", { Id })
    if (Uri === fast) {
      yield* Effect.repeat(stateOf(at, Id), {
        until: (now) => now === "Transferred",
        schedule: Schedule.spaced("5 millis")
      })
    }
    for (const call of calls[state]) yield* post(at, call, { Id })
    if (state === "Finalized") yield* post(at, "finalize", { Id })
    return Id
  })

const error = (number: number) => `{ "ErrorCode": ${JobError.signed(number)} }`
const invalid = [400, error(0x80d02013)] as const
const gone = [404, error(0x80070490)] as const
const done = [200, "{}\n"] as const

/** The table of spec.md §3.4: the state after the call, or "invalid". A job that is over is in no list, so nobody can ask it. */
const table: { readonly [S in State]: Readonly<Record<"start" | "pause" | "finalize" | "abort", string>> } = {
  Created: { start: "Transferring", pause: "Created", finalize: "invalid", abort: "gone" },
  Transferring: { start: "Transferring", pause: "Paused", finalize: "invalid", abort: "gone" },
  Transferred: { start: "Transferred", pause: "Transferred", finalize: "gone", abort: "gone" },
  Paused: { start: "Transferring", pause: "Paused", finalize: "invalid", abort: "gone" },
  Finalized: { start: "not found", pause: "not found", finalize: "not found", abort: "not found" },
  Aborted: { start: "not found", pause: "not found", finalize: "not found", abort: "not found" }
}

describe("A call on a job", () => {
  it.live("does in each state what the table says", () =>
    Effect.gen(function* () {
      const at = yield* site
      for (const state of states) {
        for (const [call, expected] of Object.entries(table[state])) {
          const id = yield* jobIn(at, state)
          const answer = yield* post(at, call, { Id: id })
          const what = `${call} in ${state}`
          if (expected === "not found") assert.deepStrictEqual(answer, gone, what)
          else if (expected === "invalid") assert.deepStrictEqual(answer, invalid, what)
          else assert.deepStrictEqual(answer, done, what)
          const after = expected === "invalid" ? state : expected === "not found" ? "gone" : expected
          assert.strictEqual(yield* stateOf(at, id), after, what)
          if (after !== "gone") yield* post(at, "abort", { Id: id })
        }
      }
    })
  )

  it.live("takes ranges with the first start, and with no other", () =>
    Effect.gen(function* () {
      const at = yield* site
      for (const [ranges, number] of [
        ["0-5,3-5", 0x80d05012],
        ["0-0", 0x80d05010],
        ['[{"Offset":-1}]', 0x80d05010],
        ["five", 0x80070057]
      ] as const) {
        const id = yield* jobIn(at, "Created")
        assert.deepStrictEqual(yield* post(at, "start", { Id: id, Ranges: ranges }), [400, error(number)], ranges)
        assert.strictEqual(yield* stateOf(at, id), "Created")
      }
      const id = yield* jobIn(at, "Created")
      assert.deepStrictEqual(yield* post(at, "pause", { Id: id, Ranges: "0-5" }), [400, error(0x80070057)])
      assert.deepStrictEqual(yield* post(at, "start", { Id: id, Ranges: "100-50,900000-" }), done)
      const total = Effect.map(
        ask(at.port, "GET", `/download/getstatus?Id=${id}`),
        ([, body]) => (JSON.parse(body) as { readonly BytesTotal: string }).BytesTotal
      )
      yield* post(at, "pause", { Id: id })
      assert.strictEqual(yield* total, "100050")
      assert.deepStrictEqual(yield* post(at, "start", { Id: id, Ranges: "0-5" }), [400, error(0x80d02203)])
      assert.deepStrictEqual(yield* post(at, "start", { Id: id }), done)
      const [, body] = yield* ask(
        at.port,
        "POST",
        "/download/create",
        [],
        JSON.stringify({ Uri: slow, LocalPath: "/r" })
      )
      const other = (JSON.parse(body) as { readonly Id: string }).Id
      const given = JSON.stringify({ Id: other, Ranges: [{ Offset: 5, Length: 7 }] })
      assert.deepStrictEqual(yield* ask(at.port, "POST", "/download/start", [], given), done)
    })
  )
})

const integrity = JSON.stringify({ HashOfHashes: `${"A".repeat(43)}=` })
const always = ["Created", "Transferring", "Transferred", "Paused"]
const still = ["Created", "Paused"]
const created = ["Created"]

/** Of each property a good value, the states in which it may be set, and whether it can be read. */
const properties: { readonly [P in JobProperty.PropertyName]: readonly [string, ReadonlyArray<string>, boolean] } = {
  Id: ["x", [], true],
  Uri: ["http://origin.example/other", still, true],
  ContentId: ["a name", created, true],
  DisplayName: ["Store", always, true],
  LocalPath: ["/data/other", created, true],
  HttpCustomHeaders: ["X-One: 1", still, true],
  CostPolicy: ["1", always, true],
  CallbackFreqPercent: ["10", always, true],
  CallbackFreqSeconds: ["3", always, true],
  NoProgressTimeoutSeconds: ["60", always, true],
  ForegroundPriority: ["true", always, true],
  DecryptionInfo: ['{"KeyData":"k"}', created, false],
  IntegrityCheckInfo: [integrity, created, false],
  IntegrityCheckMandatory: ["false", created, true],
  TotalSizeBytes: ["123", created, true],
  DisallowOnCellular: ["true", always, true],
  HttpCustomAuthHeaders: ["Authorization: x", still, false],
  HttpAllowSecureToNonSecureRedirect: ["true", still, true],
  NonVolatile: ["true", always, true],
  HttpRedirectionTarget: ["x", [], false],
  HttpResponseHeaders: ["x", [], false],
  HttpServerIPAddress: ["x", [], false],
  HttpStatusCode: ["1", [], false],
  MirrorUris: ["http://other/x", still, true]
}

describe("A property of a job", () => {
  for (const state of states) {
    it.live(`may be set and read when it is ${state} as its row says`, () =>
      Effect.gen(function* () {
        const at = yield* site
        for (const name of JobProperty.names) {
          const [value, settable, isReadable] = properties[name]
          const id = yield* jobIn(at, state)
          const isOver = state === "Finalized" || state === "Aborted"
          const what = `${name} in ${state}`
          const [status, body] = yield* ask(at.port, "GET", `/download/getproperty?Id=${id}&PropertyKey=${name}`)
          if (isOver) assert.deepStrictEqual<readonly [number, string]>([status, body], gone, what)
          else if (isReadable)
            assert.deepStrictEqual([status, Object.keys(JSON.parse(body) as object)], [200, [name]], what)
          else {
            const isFact = JobProperty.table[name].settable === "Never"
            assert.deepStrictEqual([status, body], [400, error(isFact ? 0x80d02014 : 0x80d02015)], what)
          }
          // An id in the query is the job's, so it cannot be set in this way at all.
          if (name === "Id") continue
          const answer = yield* post(at, "setproperty", { Id: id, [name]: value })
          if (isOver) assert.deepStrictEqual(answer, gone, what)
          else if (settable.length === 0) assert.deepStrictEqual(answer, [400, error(0x80d02012)], what)
          else assert.deepStrictEqual(answer, settable.includes(state) ? done : invalid, what)
          if (!isOver) yield* post(at, "abort", { Id: id })
        }
      })
    )
  }
})
