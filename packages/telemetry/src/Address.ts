/** Where an HTTP server listens. */
import { Option } from "effect"

export interface Address {
  /** Absent means all of this machine's addresses. */
  readonly host?: string | undefined
  /** 0 takes a free one. */
  readonly port: number
}

/** "127.0.0.1:9670" or "[::1]:9670"; a host must be said, so that nobody opens a port to all by leaving it out. */
export const addressIn = (text: string): Option.Option<{ readonly host: string; readonly port: number }> => {
  const [, bracketed, plain, digits = ""] = /^(?:\[([0-9a-f:.]+)\]|([\w.-]+)):(\d{1,5})$/i.exec(text) ?? []
  const host = bracketed ?? plain
  return host !== undefined && Number(digits) <= 65_535 ? Option.some({ host, port: Number(digits) }) : Option.none()
}
