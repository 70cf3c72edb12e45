/** The `bittorrent-tracker` of npm as a process: over HTTP, on any port of loopback, which it prints as a line of JSON. */
import type { AddressInfo } from "node:net"
import { Server } from "bittorrent-tracker"

const tracker = new Server({ http: true, udp: false, ws: false, stats: false })
tracker.on("error", (error) => {
  process.stderr.write(`${error.message}\n`)
  process.exit(1)
})
// What a message that it does not take says; the load fails by itself then.
tracker.on("warning", (warning) => process.stderr.write(`${warning.message}\n`))
tracker.listen(0, "127.0.0.1", () => {
  const { port } = tracker.http.address() as AddressInfo
  process.stdout.write(`${JSON.stringify({ listening: `http://127.0.0.1:${port}` })}\n`)
})
process.once("SIGTERM", () => process.exit(0))
