/**
 * The pieces hash file of a content: the SHA-256 of every piece, as JSON. Its hash of hashes names the content, so a file
 * that has the promised hash of hashes can be trusted wherever it came from. Source: spec.md §5.
 */
import { createHash, hash } from "node:crypto"
import { type ContentId, idOf } from "@piecework/domain/Content"
import * as Digests from "@piecework/domain/Digest"
import type { Digest } from "@piecework/domain/Digest"
import { maxPieceCount, type PieceIndex, PieceLayout, standardPieceSize } from "@piecework/domain/PieceLayout"
import { Result, Schema } from "effect"

/** The bytes are no pieces hash file, or not the promised one. */
export class PhfError extends Schema.TaggedError<PhfError>()("PhfError", {
  reason: Schema.Literals([
    /** Longer than `maxBytes`, more values in it than a file of its length can need, or more pieces than a content has. */
    "TooLarge",
    "NotJson",
    "NotAnObject",
    "WrongVersion",
    /** A field is missing or of another type. */
    "BadField",
    "BadContentLength",
    "BadPieceSize",
    /** Not as many digests as the content's length asks for. */
    "BadPieceCount",
    /** A digest that is not the base64 of 32 bytes. */
    "BadBase64",
    /** The hash of hashes or the digest of the file is another one. */
    "HashMismatch"
  ]),
  /** Which field: its name in the file, or `expected.…` when it is what the caller expected that differs. */
  field: Schema.optionalKey(Schema.String)
}) {
  /** The number that Delivery Optimization reports for it. Source: spec.md §5.3. */
  get doCode(): number {
    return this.reason === "WrongVersion" ? 0x80d0_680a : 0x80d0_6809
  }

  override get message(): string {
    const at = this.field === undefined ? "" : ` (${this.field})`
    return this.reason === "HashMismatch"
      ? `The pieces hash file is not the one that was promised${at}.`
      : `This is not a pieces hash file of version ${version.major}.${version.minor}: ${this.reason}${at}.`
  }
}

/** The only version there is. */
export const version = { major: 1, minor: 0 } as const

/** Longest file that is read, in bytes: room for 1.3 TiB of standard pieces. Apply it before the bytes are fetched. */
export const maxBytes = 64 * 1_048_576

/** Bounds of the length of a piece, in bytes: shorter ones cost more in hashes than they save, longer ones in memory. */
export const minPieceSize = 1024
export const maxPieceSize = 16 * 1_048_576

/** A pieces hash file that holds together: as many digests as pieces, and the hash of hashes that these have. */
export class Phf {
  readonly layout: PieceLayout
  /** 32 bytes for each piece, in order. Not to be changed. */
  readonly digests: Uint8Array
  readonly hashOfHashes: Digest
  readonly contentId: ContentId

  /** For this module: `make` and `decode` check what goes in. */
  constructor(layout: PieceLayout, digests: Uint8Array) {
    this.layout = layout
    this.digests = digests
    this.hashOfHashes = hashOfHashesOf(layout, digests)
    this.contentId = idOf(this.hashOfHashes)
  }

  /** What the piece must hash to: a view of `digests`. */
  digest(piece: PieceIndex): Digest {
    return this.digests.subarray(piece * Digests.length, (piece + 1) * Digests.length) as Digest
  }
}

/**
 * The file for a content whose pieces were hashed here. Keeps `digests` (32 bytes a piece), so leave them alone from then
 * on. Throws a RangeError when their number does not fit the size, or there is no file for such a content: that is a bug.
 */
export const make = (options: {
  readonly contentSize: number
  /** Default 1 MiB, the standard. */
  readonly pieceSize?: number
  readonly digests: Uint8Array
}): Phf => {
  const { contentSize, pieceSize = standardPieceSize, digests } = options
  if (!isPieceSize(pieceSize, maxPieceSize)) throw new RangeError(`no pieces of ${pieceSize} bytes`)
  const layout = new PieceLayout({ contentSize, pieceSize })
  if (!canHold(layout)) throw new RangeError(`a content of ${contentSize} bytes has too many pieces of ${pieceSize}`)
  if (digests.length !== layout.pieceCount * Digests.length) {
    throw new RangeError(`${digests.length} bytes of digests for ${layout.pieceCount} pieces`)
  }
  return new Phf(layout, digests)
}

/** Whether a content cut like this can have a pieces hash file: it must stay under `maxBytes`. */
export const canHold = (layout: PieceLayout): boolean =>
  layout.pieceCount <= maxPieceCount && encodedLength(layout) <= maxBytes

/** Length of the file for such a content, in bytes, without making it. */
export const encodedLength = (layout: PieceLayout): number =>
  header(layout, "").length + base64Length + layout.pieceCount * pieceLength - (layout.pieceCount > 0 ? 1 : 0) + 2

/** The exact bytes: no white space, fields in the order of §5.1. */
export const encode = (phf: Phf): Uint8Array => {
  const bytes = Buffer.from(new ArrayBuffer(encodedLength(phf.layout)))
  let at = bytes.write(header(phf.layout, Digests.toBase64(phf.hashOfHashes)), "latin1")
  for (const piece of phf.layout.indices()) {
    at += bytes.write(`${piece === 0 ? "" : ","}"${Digests.toBase64(phf.digest(piece))}"`, at, "latin1")
  }
  bytes.write("]}", at, "latin1")
  return new Uint8Array(bytes.buffer)
}

/** SHA-256 of the exact bytes, the second way to authenticate a file (PiecesHashFileDigest). Source: spec.md §5.2. */
export const fileDigest = (bytes: Uint8Array): Digest => digestFrom(hash("sha256", bytes, "hex"), "hex")

export interface DecodeOptions {
  /** Longest piece that can be taken, in bytes: the length of the caller's buffers. Default 1 MiB. */
  readonly maxPieceSize?: number
}

/**
 * Reads a file that may come from anywhere. White space, the order of the fields and fields unknown here do not matter.
 * The hash of hashes is computed again and must be the one inside.
 */
export const decode = (bytes: Uint8Array, options?: DecodeOptions): Result.Result<Phf, PhfError> => {
  if (bytes.length > maxBytes || hasTooManyValues(bytes)) return fail("TooLarge")
  const json = parseJson(bytes)
  if (Result.isFailure(json)) return fail("NotJson")
  if (!isObject(json.success)) return fail("NotAnObject")
  // An own property only: a name that objects have anyway is no field of this one.
  const object = json.success
  const field = (name: Field): unknown => (Object.hasOwn(object, name) ? object[name] : undefined)

  for (const [name, known] of versions) {
    if (!Number.isInteger(field(name))) return fail("BadField", name)
    if (field(name) !== known) return fail("WrongVersion", name)
  }
  const contentSize = field("ContentLength")
  if (typeof contentSize !== "number") return fail("BadField", "ContentLength")
  if (!Number.isSafeInteger(contentSize) || contentSize < 0) return fail("BadContentLength", "ContentLength")
  const pieceSize = field("PieceSize")
  if (typeof pieceSize !== "number") return fail("BadField", "PieceSize")
  if (!isPieceSize(pieceSize, options?.maxPieceSize ?? standardPieceSize)) return fail("BadPieceSize", "PieceSize")
  const pieces = field("Pieces")
  if (!Array.isArray(pieces)) return fail("BadField", "Pieces")
  const layout = new PieceLayout({ contentSize, pieceSize })
  if (pieces.length !== layout.pieceCount) return fail("BadPieceCount", "Pieces")
  if (!canHold(layout)) return fail("TooLarge", "Pieces")

  const digests = new Uint8Array(pieces.length * Digests.length)
  const target = Buffer.from(digests.buffer)
  for (const [piece, text] of pieces.entries()) {
    if (typeof text !== "string") return fail("BadField", `Pieces[${piece}]`)
    if (!base64OfDigest.test(text)) return fail("BadBase64", `Pieces[${piece}]`)
    target.write(text, piece * Digests.length, "base64")
  }
  const claimed = field("HashOfHashes")
  if (typeof claimed !== "string") return fail("BadField", "HashOfHashes")
  if (!base64OfDigest.test(claimed)) return fail("BadBase64", "HashOfHashes")
  const phf = new Phf(layout, digests)
  return Digests.toBase64(phf.hashOfHashes) === claimed ? Result.succeed(phf) : fail("HashMismatch", "HashOfHashes")
}

/** What somebody trusted said about a file: one of the two at least. */
export type Expected =
  | { readonly hashOfHashes: Digest; readonly fileDigest?: Digest | undefined }
  | { readonly hashOfHashes?: Digest | undefined; readonly fileDigest: Digest }

/** Reads a file and checks that it is the promised one. The digest of the file is checked before anything is parsed. */
export const verify = (
  bytes: Uint8Array,
  expected: Expected,
  options?: DecodeOptions
): Result.Result<Phf, PhfError> => {
  if (bytes.length > maxBytes) return fail("TooLarge")
  if (expected.fileDigest !== undefined && !Digests.equals(fileDigest(bytes), expected.fileDigest)) {
    return fail("HashMismatch", "expected.fileDigest")
  }
  return Result.flatMap(decode(bytes, options), (phf) =>
    expected.hashOfHashes === undefined || Digests.equals(phf.hashOfHashes, expected.hashOfHashes)
      ? Result.succeed(phf)
      : fail("HashMismatch", "expected.hashOfHashes")
  )
}

type Field = "MajorVersion" | "MinorVersion" | "HashOfHashes" | "ContentLength" | "PieceSize" | "Pieces"

const versions: ReadonlyArray<readonly [Field, number]> = [
  ["MajorVersion", version.major],
  ["MinorVersion", version.minor]
]

const fail = (reason: PhfError["reason"], field?: string) =>
  Result.fail(new PhfError(field === undefined ? { reason } : { reason, field }))

const header = ({ contentSize, pieceSize }: PieceLayout, hashOfHashes: string): string =>
  `{"MajorVersion":${version.major},"MinorVersion":${version.minor},"HashOfHashes":"${hashOfHashes}",` +
  `"ContentLength":${contentSize},"PieceSize":${pieceSize},"Pieces":[`

/** Characters of a digest in base64, and bytes of an element of `Pieces`: quotes and comma with it. */
const base64Length = 44
const pieceLength = base64Length + 3

/** Base64 of 32 bytes as every encoder writes it: the two bits that are left over are 0. */
const base64OfDigest = /^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$/

const digestFrom = (text: string, encoding: "hex" | "base64"): Digest =>
  new Uint8Array(Buffer.from(text, encoding)) as Digest

const isPieceSize = (n: number, most: number): boolean =>
  Number.isInteger(n) && n >= minPieceSize && n <= Math.min(most, maxPieceSize)

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const parseJson = (bytes: Uint8Array): Result.Result<unknown, unknown> =>
  Result.try((): unknown => JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)))

/**
 * A parsed value can take twenty times the memory of its text, when the text is nothing but `[],[],[]`. So before it is
 * parsed: no more values than digests would fit, and some to spare for fields to come.
 */
const hasTooManyValues = (bytes: Uint8Array): boolean => {
  let left = 1024 + bytes.length / pieceLength
  for (const byte of bytes) if (byte === comma || byte === bracket || byte === brace) left--
  return left < 0
}
const comma = 0x2c
const bracket = 0x5b
const brace = 0x7b

/** Source: spec.md §5.2. */
const hashOfHashesOf = ({ contentSize, pieceSize }: PieceLayout, digests: Uint8Array): Digest => {
  const head = new DataView(new ArrayBuffer(16))
  head.setUint16(0, version.major, true)
  head.setUint16(2, version.minor, true)
  head.setBigUint64(4, BigInt(contentSize), true)
  head.setUint32(12, pieceSize, true)
  const text = createHash("sha256").update(head).update(digests).digest("hex")
  return digestFrom(text, "hex")
}
