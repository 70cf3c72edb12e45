import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import type { FileStatus } from "@piecework/domain/FileStatus"
import type { PerfMonth } from "@piecework/domain/PerfMonth"
import { PerfSnap, perfSnapVerbose } from "@piecework/domain/PerfSnap"
import * as Exposition from "@piecework/testkit/Exposition"
import { Effect, Schedule } from "effect"
import { exitCodes } from "../src/ExitCode.ts"
import * as Programs from "./support/programs.ts"
import * as Site from "./support/site.ts"

/** Bytes of the first look at an origin where a service may know the content. */
const firstLook = 1024

/** What a command says in JSON. */
const told = <A>(...words: ReadonlyArray<string>) =>
  Effect.map(Programs.run("piecework", [...words, "--json"]), (exit) => {
    assert.strictEqual(exit.code, 0, exit.stderr)
    return JSON.parse(exit.stdout) as A
  })

const files = (state: string) => told<ReadonlyArray<FileStatus>>("status", "--state", state)
const perf = (state: string) => told<PerfSnap>("perf", "--verbose", "--state", state)
const month = (state: string) => told<PerfMonth>("perf", "--month", "--state", state)

describe("the figures of real programs", () => {
  it.live(
    "agree with the metrics and with what the origin sent, to the byte, and outlive an agent that is killed",
    () =>
      Effect.gen(function* () {
        const site = yield* Site.published({ length: 12 * 1_048_576 + 9 })
        const { origin, root } = site
        const [here, there] = [site.state("here"), site.state("there")]
        const port = yield* Programs.freePort
        const agent = yield* Programs.agent(site.agent("here", "--metrics", `127.0.0.1:${port}`))
        const job = ["get", origin.url, "-o", join(root, "first"), "--agent", "--state", here]
        const got = yield* Programs.run("piecework", job)
        assert.strictEqual(got.code, 0, got.stderr)
        // Another device, which takes it from the first.
        const second = site.get("there", "--no-progress-timeout", "2m", "--json")
        origin.fail(503)
        // It has nobody else, so it fails until the service has heard of the first.
        const { code, stderr } = yield* Effect.repeat(Programs.run("piecework", second), {
          until: (exit) => exit.code === 0,
          schedule: Schedule.spaced("500 millis"),
          times: 20
        })
        assert.strictEqual(code, 0, stderr)

        const [other] = yield* files(there)
        assert.isAbove(other?.BytesFromLanPeers ?? 0, 0)
        assert.strictEqual(other?.PredefinedCallerApplication, "piecework get")
        // What was sent is noted down within seconds.
        const mine = yield* files(here).pipe(
          Effect.map(([one]) => one),
          Effect.repeat({
            until: (one) => (one?.BytesToLanPeers ?? 0) >= (other?.BytesFromLanPeers ?? 0),
            schedule: Schedule.spaced("500 millis")
          })
        )
        // A look at the origin is let go of once the service vouches for the content, and may have been sent by then.
        const unread = origin.sent() - (mine?.BytesFromHttp ?? 0) - (other?.BytesFromHttp ?? 0)
        assert.include([0, firstLook], unread)
        assert.strictEqual(mine?.TotalBytesDownloaded, (mine?.FileSize ?? 0) + (mine?.BytesWasted ?? 0))

        const snap = yield* perf(here)
        assert.sameMembers(Object.keys(snap), Object.keys(PerfSnap.fields))
        assert.sameMembers(
          Object.keys(yield* told<PerfSnap>("perf", "--state", here)),
          Object.keys(PerfSnap.fields).filter((name) => !(name in perfSnapVerbose))
        )
        const sums = yield* month(here)
        const seen = yield* Effect.promise(async () =>
          Exposition.read(await (await fetch(`http://127.0.0.1:${port}/metrics`)).text())
        )
        const metric = (name: string, label: string, word: string) =>
          seen.families.get(name)?.series.find((one) => one.labels[label] === word)?.value
        const down = (word: string) => metric("piecework_device_downloaded_bytes_total", "source", word)
        assert.deepStrictEqual(
          [snap.BytesFromHttp, sums.DownloadHttpBytes, down("origin")],
          [mine?.BytesFromHttp, mine?.BytesFromHttp, mine?.BytesFromHttp]
        )
        assert.deepStrictEqual(
          [snap.BytesToLanPeers, sums.UploadLanBytes, metric("piecework_device_uploaded_bytes_total", "peer", "lan")],
          [mine?.BytesToLanPeers, mine?.BytesToLanPeers, mine?.BytesToLanPeers]
        )
        assert.isAbove(snap.MemUsageKB, 1000)
        assert.strictEqual(sums.FilesDownloaded, 1)
        assert.isAbove(sums.DownloadFgRateKbps, 0)

        // Told what is on the disk, once it is dead.
        yield* agent.kill("SIGKILL")
        yield* agent.exit
        const after = yield* perf(here)
        assert.strictEqual(after.MemUsageKB, 0)
        assert.deepStrictEqual(
          [after.TotalBytesDownloaded, after.TotalBytesUploaded],
          [snap.TotalBytesDownloaded, snap.TotalBytesUploaded]
        )
        assert.deepStrictEqual(yield* month(here), sums)
        const peers = yield* Programs.run("piecework", ["status", "--peers", "--state", here])
        assert.strictEqual(peers.code, exitCodes.noAgent)
        assert.include(peers.stderr, "No agent runs on this folder")
        const watch = yield* Programs.run("piecework", ["watch", "--state", here])
        assert.strictEqual(watch.code, exitCodes.noAgent)
      }),
    180_000
  )

  it.live(
    "are watched as one moment by a pipe, and as lines of JSON by a program",
    () =>
      Effect.gen(function* () {
        const root = yield* Programs.folder
        const state = join(root, "state")
        yield* Programs.agent(["agent", "--state", state, "--host", "127.0.0.1", "--port", "0", "--json"])
        const once = yield* Programs.run("piecework", ["watch", "--state", state])
        assert.strictEqual(once.code, 0, once.stderr)
        assert.match(once.stdout, /^Piecework {2}0 downloads, 0 peers/)
        assert.notInclude(once.stdout, "\u001b")
        const lines = yield* Programs.start("piecework", ["watch", "--state", state, "--json"])
        const at = yield* lines.line((line) => (JSON.parse(line) as { readonly At: number }).At)
        assert.isAbove(at, 0)
        yield* lines.kill("SIGINT")
        assert.strictEqual((yield* lines.exit).code, 0)
      }),
    60_000
  )
})
