/** transmission-cli, one process for one torrent: the same library as that of transmission-daemon. */
import { Effect } from "effect"
import * as Tools from "../Tools.ts"
import type { Client } from "./Client.ts"
import { write } from "./settings.ts"

export const client: Client = {
  tool: "transmission",
  install: "apt-get install transmission-cli",
  version: Tools.saysOf("transmission-cli", ["--version"], /^transmission-cli .*$/m),
  done: "Hook",
  shunsLoopback: true,
  prepare: Effect.fnUntraced(function* ({ downloads, folder, hook, host, port, torrent }) {
    const settings = {
      "bind-address-ipv4": host,
      "dht-enabled": false,
      "lpd-enabled": false,
      "pex-enabled": false,
      "port-forwarding-enabled": false,
      "utp-enabled": false,
      "speed-limit-down-enabled": false,
      "speed-limit-up-enabled": false
    }
    yield* write(`${folder}/settings.json`, JSON.stringify(settings))
    const args = ["-M", "-D", "-U", "-et", "-p", String(port), "-w", downloads, "-g", folder, "-f", hook, torrent]
    return { invocation: { name: "transmission-cli", command: "transmission-cli", args } }
  })
}
