/**
 * A PostgreSQL server for one test: in a temporary folder, on a free port of the loopback address, run by a user who is not
 * root, ended by its process id. Its programs are those of the system; where there are none, root installs Debian's package.
 */
import { type ChildProcess, execFile, spawn } from "node:child_process"
import { accessSync, constants, existsSync, readdirSync, readFileSync } from "node:fs"
import { chmod, chown, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"
import { Effect, Redacted, Schema, type Scope } from "effect"

export class PostgresFailed extends Schema.TaggedError<PostgresFailed>()("PostgresFailed", {
  step: Schema.Literals(["find", "initdb", "start", "stop", "createdb"]),
  said: Schema.String
}) {
  override get message(): string {
    return `PostgreSQL failed to ${this.step}: ${this.said}`
  }
}

/** Where the programs are, or why there are none. */
type Found =
  | { readonly _tag: "Found"; readonly folder: string; readonly user: User | undefined }
  | { readonly _tag: "Missing"; readonly why: string }

interface User {
  readonly uid: number
  readonly gid: number
}

export interface TestPostgres {
  /** Makes a new, empty database and answers its URL. */
  readonly database: Effect.Effect<Redacted.Redacted, PostgresFailed>
  /** Ends the server as a crash would: no connection is said goodbye to. */
  readonly crash: Effect.Effect<void, PostgresFailed>
  /** Starts it again on the same port, with what was in it. */
  readonly start: Effect.Effect<void, PostgresFailed>
}

const run = promisify(execFile)

let looked: Promise<Found> | undefined

/** Looks for the programs, and installs them where that is possible; asked again, answers the same. */
const find = (): Promise<Found> => (looked ??= look())

/** Why there can be no server here; nothing when there can. For `describe.skipIf`. */
export const missing = async (): Promise<string | undefined> => {
  const found = await find()
  if (found._tag === "Found") return undefined
  console.warn(`Tests on PostgreSQL are skipped: ${found.why}.`)
  return found.why
}

const look = async (): Promise<Found> => {
  const isRoot = process.getuid?.() === 0
  const user = isRoot ? (userOf("postgres") ?? userOf("nobody")) : undefined
  if (isRoot && user === undefined) return { _tag: "Missing", why: "there is no user but root to run PostgreSQL" }
  const folder = programs()
  if (folder !== undefined) return { _tag: "Found", folder, user }
  if (!isRoot || !existsSync("/usr/bin/apt-get")) return { _tag: "Missing", why: "PostgreSQL is not installed" }
  try {
    await install()
  } catch (cause) {
    return { _tag: "Missing", why: `PostgreSQL is not installed, and cannot be: ${lastLine(String(cause))}` }
  }
  const installed = programs()
  return installed === undefined
    ? { _tag: "Missing", why: "the package postgresql has no initdb" }
    : { _tag: "Found", folder: installed, user: userOf("postgres") ?? user }
}

/** Debian keeps them out of the search path, in a folder for each version. */
const programs = (): string | undefined => {
  const debian = "/usr/lib/postgresql"
  const versions = existsSync(debian) ? readdirSync(debian).toSorted((a, b) => Number(b) - Number(a)) : []
  const folders = [
    ...versions.map((version) => join(debian, version, "bin")),
    ...(process.env["PATH"] ?? "").split(":")
  ]
  return folders.find((folder) => ["initdb", "postgres"].every((name) => isExecutable(join(folder, name))))
}

const isExecutable = (file: string): boolean => {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** Other test files may install at the same time, so the lock of the packages is waited for. No server is started. */
const install = async (): Promise<void> => {
  const environment = { ...process.env, DEBIAN_FRONTEND: "noninteractive" }
  const apt = (...args: ReadonlyArray<string>) =>
    run("apt-get", ["-q", "-o", "DPkg::Lock::Timeout=120", "-o", "Acquire::Retries=1", ...args], {
      env: environment,
      timeout: 180_000
    })
  const settings = "/etc/postgresql-common"
  if (!existsSync(settings)) {
    await mkdir(settings, { recursive: true })
    await writeFile(join(settings, "createcluster.conf"), "create_main_cluster = false\n")
  }
  const options = ["install", "-y", "--no-install-recommends", "-o", "Dpkg::Options::=--force-confold", "postgresql"]
  await apt(...options).catch(async () => {
    await apt("update")
    return apt(...options)
  })
}

const userOf = (name: string): User | undefined => {
  const line = readFileSync("/etc/passwd", "utf8")
    .split("\n")
    .find((one) => one.startsWith(`${name}:`))
  const [, , uid, gid] = line?.split(":") ?? []
  return uid === undefined || gid === undefined ? undefined : { uid: Number(uid), gid: Number(gid) }
}

/** A server with no databases of ours, for as long as the scope is open. */
export const make: Effect.Effect<TestPostgres, PostgresFailed, Scope.Scope> = Effect.gen(function* () {
  const found = yield* Effect.promise(find)
  if (found._tag === "Missing") return yield* new PostgresFailed({ step: "find", said: found.why })
  const { folder, user } = found
  const root = yield* Effect.acquireRelease(
    Effect.promise(() => mkdtemp(join(tmpdir(), "piecework-postgres-"))),
    (path) => Effect.promise(() => rm(path, { recursive: true, force: true }))
  )
  const data = join(root, "data")
  const as = user ?? {}
  // A file, since initdb asks for no password on standard input.
  const passwordFile = join(root, "password")
  const password = Buffer.from(crypto.getRandomValues(new Uint8Array(16))).toString("hex")
  yield* Effect.promise(async () => {
    await writeFile(passwordFile, password)
    await chmod(root, 0o700)
    if (user !== undefined) for (const path of [root, passwordFile]) await chown(path, user.uid, user.gid)
  })
  yield* Effect.tryPromise({
    try: () =>
      run(
        join(folder, "initdb"),
        [
          "-D",
          data,
          "-U",
          "tester",
          "-A",
          "scram-sha-256",
          "--pwfile",
          passwordFile,
          "--no-sync",
          "-E",
          "UTF8",
          "--locale=C"
        ],
        { ...as, cwd: root, timeout: 60_000 }
      ),
    catch: (cause) => new PostgresFailed({ step: "initdb", said: lastLine(String(cause)) })
  })
  const port = yield* freePort
  let server: ChildProcess | undefined
  let said = ""

  const start = Effect.callback<void, PostgresFailed>((resume) => {
    const settings = {
      listen_addresses: "127.0.0.1",
      port,
      unix_socket_directories: "",
      fsync: "off",
      max_connections: 60
    }
    const args = Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`])
    said = ""
    const child = spawn(join(folder, "postgres"), ["-D", data, ...args], {
      ...as,
      cwd: root,
      stdio: ["ignore", "ignore", "pipe"]
    })
    server = child
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      said = (said + text).slice(-4000)
      if (said.includes("ready to accept connections")) resume(Effect.void)
    })
    child.once("exit", () => resume(Effect.fail(new PostgresFailed({ step: "start", said: lastLine(said) }))))
  }).pipe(
    Effect.timeoutOrElse({
      duration: "60 seconds",
      orElse: () => Effect.fail(new PostgresFailed({ step: "start", said: lastLine(said) }))
    })
  )

  /** SIGQUIT is the shutdown that does not wait and writes nothing down. */
  const crash = Effect.callback<void, PostgresFailed>((resume) => {
    const child = server
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return resume(Effect.void)
    child.once("exit", () => resume(Effect.void))
    child.kill("SIGQUIT")
  })

  yield* Effect.addFinalizer(() => Effect.ignore(crash))
  yield* start

  let count = 0
  const urlOf = (database: string) => `postgres://tester:${password}@127.0.0.1:${port}/${database}`
  const database = Effect.suspend(() => {
    const name = `test_${++count}`
    return Effect.tryPromise({
      try: () => run(join(folder, "createdb"), [`--maintenance-db=${urlOf("postgres")}`, name], { timeout: 30_000 }),
      catch: (cause) =>
        new PostgresFailed({ step: "createdb", said: lastLine(String(cause).replaceAll(password, "…")) })
    }).pipe(Effect.as(Redacted.make(urlOf(name))))
  })
  return { database, crash, start }
})

/** A new database on a server of its own. */
export const url: Effect.Effect<Redacted.Redacted, PostgresFailed, Scope.Scope> = Effect.flatMap(
  make,
  ({ database }) => database
)

const freePort = Effect.callback<number>((resume) => {
  const probe = createServer()
  probe.listen(0, "127.0.0.1", () => {
    const address = probe.address()
    const port = typeof address === "object" && address !== null ? address.port : 0
    probe.close(() => resume(Effect.succeed(port)))
  })
})

const lastLine = (text: string): string => text.trim().split("\n").at(-1) ?? ""
