/**
 * deluged, which deluge-console tells what to do: starting Python twice is part of its time. It has no setting for uTP,
 * but restores those of libtorrent from the state of its last session.
 */
import { Effect } from "effect"
import * as Bencode from "../Bencode.ts"
import * as Tools from "../Tools.ts"
import type { Client } from "./Client.ts"
import { write } from "./settings.ts"

/** Deluge's files of settings are two JSON values, of which the first says the version. */
const version1 = (settings: object) => `{"file":1,"format":1}${JSON.stringify(settings)}`

export const client: Client = {
  tool: "deluge",
  install: "apt-get install deluged deluge-console",
  version: Tools.saysOf("sh", ["-c", "command -v deluge-console && deluged --version"], /^deluged .*$/m),
  done: "Hook",
  prepare: Effect.fnUntraced(function* ({ controlPort, downloads, folder, hook, host, port, role, torrent }) {
    yield* write(
      `${folder}/core.conf`,
      version1({
        daemon_port: controlPort,
        allow_remote: false,
        listen_ports: [port, port],
        random_port: false,
        listen_interface: host,
        download_location: downloads,
        dht: false,
        lsd: false,
        upnp: false,
        natpmp: false,
        utpex: false,
        // Neither way, and whatever the level: 2 is "disabled".
        enc_in_policy: 2,
        enc_out_policy: 2,
        new_release_check: false,
        send_info: false,
        enabled_plugins: ["Execute"]
      })
    )
    yield* write(
      `${folder}/execute.conf`,
      version1({ commands: role === "leecher" ? [["0123456789abcdef", "complete", hook]] : [] })
    )
    yield* write(`${folder}/auth`, "bench:bench:10\n")
    yield* write(
      `${folder}/session.state`,
      Bencode.encode({ settings: { enable_incoming_utp: 0, enable_outgoing_utp: 0 } })
    )
    const order = `connect 127.0.0.1:${controlPort} bench bench; add -p ${downloads} ${torrent}`
    return {
      invocation: {
        name: "deluged",
        command: "env",
        args: [`HOME=${folder}`, "deluged", "-d", "-c", folder, "-p", String(controlPort), "-L", "error"]
      },
      order: {
        name: "deluge-console",
        command: "env",
        args: [`HOME=${folder}`, "deluge-console", "-c", `${folder}/console`, order]
      }
    }
  })
}
