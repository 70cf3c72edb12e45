/**
 * BitTorrent clients with a web seed: pieces from each other, and from the origin over HTTP. There is no other seeder, and
 * each site has a tracker of its own on its LAN, so that devices behind one NAT find each other.
 */
import { Effect, FileSystem, Schema } from "effect"
import * as Apps from "../Apps.ts"
import { announcement, type Invocation, Meter, ProgramError } from "../Meter.ts"
import * as Tools from "../Tools.ts"
import * as Torrent from "../Torrent.ts"
import { type Contestant, inside, type Setting, type Tool } from "./Contestant.ts"

const trackerPort = 6969

const TrackerReady = Schema.Struct({ listening: Schema.String })

/** Starts the trackers; answers the .torrent file of each site by its router. */
const trackers = Effect.fnUntraced(function* (setting: Setting) {
  const meter = yield* Meter
  const fs = yield* FileSystem.FileSystem
  const torrents = new Map<string, string>()
  for (const { helper, router } of setting.topology.sites) {
    const daemon = yield* meter.start(
      inside(helper.namespace, Apps.tracker({ host: helper.address, port: trackerPort }))
    )
    const { listening } = yield* announcement(daemon, TrackerReady)
    const { bytes } = Torrent.make({
      name: "file",
      size: setting.file.size,
      digests: setting.file.pieceDigests,
      tracker: listening,
      webSeed: setting.url
    })
    const path = `${setting.folder}/${router}.torrent`
    yield* fs.writeFile(path, bytes).pipe(Effect.mapError(notStarted))
    torrents.set(router, path)
  }
  return torrents
})

const notStarted = (cause: { readonly message: string }) =>
  new ProgramError({ name: "torrent", reason: "NotStarted", detail: cause.message, cause })

/** What a client runs when it has the file: makes the file that its device is watched by. */
const hook = Effect.fnUntraced(function* (setting: Setting) {
  const fs = yield* FileSystem.FileSystem
  const path = `${setting.folder}/complete.sh`
  yield* fs
    .writeFileString(path, '#!/bin/sh\n: > "$PIECEWORK_BENCH_COMPLETE"\n')
    .pipe(Effect.andThen(fs.chmod(path, 0o755)), Effect.mapError(notStarted))
  return path
})

const torrent = (
  about: Pick<Contestant<Tool>, "tool" | "how" | "install" | "version">,
  client: (torrent: string, folder: string, hook: string) => Invocation
): Contestant<Tool> => ({
  ...about,
  open: Effect.fnUntraced(function* (setting) {
    const torrents = yield* trackers(setting)
    const script = yield* hook(setting)
    return ({ folder, host, site }) => {
      const { args, command, name } = client(torrents.get(site.router) ?? "", folder, script)
      const marker = `${folder}/complete`
      return {
        namespace: host.namespace,
        folder,
        invocation: () => ({
          name,
          command: "env",
          args: [`PIECEWORK_BENCH_COMPLETE=${marker}`, `HOME=${folder}`, command, ...args]
        }),
        done: { _tag: "Marker", path: marker }
      }
    }
  })
})

export const aria2c = torrent(
  {
    tool: "aria2c",
    how: "BitTorrent and a web seed",
    install: "apt-get install aria2",
    version: Tools.version("aria2c")
  },
  Apps.aria2AtSite
)

export const transmission = torrent(
  {
    tool: "transmission",
    how: "BitTorrent and a web seed",
    install: "apt-get install transmission-cli",
    version: Tools.present("transmission-cli", "--version")
  },
  Apps.transmissionAtSite
)
