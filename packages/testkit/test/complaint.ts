/** A site where something goes as people complain of, and what the explanation of a download says of it. */
import { assert } from "@effect/vitest"
import type { Downloader } from "@piecework/download"
import { maxBytes } from "@piecework/ledger/Bounds"
import * as Explanation from "@piecework/ledger/Explanation"
import { decode } from "@piecework/ledger/Ledger"
import { encode } from "@piecework/ledger/Thinning"
import * as LivePolicy from "@piecework/policy/LivePolicy"
import * as Policy from "@piecework/policy/Policy"
import type { Said } from "@piecework/policy/Policy"
import { World } from "@piecework/testkit"
import { MemoryNetwork } from "@piecework/transport"
import { Effect, Result } from "effect"
import { within } from "./within.ts"

export const bytes = World.bytesOf(60 * 4096)
export const place = "/etc/piecework/policy.json"

export const says = (values: Said["values"], provider: Said["provider"] = "MachineFile"): LivePolicy.LivePolicy => ({
  ...LivePolicy.constant(Policy.resolve([{ provider, values }])),
  placeOf: (name) => (name in values && provider === "MachineFile" ? place : undefined)
})

/** A site whose line carries the content in a second or so. */
export const site = Effect.gen(function* () {
  const line = MemoryNetwork.line(200_000)
  const world = yield* World.make({
    network: { link: (from) => ({ latency: "1 millis", ...(from === World.originHost ? { lines: [line] } : {}) }) }
  })
  const { phf, url } = yield* world.publish("/file", bytes)
  return { world, phf, url }
})

const circumstances: Explanation.Circumstances = { isRunning: false, time: (at) => new Date(at).toISOString() }

/** What a person is told, out of what would be read from the disk. */
export const explain = (active: Downloader.ActiveDownload, now: Partial<Explanation.Circumstances> = {}) => {
  const json = encode(active.ledger())
  assert.isAtMost(Buffer.byteLength(json), maxBytes)
  const explained = Explanation.of(Result.getOrThrow(decode(json)), { ...circumstances, ...now })
  if (process.env["SHOW"] !== undefined) console.log(`${Explanation.render(explained)}\n`)
  return explained
}

export const answer = (active: Downloader.ActiveDownload, now?: Partial<Explanation.Circumstances>) =>
  explain(active, now).answer

/** Downloads to the end, whatever that is. */
export const run = (
  client: World.TestClient,
  request: Parameters<World.TestClient["start"]>[0],
  limit = "10 minutes" as const
) =>
  Effect.gen(function* () {
    const active = yield* client.start(request)
    yield* within(limit, Effect.exit(active.result))
    return active
  })
