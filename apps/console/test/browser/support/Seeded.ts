/** A service of its own to which nobody has reported anything yet, and a fleet of 54 devices at four places that reports when it is told to. */
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { Clock, Effect } from "effect"
import * as Reporting from "../../seed/Reporting.ts"
import * as Programs from "./Programs.ts"
import { folder } from "./Scene.ts"

export const make = Effect.gen(function* () {
  const root = yield* folder
  const [data, places] = [join(root, "service"), join(root, "places.json")]
  yield* Effect.promise(() => writeFile(places, JSON.stringify(Reporting.places)))
  const here = ["--host", "127.0.0.1", "--port", "0", "--trust-proxy", "127.0.0.1", "--places", places]
  const program = yield* Programs.start("service", [...here, "--data", data, "--json"])
  const service = yield* program.line((line) => (JSON.parse(line) as { readonly listening?: string }).listening)
  const made = yield* Programs.run("service", ["console", "--at", service, "--data", data, "--json"])
  return {
    /** The address that signs in. */
    door: (JSON.parse(made) as { readonly url: string }).url,
    /** One with a token of another name. */
    anotherDoor: Effect.map(
      Programs.run("service", ["token", "create", "--name", "Auditor", "--scope", "read", "--data", data, "--json"]),
      (text) => `${service}/console/#token=${(JSON.parse(text) as { readonly token: string }).token}`
    ),
    report: Effect.andThen(Clock.currentTimeMillis, (now) => Reporting.report(service, now)),
    /** What the service's own command says. */
    csv: (...args: ReadonlyArray<string>) => Programs.run("service", ["report", ...args, "--csv", "--data", data])
  }
})
