/** Where a server listens, as people write it. Pure. */
import { isIPv6 } from "node:net"
import { Option } from "effect"

export interface Place {
  /** `undefined`: all addresses of this machine. */
  readonly host: string | undefined
  /** 0 takes a free one. */
  readonly port: number
}

/** Of "80", ":80", "0.0.0.0:80" or "[::1]:80". */
export const parse = (text: string): Option.Option<Place> => {
  const [, bracketed, plain, digits] = /^(?:(?:\[([0-9a-f:.]+)\]|([\w.-]+))?:)?(\d{1,5})$/i.exec(text.trim()) ?? []
  const port = Number(digits)
  if (digits === undefined || port > 65_535 || (bracketed !== undefined && !isIPv6(bracketed))) return Option.none()
  return Option.some({ host: bracketed ?? plain, port })
}

export const written = ({ host = "*", port }: Place): string => `${host.includes(":") ? `[${host}]` : host}:${port}`
