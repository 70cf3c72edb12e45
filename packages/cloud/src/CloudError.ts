/** Why a cloud service gave no answer that can be used. */
import { Schema } from "effect"
import { Role } from "./Role.ts"

export class CloudError extends Schema.TaggedError<CloudError>()("CloudError", {
  role: Role,
  /**
   * Unreachable: no connection, or the server failed (5xx). TimedOut: no whole answer within the limit, or the service says
   * that it has more to do than it can. Unintelligible: an answer that is not the contract's, as a captive portal gives.
   * ContentUnknown, ContentHalted and Refused: the service's own answers.
   * Untrusted: no certificate that is trusted here. NotEnrolled: it serves enrolled devices only. CredentialRefused: it does
   * not accept this device's credential. Unsigned: no key that is trusted here signed the answer, or not lately.
   */
  reason: Schema.Literals([
    "Unreachable",
    "Untrusted",
    "Unsigned",
    "TimedOut",
    "Unintelligible",
    "ContentUnknown",
    "ContentHalted",
    "Refused",
    "NotEnrolled",
    "CredentialRefused"
  ]),
  /** Where the role was asked. */
  url: Schema.String,
  /** HTTP status of the answer, when there was one that was not 200. */
  status: Schema.optionalKey(Schema.Int),
  cause: Schema.optionalKey(Schema.Defect())
}) {
  override get message(): string {
    const status = this.status === undefined ? "" : ` (HTTP ${this.status})`
    switch (this.reason) {
      case "Unreachable":
        return `The ${this.role} service at ${this.url} cannot be reached${status}.`
      case "Untrusted":
        return `What answers at ${this.url} cannot prove that it is the ${this.role} service; give its authority with --service-ca.`
      case "Unsigned":
        return `The answer of ${this.url} is not signed by the service's key; check --service-key and this device's clock.`
      case "TimedOut":
        return `The ${this.role} service at ${this.url} did not answer in time.`
      case "Unintelligible":
        return `What answers at ${this.url} is no ${this.role} service${status}; a captive portal or another server may be in the way.`
      case "ContentUnknown":
        return `The service at ${this.url} does not know this content.`
      case "ContentHalted":
        return `The service at ${this.url} has halted this content.`
      case "Refused":
        return `The ${this.role} service at ${this.url} refused the request${status}.`
      case "NotEnrolled":
        return `The service at ${this.url} serves enrolled devices only; enrol this one with piecework enrol.`
      case "CredentialRefused":
        return `The service at ${this.url} does not accept this device's credential; enrol it again with piecework enrol.`
    }
  }
}
