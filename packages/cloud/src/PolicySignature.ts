/**
 * Signatures of ContentPolicy answers, for clients that trust a service's key and not only whoever has a certificate for its
 * name. Ed25519 (RFC 8032) over a text that both sides make of the answer; docs/protocol.md has it byte by byte. Ours.
 */
import { createHash, createPublicKey, type KeyObject, sign, verify } from "node:crypto"
import { Option, Schema } from "effect"
import type { ContentPolicyReply } from "./ContentPolicyRpcs.ts"

/** Names a key: the first 16 hex digits of its SHA-256. */
export const KeyId = Schema.String.check(Schema.isPattern(/^[0-9a-f]{16}$/))

export const Signature = Schema.Struct({
  key: KeyId,
  /** When it was made, in seconds since 1970. */
  at: Schema.Natural,
  /** 64 bytes, base64. */
  value: Schema.String.check(Schema.isPattern(/^[A-Za-z0-9+/]{86}==$/))
})
export type Signature = typeof Signature.Type

/** Most signatures of one answer: keys that are in use at a time. */
export const mostSignatures = 4

/** A key as clients are given it: "pwk_" and the 32 bytes of the public key in base64url. */
export interface ServiceKey {
  readonly id: string
  readonly text: string
  readonly key: KeyObject
}

const prefix = "pwk_"
/** What stands before the 32 bytes of an Ed25519 key in DER. Source: RFC 8410 §4. */
const derHead = Buffer.from("302a300506032b6570032100", "hex")

/** `None` for a text that is no key. */
export const parseKey = (text: string): Option.Option<ServiceKey> => {
  const bytes = Buffer.from(text.slice(prefix.length), "base64url")
  if (!text.startsWith(prefix) || bytes.length !== 32 || textOf(bytes) !== text) return Option.none()
  return Option.liftThrowable((raw: Buffer) =>
    keyOf(createPublicKey({ key: Buffer.concat([derHead, raw]), format: "der", type: "spki" }))
  )(bytes)
}

/** The public half of a key as clients are given it. */
export const keyOf = (key: KeyObject): ServiceKey => {
  const bytes = key.export({ format: "der", type: "spki" }).subarray(derHead.length)
  return { id: createHash("sha256").update(bytes).digest("hex").slice(0, 16), text: textOf(bytes), key }
}

const textOf = (bytes: Uint8Array): string => prefix + Buffer.from(bytes).toString("base64url")

/** The answer as it goes over the wire, without signatures. */
export type Encoded = Omit<typeof ContentPolicyReply.Encoded, "signatures">

/** What is signed. */
export const messageOf = (reply: Encoded, key: string, at: number): Uint8Array => {
  const { signatures: _, ...said } = reply as typeof ContentPolicyReply.Encoded
  return Buffer.from(["piecework content policy 1", key, String(at), canonical(said)].join("\n"))
}

export const signed = (reply: Encoded, secret: KeyObject, id: string, at: number): Signature => ({
  key: id,
  at,
  value: sign(null, messageOf(reply, id, at), secret).toString("base64")
})

/** Seconds for which a signature is good, and by which a clock may be behind the service's. */
const goodFor = 7 * 86_400
const behind = 86_400

/** Whether one of the keys has signed it, and not too long ago; `now` in seconds. */
export const isSigned = (
  reply: Encoded,
  signatures: ReadonlyArray<Signature>,
  keys: ReadonlyArray<ServiceKey>,
  now: number
): boolean =>
  signatures.some(({ at, key, value }) => {
    const known = keys.find(({ id }) => id === key)
    if (known === undefined || at > now + behind || at < now - goodFor) return false
    return verify(null, messageOf(reply, key, at), known.key, Buffer.from(value, "base64"))
  })

/** JSON without spaces, the names of each object in the order of their UTF-16 units; what is undefined is left out. */
const canonical = (value: unknown): string => {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`
  if (typeof value !== "object" || value === null) return JSON.stringify(value)
  const fields = Object.entries(value)
    .filter(([, field]) => field !== undefined)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, field]) => `${JSON.stringify(name)}:${canonical(field)}`)
  return `{${fields.join(",")}}`
}
