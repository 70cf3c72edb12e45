/** `piecework explain` with real programs: of a download that is over, of one that was killed, and of a job that goes on. */
import { randomBytes } from "node:crypto"
import { mkdirSync, readdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schedule } from "effect"
import { noBytes } from "@piecework/domain/SourceKind"
import type { Ledger } from "@piecework/ledger/Ledger"
import { encode } from "@piecework/ledger/Thinning"
import * as HttpOrigin from "./support/httpOrigin.ts"
import * as Programs from "./support/programs.ts"

const bytes = randomBytes(300_000)

const explain = (state: string, ...args: ReadonlyArray<string>) =>
  Programs.run("piecework", ["explain", ...args, "--state", state], {
    PIECEWORK_SOCKET: join(state, "run", "agent.sock")
  })

const firstLine = ({ stdout }: Programs.Exit): string => stdout.split("\n")[0] ?? ""

describe("piecework explain", () => {
  it.live(
    "names the limit that kept peers away, the file that says it, and no query of the URL",
    () =>
      Effect.gen(function* () {
        const state = yield* Programs.folder
        const policy = join(state, "policy.json")
        writeFileSync(policy, JSON.stringify({ DOMinRAMAllowedToPeer: 100_000 }))
        const origin = yield* HttpOrigin.make({ bytes })
        const file = join(state, "source")
        writeFileSync(file, bytes)
        const data = join(state, "data")
        const service = yield* Programs.service(data)
        const { contentId } = yield* Programs.publish(file, origin.url, data)
        const path = join(state, "file.bin")
        const asked = [`${origin.url}?token=SECRET`, "--content-id", contentId, "-o", path, "--state", state]
        const how = ["--service", service, "--policy", policy, "--host", "127.0.0.1", "--min-peer-size", "0"]
        const got = yield* Programs.run(
          "piecework",
          ["get", ...asked, ...how],
          // What is no number says nothing, so that the file has the word.
          { PIECEWORK_DOMINRAMALLOWEDTOPEER: "" }
        )
        assert.strictEqual(got.code, 0, got.stderr)
        const told = yield* explain(state, path, "--json")
        assert.strictEqual(told.code, 0, told.stderr)
        const { answer, ledger } = JSON.parse(told.stdout) as {
          readonly answer: string
          readonly ledger: { readonly door: string; readonly contentId: string }
        }
        assert.match(
          answer,
          /^No bytes came from peers: the device has [0-9.]+ GB of memory, and 100000 are asked for: DOMinRAMAllowedToPeer \(set by /
        )
        assert.include(answer, `(set by ${policy})`)
        assert.deepInclude(ledger, { door: "get", contentId })
        assert.notInclude(told.stdout, "SECRET")
        assert.strictEqual(firstLine(yield* explain(state, contentId.slice(0, 10))), answer)
      }).pipe(Effect.scoped),
    120_000
  )

  it.live(
    "tells of a download whose process was killed how far it was",
    () =>
      Effect.gen(function* () {
        const state = yield* Programs.folder
        const origin = yield* HttpOrigin.make({ bytes })
        origin.stopAt(100_000)
        const path = join(state, "file.bin")
        const program = yield* Programs.start("piecework", ["get", origin.url, "-o", path, "--state", state])
        yield* Effect.sync(() => readLedgers(state)).pipe(
          Effect.repeat({ until: (n) => n > 0, schedule: Schedule.spaced("20 millis") })
        )
        assert.match(firstLine(yield* explain(state)), /^It goes on, with \d+ % of 293\.0 KiB\./)
        yield* program.kill("SIGKILL")
        yield* program.exit
        const told = yield* explain(state)
        assert.match(
          firstLine(told),
          new RegExp(
            `^The program that downloaded it \\(process ${program.pid}\\) ended without a word after .* with \\d+ %`
          )
        )
      }).pipe(Effect.scoped),
    120_000
  )

  it.live(
    "asks the agent of a job that goes on, says whose it is, and knows what it does not know",
    () =>
      Effect.gen(function* () {
        const state = yield* Programs.folder
        const origin = yield* HttpOrigin.make({ bytes })
        const socket = join(state, "run", "agent.sock")
        const args = ["agent", "--host", "127.0.0.1", "--port", "0", "--state", state, "--no-rest", "--json"]
        const agent = yield* Programs.start("piecework", args)
        yield* agent.line((line) => (line.startsWith("{") ? line : undefined))
        const whole = ["get", origin.url, "-o", join(state, "whole.bin"), "--agent"]
        assert.strictEqual((yield* Programs.run("piecework", whole, { PIECEWORK_SOCKET: socket })).code, 0)
        // The job lets go of its download as soon as the file is there, which does not stop it.
        assert.match(firstLine(yield* explain(state)), /^No bytes came from peers: no service is set/)
        origin.stopAt(100_000)
        const path = join(state, "file.bin")
        const handed = yield* Programs.run("piecework", ["get", origin.url, "-o", path, "--agent", "--detach"], {
          PIECEWORK_SOCKET: socket
        })
        const job = handed.stdout.trim()
        const told = yield* explain(state, job.slice(0, 8)).pipe(
          Effect.repeat({ until: ({ code }) => code === 0, times: 20 })
        )
        assert.match(firstLine(told), /^It goes on, /)
        assert.include(told.stdout, `asked for by a job of the agent (${job}), in the foreground, process ${agent.pid}`)
        const unknown = yield* explain(state, "nothing-like-it")
        assert.strictEqual(unknown.code, 5)
        assert.match(unknown.stderr, /^piecework: No download is known by nothing-like-it: .*\.\n$/)
        assert.strictEqual(unknown.stdout, "")
      }).pipe(Effect.scoped),
    120_000
  )
})

describe("piecework explain of a beginning", () => {
  it.live(
    "that several ids have names some of them, and explains the one that more of it means",
    () =>
      Effect.gen(function* () {
        const state = yield* Programs.folder
        mkdirSync(join(state, "ledgers"))
        for (const letter of ["a", "b", "c", "d"]) {
          const ledger = encode(ended(`DO-${letter.repeat(43)}`, `http://origin.example/${letter}`))
          writeFileSync(join(state, "ledgers", `${letter}.json`), ledger)
        }
        const several = yield* explain(state, "DO")
        assert.strictEqual(several.code, 2)
        assert.match(
          several.stderr,
          /^piecework: 4 downloads are known whose id begins with DO \((DO-[a-d]{11}, ){3}and 1 more\); give more of the one that is meant\.\n$/
        )
        const one = yield* explain(state, "DO-b")
        assert.strictEqual(one.code, 0, one.stderr)
        assert.include(one.stdout, "http://origin.example/b")
      }).pipe(Effect.scoped),
    60_000
  )
})

const ended = (contentId: string, url: string): Ledger => ({
  version: 1,
  began: 1_700_000_000_000,
  at: 1,
  pid: 1,
  url,
  contentId,
  door: "get",
  priority: "Foreground",
  mode: "Simple",
  phase: "Done",
  heldBytes: 0,
  settings: [],
  entries: [],
  dropped: 0,
  parties: [],
  figures: {
    useful: noBytes,
    received: noBytes,
    waste: { bad: 0, duplicate: 0, cancelled: 0 },
    sent: 0,
    connections: 0,
    peers: 0
  },
  end: { outcome: "Done", at: 1 }
})

const readLedgers = (state: string): number => {
  try {
    return readdirSync(join(state, "ledgers")).filter((name) => name.endsWith(".json")).length
  } catch {
    // Not made yet.
    return 0
  }
}
