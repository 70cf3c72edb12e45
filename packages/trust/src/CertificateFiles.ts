/** A server's certificate and its key, from files in PEM, looked at before anybody is served with them. */
import { createPrivateKey, X509Certificate } from "node:crypto"
import { readFile } from "node:fs/promises"
import { createSecureContext } from "node:tls"
import { Effect, Schema } from "effect"

export interface Pair {
  readonly cert: string
  readonly key: string
}

/** The certificate cannot be served with. */
export class CertificateError extends Schema.TaggedError<CertificateError>()("CertificateError", {
  file: Schema.String,
  reason: Schema.Literals(["Unreadable", "Malformed", "OtherKey", "Expired"]),
  cause: Schema.optionalKey(Schema.Defect())
}) {
  override get message(): string {
    switch (this.reason) {
      case "Unreadable":
        return `${this.file} cannot be read; it is needed for HTTPS.`
      case "Malformed":
        return `${this.file} is no certificate or key in PEM that can be used.`
      case "OtherKey":
        return `The key does not belong to the certificate in ${this.file}.`
      case "Expired":
        return `The certificate in ${this.file} has expired.`
    }
  }
}

export interface PairFiles {
  /** The server's certificate in PEM, and those between it and its authority. */
  readonly certificate: string
  readonly key: string
}

/** The pair, which fits together and has not expired. */
export const read = Effect.fn("CertificateFiles.read")(function* ({
  certificate,
  key
}: PairFiles): Effect.fn.Return<Pair, CertificateError> {
  const textOf = (file: string) =>
    Effect.tryPromise({
      try: () => readFile(file, "utf8"),
      catch: (cause) => new CertificateError({ file, reason: "Unreadable", cause })
    })
  const pair = { cert: yield* textOf(certificate), key: yield* textOf(key) }
  const malformed = (file: string) => (cause: unknown) => new CertificateError({ file, reason: "Malformed", cause })
  const own = yield* Effect.try({ try: () => new X509Certificate(pair.cert), catch: malformed(certificate) })
  const secret = yield* Effect.try({ try: () => createPrivateKey(pair.key), catch: malformed(key) })
  if (!own.checkPrivateKey(secret)) return yield* new CertificateError({ file: certificate, reason: "OtherKey" })
  if (Date.parse(own.validTo) <= Date.now())
    return yield* new CertificateError({ file: certificate, reason: "Expired" })
  yield* Effect.try({ try: () => createSecureContext(pair), catch: malformed(certificate) })
  return pair
})
