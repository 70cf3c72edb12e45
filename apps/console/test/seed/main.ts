/**
 * Reports the fleet that never was to a running service, and prints which networks are where for its `--places`:
 * `npm run seed -w @piecework/console -- places > places.json`, then `… -- http://127.0.0.1:7670` at a service that was started with that file
 * and with `--trust-proxy 127.0.0.1`, else all devices are one site.
 */
import { Clock, Console, Effect } from "effect"
import * as Reporting from "./Reporting.ts"

const [what = "places"] = process.argv.slice(2)
await Effect.runPromise(
  what === "places"
    ? Console.log(JSON.stringify(Reporting.places))
    : Effect.gen(function* () {
        const count = yield* Reporting.report(what, yield* Clock.currentTimeMillis)
        yield* Console.log(`${count} batches reported.`)
      })
)
