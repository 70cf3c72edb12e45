/**
 * What an administrator says of the REST interface: a JSON object in a file, read at the start and again on SIGHUP. The folder of the
 * Linux agent counts as well as our own, which speaks first. Source: spec.md §1, the Linux agent's own configuration.
 */
import { join } from "node:path"
import { Supervisor } from "@piecework/terminal/Supervisor"
import { Context, Effect, FileSystem, Layer, Option, Queue, Schema } from "effect"

export const fileName = "admin-config.json"

/** Where the files are. The first one that says something of a setting counts. */
export const usualFolders = ["/etc/piecework", "/etc/deliveryoptimization-agent"] as const

export interface Admin {
  /** Whether only this machine may ask. */
  readonly validateRemoteAddr: boolean
}

export const defaults: Admin = { validateRemoteAddr: true }

/** Bytes; a longer file is not read. */
const maxBytes = 65_536

export class AdminFile extends Context.Service<AdminFile, { readonly current: () => Admin }>()(
  "@piecework/client/AdminFile"
) {
  static readonly layer = (
    folders: ReadonlyArray<string> = usualFolders
  ): Layer.Layer<AdminFile, never, FileSystem.FileSystem> =>
    Layer.effect(
      AdminFile,
      Effect.gen(function* () {
        const fs = yield* FileSystem.FileSystem
        let admin = defaults
        const look = Effect.gen(function* () {
          const said: Array<Said> = []
          for (const folder of folders) {
            const file = yield* read(fs, join(folder, fileName))
            // As long as one cannot be understood, what was in force stays so: half a file must not open a door.
            if (file === undefined) return
            said.push(file)
          }
          admin = of(said)
        })
        yield* look
        const hangups = yield* Queue.sliding<void>(1)
        const onHangup = () => void Queue.offerUnsafe(hangups, undefined)
        yield* Effect.acquireRelease(
          Effect.sync(() => process.on("SIGHUP", onHangup)),
          () => Effect.sync(() => process.off("SIGHUP", onHangup))
        )
        const { reloading } = yield* Supervisor
        const again = Effect.andThen(Queue.take(hangups), reloading(look))
        yield* Effect.forkScoped(
          Effect.forever(Effect.andThen(again, Effect.logInfo("The admin files were read again.")))
        )
        return AdminFile.of({ current: () => admin })
      })
    )

  static readonly layerConstant = (admin: Admin): Layer.Layer<AdminFile> =>
    Layer.succeed(AdminFile, { current: () => admin })
}

/** The settings of one file; those that it does not have are not there. */
export type Said = Partial<Admin>

/** `undefined` for what is no JSON object. A setting of the wrong kind is not there. */
export const parse = (text: string): Said | undefined => {
  const value = Option.getOrUndefined(Schema.decodeUnknownOption(Schema.fromJsonString(Schema.Unknown))(text))
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined
  const is = truths.get(
    "RestControllerValidateRemoteAddr" in value ? value.RestControllerValidateRemoteAddr : undefined
  )
  return is === undefined ? {} : { validateRemoteAddr: is }
}

/** The forms in which the agent takes it. */
const truths: ReadonlyMap<unknown, boolean> = new Map<unknown, boolean>([
  [true, true],
  ["true", true],
  [1, true],
  [false, false],
  ["false", false],
  [0, false]
])

export const of = (said: ReadonlyArray<Said>): Admin => ({
  validateRemoteAddr:
    said.map(({ validateRemoteAddr }) => validateRemoteAddr).find((is) => is !== undefined) ??
    defaults.validateRemoteAddr
})

/** Nothing said when there is no such file; `undefined`, and a warning, when it cannot be understood. */
const read = Effect.fnUntraced(function* (fs: FileSystem.FileSystem, path: string): Effect.fn.Return<Said | undefined> {
  const text = yield* Effect.result(
    Effect.gen(function* () {
      const { size, type } = yield* fs.stat(path)
      return type === "File" && size <= BigInt(maxBytes) ? yield* fs.readFileString(path) : ""
    })
  )
  if (text._tag === "Failure" && text.failure.reason._tag === "NotFound") return {}
  const said = text._tag === "Failure" ? undefined : parse(text.success)
  if (said === undefined) yield* Effect.logWarning(`The admin file ${path} cannot be used; what was in force stays so.`)
  return said
})
