/**
 * What a BitTorrent client has to say to take part: whether it is there, how it serves a file and how it fetches one. All
 * are told the same: connections in the clear over TCP, nobody but whom the tracker names, no ports asked of routers, and
 * no limits. How it hashes, reads and writes stays as it comes.
 */
import type { Effect, FileSystem, Option } from "effect"
import type { Invocation, Meter, ProgramError } from "../Meter.ts"

export const torrentTools = ["aria2c", "transmission", "libtorrent", "qbittorrent", "rtorrent", "deluge"] as const
export type TorrentTool = (typeof torrentTools)[number]

/** Where one end of one run is at home. */
export interface Place {
  readonly role: "seeder" | "leecher"
  /** The .torrent file. */
  readonly torrent: string
  /** The folder that has the file, or is to get it. */
  readonly downloads: string
  /** A folder of its own, for settings. */
  readonly folder: string
  /** The address to listen on. */
  readonly host: string
  /** A free port for peers, and one for whoever gives orders. */
  readonly port: number
  readonly controlPort: number
  /** A program to run when the file is complete; takes no notice of its arguments. */
  readonly hook: string
}

export interface Running {
  readonly invocation: Invocation
  /** A program that gives the former its order once it runs; tried again until it succeeds. */
  readonly order?: Invocation
}

export interface Client {
  readonly tool: TorrentTool
  /** How to get it. */
  readonly install: string
  readonly version: Effect.Effect<Option.Option<string>, never, Meter>
  /** How it says that it has the file: it exits, or it runs the hook and goes on, and is ended. */
  readonly done: "Exit" | "Hook"
  /** It takes no peers at 127.0.0.1, but does at another address of this machine. */
  readonly shunsLoopback?: true
  /** Writes its settings; answers what to run. A seeder serves until it is ended. */
  readonly prepare: (place: Place) => Effect.Effect<Running, ProgramError, FileSystem.FileSystem>
}
