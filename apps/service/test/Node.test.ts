/** Cache nodes at a real service: from the command that makes one to the devices that are told of it. */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { assert, describe, it } from "@effect/vitest"
import * as CacheNodeRpcs from "@piecework/cloud/CacheNodeRpcs"
import * as EnrolRpcs from "@piecework/cloud/EnrolRpcs"
import * as HttpRpc from "@piecework/cloud/HttpRpc"
import type { CacheServer } from "@piecework/cloud/KeyValueRpcs"
import { Effect, Redacted, Schedule } from "effect"
import { post } from "./Local.ts"
import { folder, freePort, run, runWith, serving } from "./Program.ts"

const json = <A>(text: string) => JSON.parse(text) as A

interface Shown {
  readonly id: string
  readonly health: string
  readonly device: string | null
  readonly lastHeartbeat: { readonly externalIp: string } | null
}

const heartbeat = (figures: CacheNodeRpcs.HeartbeatRequest["figures"] = []) =>
  new CacheNodeRpcs.HeartbeatRequest({
    version: "1.0",
    hostName: "cache-1",
    state: "Serving",
    issues: [],
    drives: [],
    addresses: ["10.1.0.9"],
    httpPort: 80,
    tls: { state: "Off" },
    sentAt: Date.now(),
    figures
  })

const figures = (minute: number) => ({
  minute,
  hits: 3,
  misses: 1,
  bytesOut: 4000,
  bytesFromCache: 3000,
  bytesFromOrigin: 1000,
  bytesFromParents: 0,
  bytesFromPeers: 0,
  maxOutBps: 400,
  maxInBps: 100
})

/** The cache servers that a device at that address is told of. */
const toldAt = (url: string, ip: string) =>
  Effect.gen(function* () {
    const response = yield* post(
      `${url}/rpc/kv`,
      "KeyValue",
      { clientVersion: "1", profile: 768 },
      { "x-forwarded-for": ip }
    )
    const [reply] = yield* Effect.promise(
      () =>
        response.json() as Promise<
          ReadonlyArray<{ readonly exit: { readonly value: { readonly cacheHosts?: ReadonlyArray<CacheServer> } } }>
        >
    )
    return reply?.exit.value
  })

/** What is told there once it is so many servers; the service looks for changes each second. */
const soonTold = (url: string, ip: string, count: number) =>
  toldAt(url, ip).pipe(
    Effect.repeat({
      until: (value) => (value?.cacheHosts ?? []).length === count,
      schedule: Schedule.spaced("50 millis")
    }),
    Effect.timeout("30 seconds")
  )

describe("A cache node", () => {
  it.live(
    "is made, enrols with its token, is healthy once it was heard, and is told to the devices of its range until it is deleted",
    () =>
      Effect.gen(function* () {
        const data = `${yield* folder}/data`
        const created = yield* run(
          "node",
          "create",
          "lab",
          "--range",
          "203.0.113.0/24",
          "--cid",
          "100",
          "--data",
          data,
          "--json"
        )
        assert.strictEqual(created.code, 0, created.stderr)
        const { id } = json<Shown>(created.stdout)
        const made = yield* run("token", "create", "--scope", "admin", "--data", data, "--json")
        const environment = { PIECEWORK_TOKEN: json<{ readonly token: string }>(made.stdout).token }
        const metricsPort = yield* freePort
        const { url } = yield* serving(data, "--trust-proxy", "127.0.0.1", "--metrics", `127.0.0.1:${metricsPort}`)
        const node = (...args: ReadonlyArray<string>) =>
          runWith(environment, "node", ...args, "--service", url, "--json")

        // Without a node that was heard, the answer has no such field at all.
        assert.notProperty(yield* toldAt(url, "203.0.113.7"), "cacheHosts")

        const deployment = json<{ readonly token: string; readonly command: string }>(
          (yield* node("deployment", "lab")).stdout
        )
        assert.strictEqual(deployment.command, `piecework-cache serve --service ${url} --token ${deployment.token}`)
        const enrolled = yield* HttpRpc.call(EnrolRpcs.EnrolRpcs, { url: url + EnrolRpcs.path })((client) =>
          client.Enrol({ token: Redacted.make(deployment.token), name: "cache-1", clientVersion: "1" })
        )
        const call = HttpRpc.call(CacheNodeRpcs.CacheNodeRpcs, {
          url: url + CacheNodeRpcs.path,
          token: enrolled.credential
        })
        const beat = (request: CacheNodeRpcs.HeartbeatRequest) => call((client) => client.Heartbeat(request))
        const minute = Math.floor(Date.now() / 60_000) - 1
        const reply = yield* beat(heartbeat([figures(minute)]))
        assert.deepStrictEqual(
          [reply.nodeId, reply.name, { ...reply.work }, reply.takenUntil],
          [id, "lab", { cid: "100" }, minute]
        )

        const shown = json<Shown>((yield* node("show", "lab")).stdout)
        assert.deepStrictEqual([shown.health, shown.device], ["Healthy", enrolled.device])
        const told = yield* soonTold(url, "203.0.113.7", 1)
        assert.deepStrictEqual(told?.cacheHosts, [{ host: "10.1.0.9", port: 80, isTls: false }])
        assert.notProperty(yield* toldAt(url, "198.51.100.7"), "cacheHosts")

        const rows = json<ReadonlyArray<{ readonly hits: number; readonly hitRatio: number }>>(
          (yield* node("metrics", "lab", "--by", "minute")).stdout
        )
        assert.deepStrictEqual(
          rows.map(({ hitRatio, hits }) => [hits, hitRatio]),
          [[3, 75]]
        )
        const status = yield* runWith(environment, "status", "--service", url)
        assert.include(status.stdout, "cache nodes: 1 healthy, 0 unhealthy")
        const metrics = yield* Effect.promise(() => fetch(`http://127.0.0.1:${metricsPort}/metrics`))
        const series = (yield* Effect.promise(() => metrics.text())).split("\n")
        for (const line of [
          'piecework_cache_nodes{state="disabled"} 0',
          'piecework_cache_node_requests_total{result="hit"} 3',
          'piecework_cache_node_bytes_total{kind="sent"} 4000',
          'piecework_cache_node_bytes_total{kind="fetched"} 1000'
        ]) {
          assert.include(series, line)
        }

        // A device that is no node, and what no node says.
        const authorization = { authorization: `Bearer ${Redacted.value(enrolled.credential)}` }
        for (const [payload, headers] of [
          [heartbeat(), {}],
          [{ ...heartbeat(), nodeId: "0000000000000000" }, authorization],
          [{ ...heartbeat(), figures: [{ ...figures(minute), bytesOut: -1 }] }, authorization],
          [{ ...heartbeat(), figures: [{ ...figures(minute), hits: 1e300 }] }, authorization],
          [{ ...heartbeat(), figures: Array(CacheNodeRpcs.mostMinutes + 1).fill(figures(minute)) }, authorization],
          [{ ...heartbeat(), addresses: ["evil.example"] }, authorization],
          [{ ...heartbeat(), httpPort: 0 }, authorization],
          [{ ...heartbeat(), version: "x".repeat(65) }, authorization],
          [{}, authorization]
        ] as const) {
          const refused = yield* post(url + CacheNodeRpcs.path, "Heartbeat", payload, headers)
          const text = yield* Effect.promise(() => refused.text())
          assert.notInclude(text, '"Success"', JSON.stringify(payload).slice(0, 100))
        }
        const large = yield* post(url + CacheNodeRpcs.path, "Heartbeat", { version: "x".repeat(CacheNodeRpcs.maxBody) })
        assert.strictEqual(large.status, 413)
        assert.deepStrictEqual((yield* soonTold(url, "203.0.113.7", 1))?.cacheHosts, told?.cacheHosts)

        assert.strictEqual((yield* node("delete", "lab")).code, 0)
        assert.notProperty(yield* soonTold(url, "203.0.113.7", 0), "cacheHosts")
        const gone = yield* Effect.flip(beat(heartbeat())).pipe(
          Effect.map((error) => (error._tag === "ServiceError" ? error.reason : error._tag))
        )
        // Until the revocation is known everywhere the credential is that of no node, and then of nobody.
        assert.include(["RequestRefused", "TokenRefused"], gone)
      }).pipe(Effect.provide(NodeHttpClient.layerUndici)),
    120_000
  )

  it.live("that is not there, or is none, ends the command with a word of why", () =>
    Effect.gen(function* () {
      const data = yield* folder
      yield* run("node", "create", "somebody", "--data", data)
      const unknown = yield* run("node", "show", "nobody", "--data", data)
      assert.deepStrictEqual([unknown.code, unknown.stderr], [5, "piecework-service: There is no cache node nobody.\n"])
      const wrong = yield* run("node", "create", "other", "--range", "10.0.0.1/8", "--data", data)
      assert.deepStrictEqual([wrong.code, wrong.stderr.includes("is no network like")], [2, true])
      const { stdout } = yield* run("node", "list", "--data", data)
      assert.match(stdout, /^[0-9a-f]{16} {2}somebody {2}not seen yet {2}- {2}where it will come from\n$/)
    })
  )
})
