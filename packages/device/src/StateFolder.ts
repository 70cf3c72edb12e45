/**
 * Where a device keeps what outlives its programs: `cache/` (pieces), `records/` (what was downloaded), `reports/` (what the service was not told yet),
 * `ledgers/` (why downloads went as they did), `months/` (what was downloaded and sent, by month), `line.json` (what the line has been
 * seen to carry), `logs/` (what the programs say), `device` (who we are).
 * The folder is `--state`, else `$STATE_DIRECTORY` (systemd), else `/var/lib/piecework` for root, else
 * `$XDG_STATE_HOME/piecework`, else `~/.local/state/piecework`.
 */
import { randomBytes } from "node:crypto"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { stateFolder } from "@piecework/client/AgentPlace"
import { DeviceId, idOf, type PeerId } from "@piecework/domain/Peer"
import * as Folders from "@piecework/host/Folders"
import { Context, Effect, FileSystem, Layer, Path, Result, Schema } from "effect"

export class StateFolderError extends Schema.TaggedError<StateFolderError>()("StateFolderError", {
  path: Schema.String,
  operation: Schema.Literals(["make", "read", "write"]),
  cause: Schema.Defect()
}) {
  /** Why, as short as it goes: the system's own word where there is one. */
  get why(): string {
    return codeOf(this.cause) ?? `it cannot be ${this.operation === "make" ? "made" : this.operation}`
  }
  override get message(): string {
    return unusable(this.path, this.why)
  }
}

export class StateFolder extends Context.Service<
  StateFolder,
  {
    readonly root: string
    readonly cache: string
    readonly records: string
    readonly reports: string
    readonly ledgers: string
    readonly months: string
    /** What the line has been seen to carry. */
    readonly line: string
    /** This device, and a suffix for this process: two processes of one device are two peers. */
    readonly self: PeerId
  }
>()("@piecework/device/StateFolder") {
  static readonly layer = (
    root: string
  ): Layer.Layer<StateFolder, StateFolderError, FileSystem.FileSystem | Path.Path> =>
    Layer.effect(StateFolder, make(root))

  /** A folder that is gone with the scope: for when the usual one cannot be used. */
  static readonly layerTemporary: Layer.Layer<StateFolder, StateFolderError, FileSystem.FileSystem | Path.Path> =
    Layer.effect(
      StateFolder,
      Effect.gen(function* () {
        const fs = yield* FileSystem.FileSystem
        const root = yield* fs
          .makeTempDirectoryScoped({ prefix: "piecework-" })
          .pipe(Effect.mapError((cause) => new StateFolderError({ path: tmpdir(), operation: "make", cause })))
        return yield* make(root)
      })
    )
}

/** In a sentence; `why` is the system's word. */
export const unusable = (path: string, why: string): string =>
  noFolder.has(why)
    ? `The state folder ${path} is a file, or lies under one; choose another with --state.`
    : `The state folder ${path} cannot be used (${why}); choose another with --state.`

/** What the system says where a file stands in the place of a folder. */
const noFolder: ReadonlySet<string> = new Set(["EEXIST", "ENOTDIR"])

/** What the system called it, as far down as it is hidden. */
const codeOf = (error: unknown): string | undefined => {
  let at = error
  for (let depth = 0; depth < 8 && typeof at === "object" && at !== null; depth++) {
    if ("code" in at && typeof at.code === "string") return at.code
    at = "reason" in at && typeof at.reason === "object" ? at.reason : "cause" in at ? at.cause : undefined
  }
  return undefined
}

/** What lies where in a state folder. */
export const placesIn = (
  root: string
): {
  readonly cache: string
  readonly records: string
  readonly reports: string
  readonly ledgers: string
  readonly months: string
  readonly line: string
} => ({
  cache: join(root, "cache"),
  records: join(root, "records"),
  reports: join(root, "reports"),
  ledgers: join(root, "ledgers"),
  months: join(root, "months"),
  line: join(root, "line.json")
})

/** What programs call their files and folders in there, whether they are there yet or not. */
export const names: ReadonlySet<string> = new Set([
  "agents",
  "cache",
  "cache-places",
  "device",
  "enrolments",
  "jobs",
  "ledgers",
  "line.json",
  "logs",
  "offers.json",
  "records",
  "reports",
  "run",
  "settings",
  "months"
])

/** The folder that is used when none is named: the agent's, or that of another program. */
export const defaultRoot = (env: Parameters<typeof stateFolder>[0], program?: string): string =>
  stateFolder(env, undefined, program)

/** For who would make nothing: fails where a file stands in its place. One that is not there yet is as good as one that is empty. */
export const check = Effect.fn("StateFolder.check")(function* (
  root: string
): Effect.fn.Return<void, StateFolderError, FileSystem.FileSystem> {
  const fs = yield* FileSystem.FileSystem
  const listed = yield* Effect.result(fs.readDirectory(root))
  if (Result.isSuccess(listed) || !noFolder.has(codeOf(listed.failure) ?? "")) return
  return yield* new StateFolderError({ path: root, operation: "read", cause: listed.failure })
})

const make = Effect.fnUntraced(function* (root: string) {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const refused = (operation: StateFolderError["operation"]) => (cause: unknown) =>
    new StateFolderError({ path: root, operation, cause })

  yield* Effect.tryPromise({ try: () => Folders.make(root), catch: refused("make") })
  yield* Effect.mapError(fs.access(root, { writable: true }), refused("write"))
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
    ...placesIn(root),
    self: idOf(device, randomBytes(4).readUInt32BE())
  })
})
