/** What the service knows of a token that it handed out, and whether one that comes in is it. */
import { GroupId } from "@piecework/cloud/Fields"
import { type Identity, OperatorScope } from "@piecework/cloud/Identity"
import { Result, Schema } from "effect"
import * as Token from "./Token.ts"

export const Kind = Schema.Literals(["Operator", "Enrolment", "Device"])

/** What people call a token or a device; they need not be different. */
export const Name = Schema.NonEmptyString.check(Schema.isMaxLength(128), Schema.isPattern(/^\P{Cc}*$/u))

/** Groups of a device, or that an enrolment token gives. */
export const Groups = Schema.Array(GroupId).check(Schema.isMaxLength(64))

export class Credential extends Schema.Class<Credential>("@piecework/trust/Credential")({
  kind: Kind,
  /** 16 hex digits, the middle of the token. */
  id: Schema.String,
  name: Name,
  /** An operator's; else none. */
  scopes: Schema.Array(OperatorScope),
  /** A device's, or those that an enrolment token gives; else none. */
  groups: Groups,
  /** Epoch milliseconds, as the others here. */
  createdAt: Schema.Natural,
  /** As `Identity.describe` says it; of a device, the enrolment token by which it came. */
  createdBy: Schema.String,
  expiresAt: Schema.NullOr(Schema.Natural),
  revokedAt: Schema.NullOr(Schema.Natural),
  /** When it was last used, to the minute. */
  usedAt: Schema.NullOr(Schema.Natural),
  /** How many devices may still enrol with it; `null` for other kinds. */
  usesLeft: Schema.NullOr(Schema.Natural)
}) {
  /** The enrolment token by which a device came; nothing for what is no device. */
  get enrolment(): string | undefined {
    return this.kind === "Device" ? /^enrolment ([0-9a-f]{16})$/.exec(this.createdBy)?.[1] : undefined
  }

  /** Whether it is good for something at that time. */
  isAlive(now: number): boolean {
    const isOver = this.expiresAt !== null && this.expiresAt <= now
    return this.revokedAt === null && !isOver && this.usesLeft !== 0
  }
}

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
export const identityOf = ({ groups, id, kind, scopes }: Credential): Identity | undefined => {
  switch (kind) {
    case "Operator":
      return { _tag: "Operator", id, scopes }
    case "Device":
      return { _tag: "Device", id, groups }
    case "Enrolment":
      return undefined
  }
}

/** The hash of no token: of nothing that has a token's form. */
const standIn = Token.hashOf("")
