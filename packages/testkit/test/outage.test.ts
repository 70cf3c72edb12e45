import { assert, describe, it } from "@effect/vitest"
import { Cloud } from "@piecework/cloud"
import { CloudError } from "@piecework/cloud/CloudError"
import type { Role } from "@piecework/cloud/Role"
import { total } from "@piecework/domain/SourceKind"
import { World } from "@piecework/testkit"
import { MemoryNetwork } from "@piecework/transport"
import { Context, Effect, Layer } from "effect"
import { expectFile } from "./downloads.ts"
import { within } from "./within.ts"

/** What can be down: the roles that are called, and the HTTP server that has the pieces hash files. */
const parts = ["Geo", "KeyValue", "ContentPolicy", "Metadata", "Discovery", "Array"] as const
type Part = (typeof parts)[number]

/** How something that is down looks: refused at once, or no answer until one gives up. */
type Manner = "Unreachable" | "TimedOut"

const pieces = 40
const pieceSize = 4096
const bytes = World.bytesOf(pieces * pieceSize, 3)

/** The services with some roles down, and down they stay. */
const without = (
  self: Cloud.Cloud["Service"],
  down: ReadonlySet<Part | Role>,
  manner: Manner
): Cloud.Cloud["Service"] => {
  const unless =
    // No download waits for Reports.
    (...roles: ReadonlyArray<Exclude<Role, "Reports">>) =>
      <A>(call: Effect.Effect<A, CloudError>): Effect.Effect<A, CloudError> => {
        const role = roles.find((one) => down.has(one))
        if (role === undefined) return call
        const failure = Effect.fail(new CloudError({ role, url: "http://10.9.0.2", reason: manner }))
        return manner === "TimedOut" ? Effect.delay(failure, "3 seconds") : failure
      }
  return Cloud.Cloud.of({
    ...self,
    whereabouts: unless("Geo", "KeyValue")(self.whereabouts),
    lookup: (content) => unless("Geo", "KeyValue", "ContentPolicy")(self.lookup(content)),
    geo: unless("Geo")(self.geo),
    keyValue: (geo) => unless("KeyValue")(self.keyValue(geo)),
    contentPolicy: (known, content) => unless("ContentPolicy")(self.contentPolicy(known, content)),
    discover: (known, contentId) => unless("Discovery")(self.discover(known, contentId)),
    join: (url, request) => unless("Array")(self.join(url, request)),
    leave: (url, request) => unless("Array")(self.leave(url, request)),
    lease: (url, request) => unless("Array")(self.lease(url, request))
  })
}

/** Three devices start together; what each took in all, as a part of the file. */
const taken = (down: ReadonlyArray<Part>, manner: Manner) =>
  Effect.gen(function* () {
    const line = MemoryNetwork.line(200_000)
    const link = (from: string) => ({ latency: "2 millis", lines: from === World.originHost ? [line] : [] }) as const
    const world = yield* World.make({ pieceSize, network: { link } })
    yield* world.publish("/file", bytes)
    if (down.includes("Metadata")) world.metadata.misbehave(manner === "TimedOut" ? { silent: true } : { status: 503 })
    const real = Context.get(yield* Layer.build(world.cloud), Cloud.Cloud)
    const cloud = Layer.succeed(Cloud.Cloud, without(real, new Set(down), manner))
    const results = yield* within(
      "1 minute",
      Effect.forEach(
        [1, 2, 3],
        () =>
          Effect.gen(function* () {
            const client = yield* world.client({ cloud })
            return yield* expectFile(client, yield* client.start({ url: world.urlOf("/file") }), bytes)
          }),
        { concurrency: "unbounded" }
      )
    )
    return results.map(({ received }) => total(received) / bytes.length)
  }).pipe(Effect.scoped)

const pairs = parts.flatMap((one, n) => parts.slice(n + 1).map((other) => [one, other] as const))

describe("Downloads that start together complete, and take no more than the file and a twentieth,", () => {
  const sets: ReadonlyArray<ReadonlyArray<Part>> = [[], ...parts.map((one) => [one]), ...pairs, parts]
  for (const down of sets) {
    const names = down.length === parts.length ? "everything" : down.join(" and ")
    for (const manner of ["Unreachable", "TimedOut"] as const) {
      if (down.length === 0 && manner === "TimedOut") continue
      const how = down.length === 0 ? "while all is well" : `with ${names} ${manner === "TimedOut" ? "silent" : "down"}`
      it.effect(how, () =>
        Effect.gen(function* () {
          for (const part of yield* taken(down, manner)) assert.isAtMost(part, 1.05)
        })
      )
    }
  }
})
