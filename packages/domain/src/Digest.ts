/** A SHA-256 digest: 32 bytes, compared by value, written as base64 in files and as hex for people. */
import { Schema } from "effect"
import { Base64, Hex } from "effect/encoding"

/** Bytes in a digest. */
export const length = 32

export const Digest = Schema.Uint8Array.check(
  Schema.makeFilter((bytes) => bytes.length === length || `a digest has ${length} bytes`)
).pipe(Schema.brand("Digest"))
export type Digest = typeof Digest.Type

/** Bytes from outside as a digest; `undefined` unless there are exactly 32. */
export const fromBytes = (bytes: Uint8Array): Digest | undefined =>
  bytes.length === length ? (bytes as Digest) : undefined

export const equals = (a: Uint8Array, b: Uint8Array): boolean => {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}

export const toHex = (digest: Uint8Array): string => Hex.encode(digest)
export const toBase64 = (digest: Uint8Array): string => Base64.encode(digest)
