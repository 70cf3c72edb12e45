/** The cache server with a real service: as a node that is managed, and with contents that are vouched for. */
import { randomBytes } from "node:crypto"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schedule } from "effect"
import { exitCodes } from "../src/ExitCode.ts"
import { ask, sha, through } from "./support/asking.ts"
import * as Origin from "./support/origin.ts"
import * as Programs from "./support/programs.ts"

const json = <A>(entry: "cache" | "service", args: ReadonlyArray<string>) =>
  Effect.map(Programs.run(entry, [...args, "--json"]), ({ code, stderr, stdout }) => {
    assert.strictEqual(code, exitCodes.ok, stderr)
    return JSON.parse(stdout) as A
  })

interface Shown {
  readonly health: string
  readonly lastHeartbeat: {
    readonly state: string
    readonly httpPort?: number
    readonly drives: ReadonlyArray<object>
  } | null
}

const soon = <A, E, R>(effect: Effect.Effect<A, E, R>, until: (value: A) => boolean) =>
  Effect.repeat(effect, { until, schedule: Schedule.spaced("100 millis") })

describe("A cache server of a service", () => {
  it.live(
    "enrols by the command that its operator is given, is healthy, and does what it is told, also after a restart",
    () =>
      Effect.gen(function* () {
        const root = yield* Programs.folder
        const data = join(root, "data")
        const state = join(root, "state")
        const origin = yield* Origin.make(randomBytes(1000))
        yield* json("service", ["node", "create", "lab", "--origin", origin.host, "--cid", "42", "--data", data])
        const { token } = yield* json<{ readonly token: string }>("service", [
          "node",
          "deployment",
          "lab",
          "--data",
          data
        ])
        const service = yield* Programs.service(data)
        const show = json<Shown>("service", ["node", "show", "lab", "--data", data])
        const args = ["--service", service, "--origin", "elsewhere.test"]
        const first = yield* Programs.cache(state, [...args, "--token", token])
        const found = yield* soon(show, ({ health }) => health === "Healthy")
        assert.strictEqual(found.lastHeartbeat?.httpPort, first.port)
        assert.strictEqual(found.lastHeartbeat?.drives.length, 1)
        // The service's list of origins and its id are in the place of its own.
        const answered = yield* soon(ask(through(first.url, origin.host)), ({ status }) => status === 200)
        assert.strictEqual(answered.headers["x-cid"], "42")
        const { service: told } = yield* json<{
          readonly service: { readonly name: string; readonly isEnabled: boolean }
        }>("cache", ["status", "--state", state])
        assert.deepInclude(told, { name: "lab", isEnabled: true })
        yield* first.kill("SIGTERM")
        yield* first.exit
        assert.strictEqual((yield* show).lastHeartbeat?.state, "Stopping")

        yield* json("service", ["node", "disable", "lab", "--data", data])
        const second = yield* Programs.cache(state, args)
        const closed = yield* soon(ask(through(second.url, origin.host)), ({ status }) => status === 403)
        assert.match(closed.bytes.toString(), /switched off by its operator/)
        yield* second.kill("SIGKILL")
        yield* second.exit
        // Without its service, and with a token that is spent.
        const third = yield* Programs.cache(state, ["--service", service, "--token", token, "--no-peers"])
        assert.strictEqual((yield* ask(through(third.url, origin.host))).status, 403)
      }),
    120_000
  )

  it.live(
    "knows a published file as its content, fetched once, and has it while the service is away",
    () =>
      Effect.gen(function* () {
        const root = yield* Programs.folder
        const data = join(root, "data")
        const state = join(root, "state")
        const bytes = randomBytes(12_345_678)
        const origin = yield* Origin.make(bytes)
        const file = join(root, "file.bin")
        writeFileSync(file, bytes)
        yield* json("service", ["publish", file, "--url", origin.url, "--data", data])
        const stopped = yield* Effect.scoped(
          Effect.gen(function* () {
            const service = yield* Programs.service(data)
            const cache = yield* Programs.cache(state, ["--origin", origin.host, "--service", service])
            assert.strictEqual(sha((yield* ask(through(cache.url, origin.host))).bytes), sha(bytes))
            const { files } = yield* soon(
              json<{ readonly files: ReadonlyArray<{ readonly contentId?: string; readonly heldBytes: number }> }>(
                "cache",
                ["list", "--state", state]
              ),
              (kept) =>
                kept.files.some(({ contentId, heldBytes }) => contentId !== undefined && heldBytes === bytes.length)
            )
            assert.lengthOf(files, 1)
            yield* cache.kill("SIGTERM")
            assert.strictEqual((yield* cache.exit).code, 0)
            return service
          })
        )
        // Once, and a few bytes by which a download looks what there is.
        assert.isBelow(origin.sent(), bytes.length + 100_000)
        const sent = origin.sent()
        const away = yield* Programs.cache(state, ["--origin", origin.host, "--service", stopped])
        assert.strictEqual(sha((yield* ask(through(away.url, origin.host))).bytes), sha(bytes))
        assert.strictEqual(origin.sent(), sent)
      }),
    120_000
  )
})
