/** A row of the table of credentials, as it is read. */
import { Schema } from "effect"
import { Credential } from "../Credential.ts"
import type { Kept } from "../Judgement.ts"

export const Row = Schema.Struct({
  id: Credential.fields.id,
  kind: Credential.fields.kind,
  name: Credential.fields.name,
  scopes: Schema.fromJsonString(Credential.fields.scopes),
  member_of: Schema.fromJsonString(Credential.fields.groups),
  hash: Schema.String,
  former_hash: Schema.NullOr(Schema.String),
  created_at: Credential.fields.createdAt,
  created_by: Schema.String,
  expires_at: Credential.fields.expiresAt,
  revoked_at: Credential.fields.revokedAt,
  used_at: Credential.fields.usedAt,
  uses_left: Credential.fields.usesLeft
})

export const decodeRow = Schema.decodeUnknownEffect(Row)

/** A row as the database would have it, of nobody. */
export const nobody = {
  id: "0".repeat(16),
  kind: "Device",
  name: "nobody",
  scopes: "[]",
  member_of: '["nobody"]',
  hash: "0".repeat(43),
  former_hash: null,
  created_at: 0,
  created_by: `enrolment ${"0".repeat(16)}`,
  expires_at: null,
  revoked_at: 0,
  used_at: null,
  uses_left: null
}

export const keptOf = (row: typeof Row.Type): Kept => ({
  hash: row.hash,
  formerHash: row.former_hash,
  credential: new Credential({
    kind: row.kind,
    id: row.id,
    name: row.name,
    scopes: row.scopes,
    groups: row.member_of,
    createdAt: row.created_at,
    createdBy: row.created_by,
    expiresAt: row.expires_at,
    revokedAt: row.revoked_at,
    usedAt: row.used_at,
    usesLeft: row.uses_left
  })
})
