/**
 * What it costs to tell a device of its cache servers, and to take a heartbeat, in a file of a temporary folder:
 * `npm exec -- node --conditions=source packages/nodes/test/support/measure.ts`.
 */
import { mkdtempSync, rmSync, statSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { anonymous, local } from "@piecework/cloud/Identity"
import { Database, DatabaseConfig } from "@piecework/database"
import { Audit } from "@piecework/trust/Audit"
import { Credentials } from "@piecework/trust/Credentials"
import { Context, Effect, Layer } from "effect"
import { Heartbeats } from "../../src/Heartbeats.ts"
import { NodeDirectory } from "../../src/NodeDirectory.ts"
import { NodeFigures } from "../../src/NodeFigures.ts"
import { Nodes } from "../../src/Nodes.ts"
import * as NodesConfig from "../../src/NodesConfig.ts"
import { beat, deployed, figures, settings } from "./heartbeats.ts"

const directory = mkdtempSync(join(tmpdir(), "piecework-measure-"))

const micros = (count: number, began: number) => ((performance.now() - began) * 1000) / count

/** Devices in the networks of the nodes, again and again. */
const lookups = (nodes: number) =>
  Effect.scoped(
    Effect.gen(function* () {
      const began = performance.now()
      const { serversFor } = Context.get(yield* Layer.build(Layer.fresh(NodeDirectory.layer)), NodeDirectory)
      console.log(`${nodes} nodes: read in ${(performance.now() - began).toFixed(0)} ms`)
      const addresses = Array.from({ length: 1000 }, (_, n) => addressIn(n % nodes))
      const times: Array<number> = []
      let told = 0
      for (let round = 0; round < 50; round++) {
        const from = performance.now()
        for (const externalIp of addresses) told += serversFor({ externalIp, identity: anonymous }).length
        times.push(micros(addresses.length, from))
      }
      const median = times.toSorted((a, b) => a - b)[25] ?? 0
      console.log(
        `${nodes} nodes: ${median.toFixed(2)} µs a look, ${(told / 50_000).toFixed(1)} servers told on average`
      )
    })
  )

const addressIn = (node: number) => `10.${node % 250}.${Math.floor(node / 250)}.7`

const size = () => statSync(join(directory, Database.fileName)).size

const measure = Effect.gen(function* () {
  const nodes = yield* Nodes
  const now = Math.floor(Date.now() / 60_000)
  let made = 0
  const devices: Array<Effect.Success<ReturnType<typeof deployed>>> = []
  for (const count of [10, 1000]) {
    for (; made < count; made++) {
      // Each node has a network of its own, and every tenth a wider one besides.
      const ranges = [
        `10.${made % 250}.${Math.floor(made / 250)}.0/24`,
        ...(made % 10 === 0 ? [`10.${made % 250}.0.0/16`] : [])
      ]
      yield* nodes.create(local, settings(`node ${made}`, { ranges }))
      const device = yield* deployed(`node ${made}`)
      yield* beat(device)
      devices.push(device)
    }
    yield* lookups(count)
  }
  const began = performance.now()
  for (let round = 1; round <= 5; round++) {
    for (const device of devices) yield* beat(device, { figures: [figures(now - round)] })
  }
  console.log(`a heartbeat with a minute: ${micros(5 * devices.length, began).toFixed(0)} µs`)
  const before = size()
  const [device] = devices
  if (device === undefined) return
  const long = performance.now()
  for (let n = 0; n < 100; n++) {
    yield* beat(device, { figures: Array.from({ length: 240 }, (_, m) => figures(now - 240 * (n + 1) + m)) })
  }
  console.log(`a heartbeat with 240 minutes: ${(micros(100, long) / 1000).toFixed(1)} ms`)
  yield* Database.Database.use(({ sql }) => sql`PRAGMA wal_checkpoint(TRUNCATE)`)
  console.log(`${Math.round((size() - before) / 24_000)} bytes a minute on the disk`)
  const asked = performance.now()
  yield* NodeFigures.use((all) => all.overview(400))
  console.log(`overview of 400 hours and ${made} nodes: ${(performance.now() - asked).toFixed(1)} ms`)
})

const rooms = Layer.merge(Heartbeats.layer, NodeFigures.layer).pipe(
  Layer.provideMerge(Nodes.layer),
  Layer.provideMerge(Credentials.layer),
  Layer.provideMerge(Audit.layer),
  Layer.provideMerge(Database.Database.layer),
  Layer.provide(DatabaseConfig.layer({ directory })),
  Layer.provideMerge(NodesConfig.layer())
)
await Effect.runPromise(Effect.provide(measure, rooms)).finally(() => rmSync(directory, { recursive: true }))
