/** Where a runner is: "10.0.0.7:7671", "runner-2.internal:7671" or "[fd00::7]:7671". */
import { isIP } from "node:net"
import { Option } from "effect"

export interface HostPort {
  /** Without brackets. */
  readonly host: string
  readonly port: number
}

/** As the others are to reach it, so neither every address nor a port that is not known yet. */
export const parse = (text: string): Option.Option<HostPort> => {
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]+)):([0-9]{1,5})$/.exec(text)
  if (match === null) return Option.none()
  const [, v6, name = ""] = match
  const host = v6 ?? name
  const port = Number(match[3])
  if (v6 !== undefined && isIP(v6) !== 6) return Option.none()
  if (port < 1 || port > 65_535 || host === "0.0.0.0" || host === "::") return Option.none()
  return Option.some({ host, port })
}

/** As it is written in URLs and flags. */
export const format = ({ host, port }: HostPort): string =>
  host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`
