/**
 * The folder of the service's own authority: `ca.pem`, which clients are given, `ca.key`, and `server.pem` and `server.key`, which the
 * service serves with. Keys are for their owner only. Each file appears whole or not at all; what is there is never written over but
 * by a server's certificate that follows another.
 */
import { randomBytes } from "node:crypto"
import { open, readFile, rename, rm, stat } from "node:fs/promises"
import { join } from "node:path"
import * as Folders from "@piecework/host/Folders"
import { Clock, Effect, Schema } from "effect"
import * as Certificate from "./Certificate.ts"

export class TlsFolderError extends Schema.TaggedError<TlsFolderError>()("TlsFolderError", {
  folder: Schema.String,
  reason: Schema.Literals([
    "Unreadable",
    "Unwritable",
    /** There is an authority whose key or certificate cannot be used. */
    "Damaged"
  ]),
  cause: Schema.optionalKey(Schema.Defect())
}) {
  override get message(): string {
    switch (this.reason) {
      case "Unreadable":
        return `The certificates in ${this.folder} cannot be read.`
      case "Unwritable":
        return `Certificates cannot be kept in ${this.folder}.`
      case "Damaged":
        return `The authority in ${this.folder} is damaged; move the folder away to have another one made.`
    }
  }
}

export interface Places {
  readonly authority: string
  readonly authorityKey: string
  readonly certificate: string
  readonly key: string
}

export const placesIn = (folder: string): Places => ({
  authority: join(folder, "ca.pem"),
  authorityKey: join(folder, "ca.key"),
  certificate: join(folder, "server.pem"),
  key: join(folder, "server.key")
})

/** Whether there is a certificate to serve with. */
export const isThere = (folder: string): Effect.Effect<boolean> =>
  Effect.promise(() =>
    stat(placesIn(folder).certificate).then(
      () => true,
      () => false
    )
  )

/** The names that the server's certificate is for; none when there is none yet. */
export const namesIn = (folder: string): Effect.Effect<ReadonlyArray<string>, TlsFolderError> =>
  Effect.flatMap(read(folder, placesIn(folder).certificate), (text) =>
    usable(folder, () => (text === undefined ? [] : Certificate.namesOf(text)))
  )

/**
 * Makes what is missing, so that there are an authority and a server's certificate for the names; one for other names is made anew.
 * Says whether the authority is new.
 */
export const prepare = Effect.fn("TlsFolder.prepare")(function* (
  folder: string,
  names: ReadonlyArray<string>
): Effect.fn.Return<{ readonly isNew: boolean; readonly fingerprint: string }, TlsFolderError> {
  const places = placesIn(folder)
  const now = yield* Clock.currentTimeMillis
  const known = yield* authorityIn(folder)
  const authority = known ?? Certificate.makeAuthority(now)
  if (known === undefined) {
    yield* write(folder, places.authorityKey, authority.key, 0o600)
    yield* write(folder, places.authority, authority.certificate, 0o644)
  }
  const current = yield* read(folder, places.certificate)
  const covered = yield* usable(folder, () => (current === undefined ? [] : Certificate.namesOf(current)))
  const isFor = names.every((name) => covered.includes(Certificate.spelled(name)))
  const isDue =
    current === undefined || (yield* usable(folder, () => Certificate.isDue(current, authority.certificate, now)))
  if (isDue || !isFor) yield* issue(folder, authority, names, now)
  return { isNew: known === undefined, fingerprint: Certificate.fingerprint(authority.certificate) }
})

/** Makes the server's certificate anew, for the same names, when less than a third of its time is left. Says whether it did. */
export const renew = Effect.fn("TlsFolder.renew")(function* (
  folder: string
): Effect.fn.Return<boolean, TlsFolderError> {
  const now = yield* Clock.currentTimeMillis
  const authority = yield* authorityIn(folder)
  const current = yield* read(folder, placesIn(folder).certificate)
  if (authority === undefined || current === undefined) return false
  const isDue = yield* usable(folder, () => Certificate.isDue(current, authority.certificate, now))
  if (isDue) yield* issue(folder, authority, Certificate.namesOf(current), now)
  return isDue
})

const issue = (folder: string, authority: Certificate.Pair, names: ReadonlyArray<string>, now: number) =>
  Effect.gen(function* () {
    const pair = yield* usable(folder, () => Certificate.makeServer(authority, names, now))
    const places = placesIn(folder)
    // Whoever reads in between finds a pair that does not fit, and looks again.
    yield* write(folder, places.key, pair.key, 0o600)
    yield* write(folder, places.certificate, pair.certificate, 0o644)
  })

const authorityIn = Effect.fnUntraced(function* (
  folder: string
): Effect.fn.Return<Certificate.Pair | undefined, TlsFolderError> {
  const places = placesIn(folder)
  const certificate = yield* read(folder, places.authority)
  const key = yield* read(folder, places.authorityKey)
  if (certificate === undefined && key === undefined) return undefined
  if (certificate === undefined || key === undefined) return yield* new TlsFolderError({ folder, reason: "Damaged" })
  yield* usable(folder, () => Certificate.makeServer({ certificate, key }, ["localhost"], 0))
  return { certificate, key }
})

const usable = <A>(folder: string, evaluate: () => A): Effect.Effect<A, TlsFolderError> =>
  Effect.try({ try: evaluate, catch: (cause) => new TlsFolderError({ folder, reason: "Damaged", cause }) })

const read = (folder: string, file: string): Effect.Effect<string | undefined, TlsFolderError> =>
  Effect.tryPromise({
    try: () =>
      readFile(file, "utf8").catch((cause: NodeJS.ErrnoException) => {
        if (cause.code === "ENOENT") return undefined
        throw cause
      }),
    catch: (cause) => new TlsFolderError({ folder, reason: "Unreadable", cause })
  })

const write = (folder: string, file: string, text: string, mode: number): Effect.Effect<void, TlsFolderError> => {
  const draft = `${file}.${randomBytes(4).toString("hex")}`
  return Effect.tryPromise({
    try: async () => {
      await Folders.make(folder, { mode: 0o700 })
      const handle = await open(draft, "wx", mode)
      try {
        await handle.writeFile(text)
        await handle.sync()
      } finally {
        await handle.close()
      }
      await rename(draft, file)
    },
    catch: (cause) => new TlsFolderError({ folder, reason: "Unwritable", cause })
  }).pipe(Effect.onError(() => Effect.promise(() => rm(draft, { force: true }).catch(() => {}))))
}
