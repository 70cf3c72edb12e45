/** The few forms of DER that a certificate is made of; only written here, never read. Source: ITU-T X.690. */

export type Der = Buffer

const of = (tag: number, ...parts: ReadonlyArray<Uint8Array>): Der => {
  const content = Buffer.concat(parts)
  return Buffer.concat([Buffer.from([tag]), lengthOf(content.length), content])
}

/** Up to 127 in one byte, else as many bytes as it takes after their number. */
const lengthOf = (length: number): Der => {
  if (length < 0x80) return Buffer.from([length])
  const bytes: Array<number> = []
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256)
  return Buffer.from([0x80 | bytes.length, ...bytes])
}

export const sequence = (...parts: ReadonlyArray<Uint8Array>): Der => of(0x30, ...parts)
export const set = (...parts: ReadonlyArray<Uint8Array>): Der => of(0x31, ...parts)
export const boolean = (value: boolean): Der => of(0x01, Buffer.from([value ? 0xff : 0]))
export const octets = (bytes: Uint8Array): Der => of(0x04, bytes)
export const utf8 = (text: string): Der => of(0x0c, Buffer.from(text, "utf8"))

/** A number of any length, not negative, its highest byte first. */
export const integer = (bytes: Uint8Array): Der => {
  let start = 0
  while (start < bytes.length - 1 && bytes[start] === 0) start++
  const significant = bytes.subarray(start)
  // A first bit that is set would make it negative.
  return ((significant[0] ?? 0) & 0x80) === 0 ? of(0x02, significant) : of(0x02, Buffer.from([0]), significant)
}

/** Whole bytes, and in the last of them so many bits that do not count. */
export const bits = (bytes: Uint8Array, unused = 0): Der => of(0x03, Buffer.from([unused]), bytes)

/** "1.2.840.10045.4.3.2". */
export const oid = (dotted: string): Der => {
  const [first = 0, second = 0, ...others] = dotted.split(".").map(Number)
  return of(0x06, Buffer.from([first * 40 + second, ...others.flatMap(inSevens)]))
}

const inSevens = (value: number): ReadonlyArray<number> => {
  const bytes = [value & 0x7f]
  for (let rest = value >>> 7; rest > 0; rest >>>= 7) bytes.unshift(0x80 | (rest & 0x7f))
  return bytes
}

/** Seconds; from 2050 on in the longer form. Source: RFC 5280, section 4.1.2.5. */
export const time = (millis: number): Der => {
  const text = `${new Date(millis).toISOString().slice(0, 19).replaceAll(/[-:T]/g, "")}Z`
  const isLong = new Date(millis).getUTCFullYear() >= 2050
  return isLong ? of(0x18, Buffer.from(text)) : of(0x17, Buffer.from(text.slice(2)))
}

/** Something inside a tag of its own. */
export const explicit = (tag: number, part: Uint8Array): Der => of(0xa0 | tag, part)

/** Bytes with a tag that says what they are, in place of their type. */
export const tagged = (tag: number, bytes: Uint8Array): Der => of(0x80 | tag, bytes)
