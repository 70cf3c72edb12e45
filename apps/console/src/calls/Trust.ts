/** Questions about tokens and enrolled devices, and what administrators do with them. */
import type { OperatorScope } from "@piecework/cloud/Identity"
import type { Credential } from "@piecework/trust/Credential"
import { type Issued, path, TrustRpcs } from "@piecework/trust/TrustRpcs"
import { type Ask, calls } from "./Service.ts"
import type { Question } from "./useAsk.ts"

const trust = calls(TrustRpcs, path)

export type Kind = Credential["kind"]

/** Most that one list shows; what is beyond is found by searching. */
export const mostShown = 500

/** Those whose name or id has the text in it. */
export const list = (kind: Kind, search = ""): Question<ReadonlyArray<Credential>> => ({
  key: ["trust", kind, search],
  ask: trust((client) =>
    client.List({ kind, most: mostShown, ...(search === "" ? {} : { search: search.slice(0, 64) }) })
  )
})

export const createToken = (input: {
  readonly name: string
  readonly scopes: readonly [OperatorScope, ...Array<OperatorScope>]
  readonly lifetimeSeconds?: number
}): Ask<typeof Issued.Type> => trust((client) => client.CreateToken(input))

export const createEnrolment = (input: {
  readonly name: string
  readonly groups: ReadonlyArray<string>
  readonly uses: number
  readonly lifetimeSeconds?: number
}): Ask<typeof Issued.Type> => trust((client) => client.CreateEnrolment(input))

export const revoke = (input: { readonly kind: Kind; readonly id: string }): Ask<Credential> =>
  trust((client) => client.Revoke(input))

export const setGroups = (input: { readonly id: string; readonly groups: ReadonlyArray<string> }): Ask<Credential> =>
  trust((client) => client.SetGroups(input))
