/** aria2c. It takes a second's tick to begin and one to end. */
import { Effect } from "effect"
import * as Apps from "../Apps.ts"
import * as Tools from "../Tools.ts"
import type { Client } from "./Client.ts"

export const client: Client = {
  tool: "aria2c",
  install: "apt-get install aria2",
  version: Tools.version("aria2c"),
  done: "Exit",
  prepare: ({ downloads, port, role, torrent }) =>
    Effect.succeed({ invocation: (role === "seeder" ? Apps.aria2Seeder : Apps.aria2Leecher)(torrent, downloads, port) })
}
