/** What a caller said of a job. Everything may be missing; what the defaults are is said beside each. Source: spec.md §3.3. */
import { ContentUrl, parse } from "@piecework/domain/ContentUrl"
import { type Digest, fromBytes } from "@piecework/domain/Digest"
import { Result, Schema } from "effect"
import { Range } from "./Ranges.ts"

/**
 * What the bytes have to be; as JSON from the caller. At least the hash of hashes, or a URL and a digest of the pieces hash file: SHA-256, in
 * base64 or hexadecimal. Source: spec.md §3.3, property 19; §5.2.
 */
export const IntegrityInfo = Schema.Struct({
  PiecesHashFileUrl: Schema.optionalKey(Schema.String),
  PiecesHashFileDigest: Schema.optionalKey(Schema.String),
  PiecesHashFileDigestAlgorithm: Schema.optionalKey(Schema.String),
  HashOfHashes: Schema.optionalKey(Schema.String)
}).check(
  Schema.makeFilter(
    ({ HashOfHashes, PiecesHashFileDigest, PiecesHashFileDigestAlgorithm, PiecesHashFileUrl }) =>
      (HashOfHashes !== undefined || (PiecesHashFileUrl !== undefined && PiecesHashFileDigest !== undefined)) &&
      [HashOfHashes, PiecesHashFileDigest].every((text) => text === undefined || digestOf(text) !== undefined) &&
      (PiecesHashFileUrl === undefined || Result.isSuccess(parse(PiecesHashFileUrl))) &&
      (PiecesHashFileDigestAlgorithm === undefined || /^sha-?256$/i.test(PiecesHashFileDigestAlgorithm))
  )
)

/** The 32 bytes of a text in base64, with or without its end, or in hexadecimal; `undefined` for any other text. */
export const digestOf = (text: string): Digest | undefined => {
  if (/^[0-9a-f]{64}$/i.test(text)) return fromBytes(new Uint8Array(Buffer.from(text, "hex")))
  return /^[A-Za-z0-9+/_-]{43}=?$/.test(text) ? fromBytes(new Uint8Array(Buffer.from(text, "base64"))) : undefined
}

export const DecryptionInfo = Schema.Struct({
  KeyData: Schema.String,
  EncryptionBufferSize: Schema.optionalKey(Schema.Natural),
  AlgorithmName: Schema.optionalKey(Schema.String),
  ChainingMode: Schema.optionalKey(Schema.String)
})

export const JobSpec = Schema.Struct({
  uri: Schema.optionalKey(ContentUrl),
  /** Other URLs of the same content. */
  mirrorUris: Schema.optionalKey(Schema.Array(ContentUrl)),
  /** What `uri` was before while the job transferred, the newest first. */
  formerUris: Schema.optionalKey(Schema.Array(ContentUrl)),
  contentId: Schema.optionalKey(Schema.String),
  displayName: Schema.optionalKey(Schema.String),
  /** Absolute. */
  localPath: Schema.optionalKey(Schema.String),
  /** Header lines, ended by CR LF, that go with every request for the content. */
  httpCustomHeaders: Schema.optionalKey(Schema.String),
  /** Header lines that go with a request only once the server wants a login. */
  httpCustomAuthHeaders: Schema.optionalKey(Schema.String),
  /** See `CostPolicy`; by default what the priority says. */
  costPolicy: Schema.optionalKey(Schema.Natural),
  /** Default 0, which is never by percent. */
  callbackFreqPercent: Schema.optionalKey(Schema.Natural),
  /** Default 1. */
  callbackFreqSeconds: Schema.optionalKey(Schema.Natural),
  /** Default 300. */
  noProgressTimeoutSeconds: Schema.optionalKey(Schema.Natural),
  /** Default false: background. */
  foregroundPriority: Schema.optionalKey(Schema.Boolean),
  decryptionInfo: Schema.optionalKey(DecryptionInfo),
  integrityCheckInfo: Schema.optionalKey(IntegrityInfo),
  /** Default false: what cannot be checked is taken as it is. */
  integrityCheckMandatory: Schema.optionalKey(Schema.Boolean),
  /** What the caller believes; shown until the size is known. */
  totalSizeBytes: Schema.optionalKey(Schema.Natural),
  /** Default false. */
  disallowOnCellular: Schema.optionalKey(Schema.Boolean),
  /** Default false. */
  httpAllowSecureToNonSecureRedirect: Schema.optionalKey(Schema.Boolean),
  /** Whether the job outlives the process. Default false. */
  nonVolatile: Schema.optionalKey(Schema.Boolean),
  /** From the first start. None: the whole file. */
  ranges: Schema.optionalKey(Schema.Array(Range))
})
export type JobSpec = typeof JobSpec.Type
