/** apt-get with all its folders in one place and a root of its own to install into, so that the machine's own packages are not touched. */
import { Effect, FileSystem, Path } from "effect"
import { type Invocation, ProgramError } from "../Meter.ts"

export interface AptMachine {
  /** apt-get with these words. */
  readonly run: (args: ReadonlyArray<string>) => Invocation
  /** Where packages that it downloads lie, and where it installs them. */
  readonly archives: string
  readonly root: string
}

export const make = Effect.fn("AptMachine.make")(function* (options: {
  readonly folder: string
  /** Of the repository, which is flat. */
  readonly url: string
  readonly proxy: string
}) {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const { folder, proxy, url } = options
  const at = (...parts: ReadonlyArray<string>) => path.join(folder, ...parts)
  const configuration = at("apt.conf")
  const settings: Readonly<Record<string, string>> = {
    Dir: `${folder}/`,
    "Dir::Etc": at("etc"),
    "Dir::Etc::main": "/dev/null",
    "Dir::Etc::parts": "/dev/null",
    "Dir::Etc::sourceparts": "/dev/null",
    "Dir::Etc::sourcelist": at("etc/sources.list"),
    "Dir::State": at("state"),
    "Dir::State::status": at("root/var/lib/dpkg/status"),
    "Dir::Cache": at("cache"),
    "Dir::Log": at("log"),
    "APT::Sandbox::User": "root",
    "Acquire::Languages": "none",
    "Acquire::Retries": "0",
    "Acquire::http::Proxy": proxy,
    "DPkg::Options::": `--root=${at("root")}`
  }
  const writing = Effect.gen(function* () {
    for (const one of ["etc/preferences.d", "state/lists/partial", "cache/archives/partial", "log"]) {
      yield* fs.makeDirectory(at(one), { recursive: true })
    }
    for (const one of ["updates", "info"]) yield* fs.makeDirectory(at("root/var/lib/dpkg", one), { recursive: true })
    yield* fs.writeFileString(at("root/var/lib/dpkg/status"), "")
    yield* fs.writeFileString(at("etc/sources.list"), `deb [trusted=yes] ${url} ./\n`)
    yield* fs.writeFileString(
      configuration,
      Object.entries(settings)
        .map(([name, value]) => `${name} "${value}";\n`)
        .join("")
    )
  })
  yield* Effect.mapError(
    writing,
    (cause) => new ProgramError({ name: "apt-get", reason: "NotStarted", detail: cause.message, cause })
  )
  return {
    // It reads this file before those of the machine, and then none of them.
    run: (args) => ({
      name: "apt-get",
      command: "env",
      args: [
        `APT_CONFIG=${configuration}`,
        "LC_ALL=C",
        "DEBIAN_FRONTEND=noninteractive",
        "apt-get",
        "-q",
        "-y",
        ...args
      ]
    }),
    archives: at("cache/archives"),
    root: at("root")
  } satisfies AptMachine
})
