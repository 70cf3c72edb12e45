/** rtorrent, as a daemon without its screen. */
import { Effect } from "effect"
import * as Tools from "../Tools.ts"
import type { Client, Place } from "./Client.ts"
import { write } from "./settings.ts"

export const client: Client = {
  tool: "rtorrent",
  install: "apt-get install rtorrent",
  version: Tools.saysOf("rtorrent", ["-h"], /version [\d.]+/m),
  done: "Hook",
  prepare: Effect.fnUntraced(function* (place) {
    const path = `${place.folder}/rtorrent.rc`
    yield* write(path, settings(place))
    const args = [`HOME=${place.folder}`, "rtorrent", "-n", "-o", `import=${path}`]
    return { invocation: { name: "rtorrent", command: "env", args } }
  })
}

const settings = ({ downloads, hook, host, port, role, torrent }: Place) => `system.daemon.set = true
network.bind_address.set = ${host}
network.port_range.set = ${port}-${port}
network.port_random.set = no
directory.default.set = "${downloads}"
protocol.encryption.set = none
protocol.pex.set = no
dht.mode.set = disable
trackers.use_udp.set = no
${role === "leecher" ? `method.set_key = event.download.finished, complete, "execute.nothrow={${hook}}"\n` : ""}schedule2 = begin, 0, 0, "load.start=${torrent}"
`
