/** What a failed call over HTTP says of certificates and tokens. */

/** Whether it was the certificate that was wrong. The codes are those of OpenSSL's checks, and of Node's of the name. */
export const isUntrusted = (cause: unknown): boolean => {
  let at = cause
  for (let depth = 0; depth < 8 && typeof at === "object" && at !== null; depth++) {
    if ("code" in at && typeof at.code === "string" && certificateCode.test(at.code)) return true
    at = "cause" in at ? at.cause : undefined
  }
  return false
}

const certificateCode =
  /^(CERT_|UNABLE_TO_(VERIFY|GET_ISSUER)|SELF_SIGNED_|DEPTH_ZERO_|INVALID_CA|HOSTNAME_MISMATCH|ERR_TLS_CERT_)/

/** A 401 of ours says what it wants (RFC 6750 §3); another one is a proxy's, or a portal's. */
export const challengeOf = (status: number, challenge: string | undefined) => {
  if (status !== 401 || !/^Bearer realm="piecework"/i.test(challenge ?? "")) return undefined
  return /error="invalid_token"/.test(challenge ?? "") ? "CredentialRefused" : "NotEnrolled"
}
