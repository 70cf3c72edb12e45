/**
 * The address that others on this network reach this device at: the one the system would use towards the service. It is
 * found by connecting a datagram socket, which sends nothing. Where the service is this device itself, the first address
 * that is not only this device's own is taken. `undefined` when there is no route.
 */
import { createSocket } from "node:dgram"
import { isIPv6 } from "node:net"
import { networkInterfaces } from "node:os"
import { Effect } from "effect"

export const towards = (serviceUrl: string): Effect.Effect<string | undefined> =>
  Effect.callback<string | undefined>((resume) => {
    const url = new URL(serviceUrl)
    const host = url.hostname.replace(/^\[|\]$/g, "")
    const socket = createSocket(isIPv6(host) ? "udp6" : "udp4")
    const done = (address: string | undefined) => {
      socket.removeAllListeners()
      // A late failure of the look-up has nobody left to tell.
      socket.on("error", () => {})
      socket.close()
      resume(Effect.succeed(address))
    }
    socket.once("error", () => done(undefined))
    socket.connect(Number(url.port || (url.protocol === "https:" ? 443 : 80)), host, () =>
      done(socket.address().address)
    )
    return Effect.sync(() => {
      socket.removeAllListeners()
      socket.on("error", () => {})
    })
  }).pipe(
    Effect.timeoutOption("1 second"),
    Effect.map((found) => {
      const address = found._tag === "Some" ? found.value : undefined
      return address !== undefined && isLoopback(address) ? (outward() ?? address) : address
    })
  )

const isLoopback = (address: string) => address.startsWith("127.") || address === "::1"

/** The first IPv4 address of this device that other devices could reach. */
const outward = (): string | undefined =>
  Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .find((address) => !address.internal && address.family === "IPv4" && !address.address.startsWith("169.254."))
    ?.address
