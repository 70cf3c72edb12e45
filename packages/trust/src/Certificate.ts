/**
 * X.509 certificates of a development authority and of the servers that it vouches for: ECDSA on P-256. Only made here; Node reads
 * them. Source: RFC 5280.
 */
import {
  createHash,
  createPrivateKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
  X509Certificate
} from "node:crypto"
import { isIP } from "node:net"
import * as Der from "./internal/der.ts"

/** A certificate and its key, in PEM. */
export interface Pair {
  readonly certificate: string
  readonly key: string
}

/** How long an authority is good for. */
export const authorityDays = 3650
/** How long a server's certificate is; what systems accept is 398 days. A third of it is left when it is made anew. */
export const serverDays = 90
export const renewalDays = 30

const day = 86_400_000
/** Clocks differ: a certificate is good from a day before it was made. */
const slack = day

/** A name of a host, or an IP address, that a certificate can be for. */
export const isServerName = (name: string): boolean =>
  isIP(name) !== 0 || (name.length <= 253 && /^(?!-)[a-z0-9-]{1,63}(?<!-)(\.(?!-)[a-z0-9-]{1,63}(?<!-))*$/i.test(name))

/** An authority that signs itself. Whoever has its key can be any server to whoever trusts it. */
export const makeAuthority = (now: number): Pair => {
  const keys = generateKeyPairSync("ec", { namedCurve: "P-256" })
  const name = `Piecework development CA ${randomBytes(4).toString("hex")}`
  const id = keyId(keys.publicKey)
  const certificate = signed({
    subject: name,
    issuer: name,
    issuerKey: keys.privateKey,
    subjectKey: keys.publicKey,
    from: now - slack,
    to: now + authorityDays * day,
    extensions: [
      // An authority, and of servers only: no authority below it.
      extension("2.5.29.19", Der.sequence(Der.boolean(true), Der.integer(Buffer.from([0]))), true),
      // keyCertSign, cRLSign.
      extension("2.5.29.15", Der.bits(Buffer.from([0b0000_0110]), 1), true),
      extension("2.5.29.14", Der.octets(id))
    ]
  })
  return { certificate, key: pemOf(keys.privateKey) }
}

/** A certificate for the names, by the authority; the authority's own follows it in the file. */
export const makeServer = (authority: Pair, names: ReadonlyArray<string>, now: number): Pair => {
  const keys = generateKeyPairSync("ec", { namedCurve: "P-256" })
  const parent = new X509Certificate(authority.certificate)
  const issuerKey = createPrivateKey(authority.key)
  const end = Math.min(now + serverDays * day, Date.parse(parent.validTo))
  const certificate = signed({
    subject: names[0] ?? "localhost",
    issuer: commonName(parent.subject),
    issuerKey,
    subjectKey: keys.publicKey,
    from: now - slack,
    to: end,
    extensions: [
      extension("2.5.29.19", Der.sequence(), true),
      // digitalSignature.
      extension("2.5.29.15", Der.bits(Buffer.from([0b1000_0000]), 7), true),
      // serverAuth.
      extension("2.5.29.37", Der.sequence(Der.oid("1.3.6.1.5.5.7.3.1"))),
      extension("2.5.29.17", Der.sequence(...names.map(generalName))),
      extension("2.5.29.14", Der.octets(keyId(keys.publicKey))),
      extension("2.5.29.35", Der.sequence(Der.tagged(0, keyId(parent.publicKey))))
    ]
  })
  return { certificate: certificate + authority.certificate, key: pemOf(keys.privateKey) }
}

/** A name in the one spelling that we use: IPv6 addresses have several. */
export const spelled = (name: string): string =>
  isIP(name) === 6 ? new URL(`http://[${name}]`).hostname.slice(1, -1) : name.toLowerCase()

/** The names that a certificate is for, as `spelled`. */
export const namesOf = (certificate: string): ReadonlyArray<string> =>
  (new X509Certificate(certificate).subjectAltName ?? "")
    .split(", ")
    .flatMap((entry) => /^(?:DNS|IP Address):(.+)$/.exec(entry)?.[1] ?? [])
    .map(spelled)

/** Whether it is time to make it anew, or it is none that the authority made. */
export const isDue = (certificate: string, authority: string, now: number): boolean => {
  const own = new X509Certificate(certificate)
  const parent = new X509Certificate(authority)
  return Date.parse(own.validTo) - now < renewalDays * day || !own.verify(parent.publicKey)
}

/** SHA-256 of the certificate, as tools show it, for people to compare. */
export const fingerprint = (certificate: string): string => new X509Certificate(certificate).fingerprint256

interface Content {
  readonly subject: string
  readonly issuer: string
  readonly issuerKey: KeyObject
  readonly subjectKey: KeyObject
  /** Epoch milliseconds. */
  readonly from: number
  readonly to: number
  readonly extensions: ReadonlyArray<Der.Der>
}

const signed = (content: Content): string => {
  // 128 random bits, the first of them not set.
  const serial = randomBytes(16)
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40
  const body = Der.sequence(
    Der.explicit(0, Der.integer(Buffer.from([2]))),
    Der.integer(serial),
    ecdsaWithSha256,
    nameOf(content.issuer),
    Der.sequence(Der.time(content.from), Der.time(content.to)),
    nameOf(content.subject),
    content.subjectKey.export({ type: "spki", format: "der" }),
    Der.explicit(3, Der.sequence(...content.extensions))
  )
  const signature = sign("sha256", body, content.issuerKey)
  const bytes = Der.sequence(body, ecdsaWithSha256, Der.bits(signature))
  const lines = bytes.toString("base64").match(/.{1,64}/g) ?? []
  return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`
}

const ecdsaWithSha256 = Der.sequence(Der.oid("1.2.840.10045.4.3.2"))

/** A name of one part: its common name. */
const nameOf = (text: string): Der.Der => Der.sequence(Der.set(Der.sequence(Der.oid("2.5.4.3"), Der.utf8(text))))

const commonName = (subject: string): string => /^CN=(.*)$/m.exec(subject)?.[1] ?? ""

const extension = (oid: string, value: Der.Der, isCritical = false): Der.Der =>
  Der.sequence(Der.oid(oid), ...(isCritical ? [Der.boolean(true)] : []), Der.octets(value))

const generalName = (name: string): Der.Der =>
  isIP(name) === 0 ? Der.tagged(2, Buffer.from(name.toLowerCase(), "ascii")) : Der.tagged(7, addressBytes(name))

/** 4 bytes of an IPv4 address, 16 of an IPv6 one. */
const addressBytes = (address: string): Buffer => {
  if (isIP(address) === 4) return Buffer.from(address.split(".").map(Number))
  // Hexadecimal groups then, and one "::" at most.
  const [head = "", tail] = spelled(address).split("::")
  const [before, after] = [groupsOf(head), groupsOf(tail)]
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => "0")
  const bytes = Buffer.alloc(16)
  for (const [n, group] of [...before, ...zeros, ...after].entries())
    bytes.writeUInt16BE(Number.parseInt(group, 16), n * 2)
  return bytes
}

const groupsOf = (part: string | undefined): ReadonlyArray<string> =>
  part === undefined || part === "" ? [] : part.split(":")

const keyId = (key: KeyObject): Buffer =>
  createHash("sha256")
    .update(key.export({ type: "spki", format: "der" }))
    .digest()
    .subarray(0, 20)

const pemOf = (key: KeyObject): string => key.export({ type: "pkcs8", format: "pem" }).toString()
