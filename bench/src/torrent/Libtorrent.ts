/** libtorrent (of Arvid Norberg), driven by a few lines of Python; it is also what qBittorrent and Deluge stand on. */
import { existsSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { Effect } from "effect"
import * as Tools from "../Tools.ts"
import type { Client } from "./Client.ts"

const script = fileURLToPath(new URL("./libtorrent_peer.py", import.meta.url))

/** The system's own: another Python does not see what the system's packages install. */
const system = "/usr/bin/python3"
const python = existsSync(system) ? system : "python3"

export const client: Client = {
  tool: "libtorrent",
  install: "apt-get install python3-libtorrent",
  version: Tools.saysOf(
    python,
    ["-c", "import libtorrent as it; print('libtorrent', it.__version__)"],
    /^libtorrent .*$/m
  ),
  done: "Exit",
  prepare: ({ downloads, host, port, role, torrent }) =>
    Effect.succeed({
      invocation: { name: "libtorrent", command: python, args: [script, role, torrent, downloads, host, String(port)] }
    })
}
