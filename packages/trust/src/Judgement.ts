/** Whether a token that comes in is one that the service handed out and is good still, and who its owner is. */
import type { Identity } from "@piecework/cloud/Identity"
import { Result } from "effect"
import type { Credential } from "./Credential.ts"
import * as Token from "./Token.ts"

/** A credential as it is kept, with the hash of its token. */
export interface Kept {
  readonly credential: Credential
  readonly hash: string
  /** Of the token before the last rotation, which is good until the new one is used for the first time. */
  readonly formerHash: string | null
}

/** Why a token is not accepted. For the log of the service: who presents it is told nothing but that. */
export type Refusal = "Malformed" | "Unknown" | "Wrong" | "Revoked" | "Expired" | "UsedUp"

/**
 * Whether what came in is the token that is kept under its id. All ways through do the same: one comparison of hashes, with a
 * stand-in where nothing is kept.
 */
export const judge = (
  presented: Token.Presented,
  kept: Kept | undefined,
  now: number
): Result.Result<{ readonly credential: Credential; readonly isFormer: boolean }, Refusal> => {
  const isCurrent = Token.isSame(presented.hash, kept?.hash ?? standIn)
  const isFormer = Token.isSame(presented.hash, kept?.formerHash ?? standIn)
  if (presented.named === undefined) return Result.fail("Malformed")
  if (kept === undefined || kept.credential.kind !== presented.named.kind) return Result.fail("Unknown")
  if (!isCurrent && !isFormer) return Result.fail("Wrong")
  const { credential } = kept
  if (credential.revokedAt !== null) return Result.fail("Revoked")
  if (credential.expiresAt !== null && credential.expiresAt <= now) return Result.fail("Expired")
  if (credential.usesLeft === 0) return Result.fail("UsedUp")
  return Result.succeed({ credential, isFormer: !isCurrent })
}

/** Who somebody with this credential is. An enrolment token is nobody: it is no proof of who calls. */
export const identityOf = (credential: Credential): Identity | undefined => {
  const { groups, id, kind, operator, scopes } = credential
  switch (kind) {
    case "Operator":
      return { _tag: "Operator", id, scopes }
    case "Session":
      return operator === undefined ? undefined : { _tag: "Operator", id: operator, scopes }
    case "Device":
      return { _tag: "Device", id, groups }
    case "Enrolment":
      return undefined
  }
}

/** The hash of no token: of nothing that has a token's form. */
const standIn = Token.hashOf("")
