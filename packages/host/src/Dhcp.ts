/**
 * Options that a DHCP server gave, out of what the machine's own DHCP client left: lease files of systemd-networkd and of ISC
 * dhclient, and the answer of NetworkManager's tool. A server is anybody on the network: values are bounded, and a value that is no
 * text is none.
 */

/** Option numbers with the text that each has. */
export type Options = ReadonlyMap<number, string>

/** Longest value: an option has at most 255 bytes, several of one number are joined. */
const longest = 1024

/** Of systemd-networkd: lines `OPTION_234=<hex>`, for the private options 224 to 254 alone. */
export const fromNetworkd = (text: string): Options =>
  collect(matches(text, /^OPTION_(\d{1,3})=([0-9a-fA-F]*)$/gm), fromHex)

/** Of dhclient: the last lease's `option unknown-234 "…";` or, with hex digits, `option unknown-234 36:66:…;`. */
export const fromDhclient = (text: string): Options => {
  const last = text.slice(Math.max(0, text.lastIndexOf("\nlease {")))
  return collect(matches(last, /^\s*option (?:unknown|option)-(\d{1,3}) ([^;\n]+);$/gm), fromConfig)
}

/** Of `nmcli -t -f DHCP4 device show`: lines `DHCP4.OPTION[7]:private_234 = 36:66:…`. */
export const fromNetworkManager = (text: string): Options =>
  collect(matches(text, /^DHCP4\.OPTION\[\d+\]:(?:private_|unknown_|option_)(\d{1,3})\s*=\s*(.+)$/gm), fromConfig)

/** The domain of the connection, in the words of each of the three. */
export const domain = (text: string): string | undefined => {
  const found =
    /^DOMAINNAME=(.+)$/m.exec(text) ??
    /^\s*option domain-name "([^"\n]+)";$/m.exec(text) ??
    /^DHCP4\.OPTION\[\d+\]:domain_name\s*=\s*(.+)$/m.exec(text)
  const name = found?.[1]?.trim().toLowerCase().replace(/\.$/, "")
  return name !== undefined && /^[a-z0-9-]+(\.[a-z0-9-]+)*$/.test(name) && name.length <= 253 ? name : undefined
}

const matches = (text: string, pattern: RegExp): ReadonlyArray<readonly [option: number, raw: string]> =>
  [...text.matchAll(pattern)].map(([, option = "", raw = ""]) => [Number(option), raw] as const)

const collect = (
  found: ReadonlyArray<readonly [number, string]>,
  decode: (raw: string) => string | undefined
): Options => {
  const options = new Map<number, string>()
  for (const [option, raw] of found) {
    const text = raw.length > longest * 3 ? undefined : decode(raw.trim())
    if (option <= 254 && text !== undefined) options.set(option, text)
  }
  return options
}

const fromConfig = (raw: string): string | undefined => {
  const quoted = /^"((?:[^"\\]|\\.)*)"$/.exec(raw)
  if (quoted?.[1] !== undefined) return printable(quoted[1].replaceAll(/\\(.)/g, "$1"))
  return /^[0-9a-fA-F]{1,2}(:[0-9a-fA-F]{1,2})*$/.test(raw)
    ? fromHex(
        raw
          .split(":")
          .map((byte) => byte.padStart(2, "0"))
          .join("")
      )
    : printable(raw)
}

const fromHex = (hex: string): string | undefined =>
  hex.length % 2 === 0 ? printable(Buffer.from(hex, "hex").toString("latin1").replace(/\0+$/, "")) : undefined

const printable = (text: string): string | undefined =>
  text.length <= longest && /^[\u0020-\u007e]+$/.test(text) ? text : undefined
