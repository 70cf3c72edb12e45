/**
 * Where the client keeps what outlives it: `cache/` (pieces), `records/` (what was downloaded), `device` (who we are).
 * The folder is `--state`, else `$STATE_DIRECTORY` (systemd), else `/var/lib/piecework` for root, else
 * `$XDG_STATE_HOME/piecework`, else `~/.local/state/piecework`.
 */
import { DeviceId, idOf, type PeerId } from "@piecework/domain/Peer"
import { Context, Effect, FileSystem, Layer, Path, Schema } from "effect"
import { randomBytes } from "node:crypto"
import { homedir, userInfo } from "node:os"

export class StateFolderError extends Schema.TaggedError<StateFolderError>()("StateFolderError", {
  path: Schema.String,
  operation: Schema.Literals(["make", "read", "write"]),
  cause: Schema.Defect()
}) {
  override get message(): string {
    return `The state folder ${this.path} cannot be used (${this.operation}); choose another with --state.`
  }
}

export class StateFolder extends Context.Service<
  StateFolder,
  {
    readonly root: string
    readonly cache: string
    readonly records: string
    /** This device, and a suffix for this process: two processes of one device are two peers. */
    readonly self: PeerId
  }
>()("@piecework/client/StateFolder") {
  static readonly layer = (
    root: string
  ): Layer.Layer<StateFolder, StateFolderError, FileSystem.FileSystem | Path.Path> =>
    Layer.effect(StateFolder, make(root))
}

/** The folder that is used when none is named. */
export const defaultRoot = (env: NodeJS.ProcessEnv): string => {
  if (env["STATE_DIRECTORY"]) return env["STATE_DIRECTORY"]
  if (userInfo().uid === 0) return "/var/lib/piecework"
  return `${env["XDG_STATE_HOME"] ?? `${homedir()}/.local/state`}/piecework`
}

const make = Effect.fnUntraced(function* (root: string) {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const refused = (operation: StateFolderError["operation"]) => (cause: unknown) =>
    new StateFolderError({ path: root, operation, cause })

  yield* Effect.mapError(fs.makeDirectory(root, { recursive: true }), refused("make"))
  const file = path.join(root, "device")
  const read = fs.readFileString(file).pipe(
    Effect.map((text) => Schema.decodeUnknownOption(DeviceId)(text.trim())),
    Effect.mapError(refused("read"))
  )

  const exists = yield* Effect.mapError(fs.exists(file), refused("read"))
  const known = exists ? yield* read : undefined
  let device: DeviceId
  if (known?._tag === "Some") {
    device = known.value
  } else {
    device = DeviceId.make(randomBytes(16).toString("hex"))
    // Written whole under another name first: a reader sees the old id, or the new one, never half of one.
    const draft = `${file}.${randomBytes(4).toString("hex")}`
    yield* fs
      .writeFileString(draft, `${device}\n`)
      .pipe(Effect.andThen(fs.rename(draft, file)), Effect.mapError(refused("write")))
  }
  return StateFolder.of({
    root,
    cache: path.join(root, "cache"),
    records: path.join(root, "records"),
    self: idOf(device, randomBytes(4).readUInt32BE())
  })
})
