/**
 * The address that others on this network reach this device at: the one the system would use towards the service. It is
 * found by connecting a datagram socket, which sends nothing. Where the service is this device itself, the first address
 * that is not only this device's own is taken. `undefined` when there is no route.
 */
import { createSocket } from "node:dgram"
import { isIPv4, isIPv6 } from "node:net"
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

/** The mask of the network in which this device has the address; `undefined` when it has no such address. */
export const maskOf = (host: string | undefined): string | undefined =>
  Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .find(({ address }) => address === host)?.netmask

/** Whether this device is on the network that the IPv4 address belongs to. */
export const isNear = (host: string): boolean => {
  if (!isIPv4(host)) return false
  return Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .some(({ address, family, internal, netmask }) => {
      if (family !== "IPv4" || internal) return false
      const mask = bitsOf(netmask)
      return (bitsOf(address) & mask) === (bitsOf(host) & mask)
    })
}

const bitsOf = (address: string): number => address.split(".").reduce((bits, octet) => (bits << 8) | Number(octet), 0)
