/** Signs ContentPolicy answers, where the service has keys for that. */
import { Context, type Effect } from "effect"
import type { Encoded, Signature } from "./PolicySignature.ts"

export class PolicySigner extends Context.Service<
  PolicySigner,
  {
    /** One signature of each key in use; none when there is none. */
    readonly sign: (reply: Encoded) => Effect.Effect<ReadonlyArray<Signature>>
  }
>()("@piecework/cloud/PolicySigner") {}
