/** ctorrent, which asks about its terminal and so gets one that says nothing. */
import { Effect } from "effect"
import * as Tools from "../Tools.ts"
import type { Client } from "./Client.ts"

export const client: Client = {
  tool: "ctorrent",
  install: "apt-get install ctorrent",
  version: Tools.saysOf("ctorrent", ["-h"], /^Enhanced CTorrent \S+/m),
  done: "Exit",
  prepare: ({ downloads, folder, host, name, port, role, torrent }) =>
    Effect.succeed({
      invocation: {
        name: "ctorrent",
        command: "ctorrent",
        args: [
          "-i",
          host,
          "-p",
          String(port),
          "-b",
          `${folder}/bitfield`,
          "-s",
          `${downloads}/${name}`,
          ...(role === "seeder" ? ["-f", "-e", "1"] : ["-e", "0"]),
          torrent
        ]
      }
    })
}
