/** A process that puts events into an outbox and announces each one that is kept, until it is killed. */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Effect } from "effect"
import { Outbox } from "../../src/Outbox.ts"
import * as OutboxConfig from "../../src/OutboxConfig.ts"
import { completed } from "./events.ts"

const [, , directory = ""] = process.argv

await Effect.runPromise(
  Effect.gen(function* () {
    const outbox = yield* Outbox
    for (let n = 0; n < 100_000; n++) {
      const event = completed({ time: Date.now(), bytesFromCDN: n })
      // Another process's events have other ids.
      const own = {
        ...event,
        eventId: event.eventId.replace(/^.{16}/, process.pid.toString(16).padStart(16, "0")) as typeof event.eventId
      }
      yield* outbox.put(own)
      yield* Effect.callback<void>((resume) => void process.stdout.write(`${own.eventId}\n`, () => resume(Effect.void)))
    }
  }).pipe(
    Effect.provide(Outbox.layer(directory)),
    Effect.provide([NodeServices.layer, OutboxConfig.layer({ mostEvents: 100_000 })])
  )
)
