/**
 * What this device has from its enrolment at a service: `enrolments/<origin>.json` in the state folder, for its owner only. A file
 * appears whole or not at all, and is for the one service whose origin (scheme, host, port) it names.
 */
import { randomBytes } from "node:crypto"
import { chmod, open, readFile, rename, rm } from "node:fs/promises"
import { join } from "node:path"
import * as Folders from "@piecework/host/Folders"
import { EnrolReply } from "@piecework/cloud/EnrolRpcs"
import { originOf } from "@piecework/cloud/ServiceUrl"
import { Effect, Option, Redacted, Schema } from "effect"

export class Enrolment extends Schema.Class<Enrolment>("@piecework/device/Enrolment")({
  /** Origin of the service. */
  service: Schema.String,
  device: EnrolReply.fields.device,
  credential: EnrolReply.fields.credential,
  /** Certificates in PEM by which the service is known, in place of the system's. */
  certificates: Schema.optionalKey(Schema.String)
}) {}

/** The file cannot be read, or written, or is none of ours. */
export class EnrolmentError extends Schema.TaggedError<EnrolmentError>()("EnrolmentError", {
  file: Schema.String,
  reason: Schema.Literals(["Unreadable", "Damaged", "Unwritable"]),
  cause: Schema.optionalKey(Schema.Defect())
}) {
  override get message(): string {
    switch (this.reason) {
      case "Unreadable":
        return `The enrolment in ${this.file} cannot be read.`
      case "Damaged":
        return `The enrolment in ${this.file} is damaged; enrol the device again.`
      case "Unwritable":
        return `The enrolment cannot be kept in ${this.file}.`
    }
  }
}

/** Longest file that is read, in bytes; a chain of certificates has some thousands. */
const mostBytes = 262_144

const Stored = Schema.fromJsonString(Enrolment)

export const fileOf = (root: string, serviceUrl: string): string =>
  join(root, "enrolments", `${encodeURIComponent(originOf(serviceUrl) ?? serviceUrl)}.json`)

/** `None` when the device is not enrolled there. */
export const load = Effect.fnUntraced(function* (
  root: string,
  serviceUrl: string
): Effect.fn.Return<Option.Option<Enrolment>, EnrolmentError> {
  const file = fileOf(root, serviceUrl)
  const text = yield* Effect.tryPromise({
    try: () =>
      readFile(file, "utf8").catch((cause: NodeJS.ErrnoException) => {
        if (cause.code === "ENOENT" || cause.code === "ENOTDIR") return undefined
        throw cause
      }),
    catch: (cause) => new EnrolmentError({ file, reason: "Unreadable", cause })
  })
  if (text === undefined) return Option.none()
  const damaged = new EnrolmentError({ file, reason: "Damaged" })
  if (text.length > mostBytes) return yield* damaged
  const found = yield* Effect.mapError(Schema.decodeEffect(Stored)(text), () => damaged)
  // Whoever renames files does not send one service's credential to another.
  return found.service === originOf(serviceUrl) ? Option.some(found) : yield* damaged
})

export const store = (root: string, enrolment: Enrolment): Effect.Effect<void, EnrolmentError> => {
  const file = fileOf(root, enrolment.service)
  const folder = join(root, "enrolments")
  const draft = `${file}.${randomBytes(4).toString("hex")}`
  return Schema.encodeEffect(Stored)(enrolment).pipe(
    Effect.orDie,
    Effect.flatMap((text) =>
      Effect.tryPromise({
        try: async () => {
          await Folders.make(folder, { mode: 0o700 })
          await chmod(folder, 0o700)
          const handle = await open(draft, "wx", 0o600)
          try {
            await handle.writeFile(`${text}\n`)
            // It is issued once: it must be there after a power cut, too.
            await handle.sync()
          } finally {
            await handle.close()
          }
          await rename(draft, file)
        },
        catch: (cause) => new EnrolmentError({ file, reason: "Unwritable", cause })
      })
    ),
    Effect.onError(() => Effect.promise(() => rm(draft, { force: true }).catch(() => {})))
  )
}

/** Says whether there was one. */
export const remove = (root: string, serviceUrl: string): Effect.Effect<boolean, EnrolmentError> => {
  const file = fileOf(root, serviceUrl)
  return Effect.tryPromise({
    try: () =>
      rm(file).then(
        () => true,
        (cause: NodeJS.ErrnoException) => {
          if (cause.code === "ENOENT" || cause.code === "ENOTDIR") return false
          throw cause
        }
      ),
    catch: (cause) => new EnrolmentError({ file, reason: "Unwritable", cause })
  })
}

/** What a service answered, as it is kept. */
export const of = (serviceUrl: string, { credential, device }: EnrolReply, certificates?: string): Enrolment =>
  new Enrolment({
    service: originOf(serviceUrl) ?? serviceUrl,
    device,
    credential: Redacted.make(Redacted.value(credential)),
    ...(certificates === undefined ? {} : { certificates })
  })
