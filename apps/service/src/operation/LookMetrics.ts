/** What is looked at when metrics are asked for: whether each role does its work, and until when the certificate is good. */
import { X509Certificate } from "node:crypto"
import { readFile } from "node:fs/promises"
import * as Families from "@piecework/telemetry/Families"
import { Effect } from "effect"
import type { Readiness } from "./Readiness.ts"

/** `certificate`: the file with the one that is shown to devices, if any. */
export const families = (
  readiness: Readiness["Service"],
  certificate: string | undefined
): Effect.Effect<ReadonlyArray<Families.Family>> =>
  Effect.gen(function* () {
    const { troubles } = yield* readiness.state
    const until = certificate === undefined ? undefined : yield* endOf(certificate)
    const ready = Object.fromEntries([...troubles].map(([role, trouble]) => [role, trouble === undefined ? 1 : 0]))
    return [
      Families.by(
        "gauge",
        "piecework_role_ready",
        "Whether a role of this process does its work: 1 or 0, and nothing while it stops.",
        "role",
        ready
      ),
      Families.one(
        "gauge",
        "piecework_certificate_expiry_timestamp_seconds",
        "Until when the certificate for HTTPS is good, in seconds since 1970.",
        until
      )
    ]
  })

/** A file that cannot be read, or holds none, is told by the log when it is to be used; here is no figure then. */
const endOf = (file: string): Effect.Effect<number | undefined> =>
  Effect.tryPromise(async () => Date.parse(new X509Certificate(await readFile(file)).validTo) / 1000).pipe(
    Effect.orElseSucceed(() => undefined)
  )
