/** What the service knows of a token that it handed out; without the secret, and for pages as well. */
import { GroupId } from "@piecework/cloud/Fields"
import { OperatorScope } from "@piecework/cloud/Identity"
import { Schema } from "effect"

/** A session is an operator's in a browser: it may what the operator's token may. */
export const Kind = Schema.Literals(["Operator", "Enrolment", "Device", "Session"])

/** What people call a token or a device; they need not be different. */
export const Name = Schema.NonEmptyString.check(Schema.isMaxLength(128), Schema.isPattern(/^\P{Cc}*$/u))

/** Groups of a device, or that an enrolment token gives. */
export const Groups = Schema.Array(GroupId).check(Schema.isMaxLength(64))

export class Credential extends Schema.Class<Credential>("@piecework/trust/Credential")({
  kind: Kind,
  /** 16 hex digits, the middle of the token. */
  id: Schema.String,
  name: Name,
  /** An operator's, or its session's; else none. */
  scopes: Schema.Array(OperatorScope),
  /** A device's, or those that an enrolment token gives; else none. */
  groups: Groups,
  /** Epoch milliseconds, as the others here. */
  createdAt: Schema.Natural,
  /** As `Identity.describe` says it; of a device, the enrolment token by which it came; of a session, whose it is. */
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

  /** The operator's token that a session is of; nothing for what is no session. */
  get operator(): string | undefined {
    return this.kind === "Session" ? /^operator ([0-9a-f]{16})$/.exec(this.createdBy)?.[1] : undefined
  }

  /** Whether it is good for something at that time. */
  isAlive(now: number): boolean {
    const isOver = this.expiresAt !== null && this.expiresAt <= now
    return this.revokedAt === null && !isOver && this.usesLeft !== 0
  }
}
