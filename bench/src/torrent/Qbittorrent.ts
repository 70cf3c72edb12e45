/** qbittorrent-nox, each end with a profile of its own. */
import { Effect } from "effect"
import * as Tools from "../Tools.ts"
import type { Client, Place } from "./Client.ts"
import { write } from "./settings.ts"

export const client: Client = {
  tool: "qbittorrent",
  install: "apt-get install qbittorrent-nox",
  version: Tools.saysOf("qbittorrent-nox", ["--version"], /^qBittorrent .*$/m),
  done: "Hook",
  prepare: Effect.fnUntraced(function* (place) {
    const { controlPort, downloads, folder, role, torrent } = place
    yield* write(`${folder}/qBittorrent/config/qBittorrent.conf`, settings(place))
    const args = [
      `HOME=${folder}`,
      "qbittorrent-nox",
      `--profile=${folder}`,
      `--webui-port=${controlPort}`,
      `--save-path=${downloads}`,
      "--skip-dialog=true",
      "--add-paused=false",
      ...(role === "seeder" ? ["--skip-hash-check"] : []),
      torrent
    ]
    return { invocation: { name: "qbittorrent-nox", command: "env", args } }
  })
}

/** `Encryption` 2 is none. */
const settings = ({ hook, host, port, role }: Place) => `[LegalNotice]
Accepted=true

[Network]
PortForwardingEnabled=false

[Preferences]
WebUI\\Address=127.0.0.1
WebUI\\UseUPnP=false

[BitTorrent]
Session\\BTProtocol=TCP
Session\\DHTEnabled=false
Session\\Encryption=2
Session\\InterfaceAddress=${host}
Session\\LSDEnabled=false
Session\\PeXEnabled=false
Session\\Port=${port}
${role === "leecher" ? `\n[AutoRun]\nenabled=true\nprogram=${hook}\n` : ""}`
