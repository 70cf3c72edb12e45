/** Whom the service lets in, and how often. */
import { Context, Layer } from "effect"
import type { Rate } from "./Bucket.ts"

export class AdmissionConfig extends Context.Service<
  AdmissionConfig,
  {
    /** Whether devices that have not enrolled are refused. Default no. */
    readonly requireEnrolment: boolean
    /**
     * Requests from one address, or one /64 of IPv6. A whole site may be behind one address, so it is generous: a device joins and
     * asks for leases about once a second while it downloads. This machine itself is not limited. Default 5,000 a second.
     */
    readonly perAddress: Rate
    /** Requests of one device or operator. Default 50 a second. */
    readonly perIdentity: Rate
    /** Tokens that are refused, from one address: after that none is looked at that is not remembered. Default 1 a second. */
    readonly refusalsPerAddress: Rate
    /** The same for one token id and one address, so that one device with a bad one does not lock out its site. */
    readonly refusalsPerToken: Rate
    /** Enrolments from one address. Default 20 a second, and 1,000 at once: a classroom, or a rack. */
    readonly enrolments: Rate
  }
>()("@piecework/trust/AdmissionConfig") {}

export const defaults: AdmissionConfig["Service"] = {
  requireEnrolment: false,
  perAddress: { perSecond: 5_000, burst: 20_000 },
  perIdentity: { perSecond: 50, burst: 500 },
  refusalsPerAddress: { perSecond: 1, burst: 100 },
  refusalsPerToken: { perSecond: 0.2, burst: 10 },
  enrolments: { perSecond: 20, burst: 1_000 }
}

export const layer = (options?: Partial<AdmissionConfig["Service"]>): Layer.Layer<AdmissionConfig> =>
  Layer.succeed(AdmissionConfig, { ...defaults, ...options })
