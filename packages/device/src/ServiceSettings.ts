/**
 * What a service says of settings to all of its devices, kept in `settings/<origin>.json` of the state folder: the next start has it
 * before the service answers. It is asked for anew when it expires; a service that does not answer is taken at its last word
 * for a week. Source: spec.md §4.2.
 */
import { randomBytes } from "node:crypto"
import { readFile, rename, rm, writeFile } from "node:fs/promises"
import { dirname, join } from "node:path"
import { isDeepStrictEqual } from "node:util"
import * as Folders from "@piecework/host/Folders"
import { Cloud } from "@piecework/cloud/Cloud"
import { KeyValueReply } from "@piecework/cloud/KeyValueRpcs"
import { originOf } from "@piecework/cloud/ServiceUrl"
import type { Said } from "@piecework/policy/Policy"
import { Clock, Duration, Effect, Layer, Option, Schema } from "effect"

class ServiceSettings extends Schema.Class<ServiceSettings>("@piecework/device/ServiceSettings")({
  /** Origin of the service. */
  service: Schema.String,
  /** Epoch milliseconds. */
  expiresAt: Schema.Finite,
  settings: KeyValueReply.fields.settings
}) {}

const Stored = Schema.fromJsonString(ServiceSettings)
const decode = Schema.decodeUnknownOption(Stored)
const encode = Schema.encodeSync(Stored)

/** Longest file that is read, in characters: 256 settings with their longest texts. */
const longest = 2_097_152

/** How long a service is taken at its word after that expired, in milliseconds. */
const grace = Duration.toMillis(Duration.days(7))

const fileOf = (root: string, service: string): string =>
  join(root, "settings", `${encodeURIComponent(originOf(service) ?? service)}.json`)

/** In words of settings; what is kept of another service is none. */
export const said = (settings: KeyValueReply["settings"]): Said => ({ provider: "KeyValueService", values: settings })

/** What was kept of the service, unless it is too old. A file that cannot be read is as good as none. */
export const kept = Effect.fn("ServiceSettings.kept")(function* (root: string, service: string) {
  const now = yield* Clock.currentTimeMillis
  return Option.filter(yield* stored(root, service), ({ expiresAt }) => now < expiresAt + grace).pipe(
    Option.map(({ settings }) => said(settings))
  )
})

const stored = (root: string, service: string): Effect.Effect<Option.Option<ServiceSettings>> =>
  Effect.map(Effect.option(Effect.tryPromise(() => readFile(fileOf(root, service), "utf8"))), (text) =>
    text.pipe(
      Option.filter(({ length }) => length <= longest),
      Option.flatMap(decode),
      Option.filter((one) => one.service === originOf(service))
    )
  )

/** Keeps it; a reader sees the old file or the new one. */
const keep = Effect.fnUntraced(function* (
  root: string,
  service: string,
  { expiresInSeconds, settings }: KeyValueReply
) {
  const file = fileOf(root, service)
  const now = yield* Clock.currentTimeMillis
  const span = Math.min(Duration.toMillis(longestExpiry), expiresInSeconds * 1000)
  const expiresAt = now + span
  // Each download asks the services; what it hears is mostly what was kept a moment ago.
  const before = Option.getOrUndefined(yield* stored(root, service))
  const isCurrent = before !== undefined && before.expiresAt > now + span / 2 && before.expiresAt <= expiresAt
  if (isCurrent && isDeepStrictEqual(before.settings, settings)) return
  const text = encode(new ServiceSettings({ service: originOf(service) ?? service, expiresAt, settings }))
  const draft = `${file}.${randomBytes(4).toString("hex")}`
  yield* Effect.tryPromise(() => Folders.make(dirname(file))).pipe(
    Effect.andThen(Effect.tryPromise(() => writeFile(draft, text))),
    Effect.andThen(Effect.tryPromise(() => rename(draft, file))),
    Effect.tapError(() => Effect.promise(() => rm(draft, { force: true }))),
    // The next start is without it for a moment, and no worse.
    Effect.catch((error) => Effect.logDebug("the service's settings were not kept", String(error.cause)))
  )
})

/** A service's word is kept for a day at most, as `Cloud` keeps it. */
const longestExpiry = Duration.days(1)

/** How often it is looked whether the service's word has expired. */
const again = Duration.minutes(1)

export interface Hearing {
  readonly root: string
  readonly service: string
  /** Whether it asks at once, and not only when the first download has made the services answer. */
  readonly atOnce: boolean
  readonly hear: (said: Said) => Effect.Effect<void>
}

/** The services, of whose answers the settings are passed on; they are asked anew when their word expires. */
export const layer = (hearing: Hearing): Layer.Layer<Cloud, never, Cloud> =>
  Layer.effect(
    Cloud,
    Effect.gen(function* () {
      const cloud = yield* Cloud
      let last: KeyValueReply | undefined
      const heard = Effect.fnUntraced(function* (reply: KeyValueReply) {
        if (reply === last) return
        last = reply
        yield* hearing.hear(said(reply.settings))
        yield* keep(hearing.root, hearing.service, reply)
      })
      const whereabouts = Effect.tap(cloud.whereabouts, ({ keyValue }) => heard(keyValue))
      yield* Effect.gen(function* () {
        if (!hearing.atOnce) yield* Effect.sleep(again)
        while (true) {
          yield* Effect.catch(whereabouts, (error) => Effect.logDebug("no settings of the service", error))
          yield* Effect.sleep(again)
        }
      }).pipe(Effect.forkScoped)
      return Cloud.of({
        ...cloud,
        whereabouts,
        lookup: (content) => Effect.tap(cloud.lookup(content), ({ keyValue }) => heard(keyValue))
      })
    })
  )
