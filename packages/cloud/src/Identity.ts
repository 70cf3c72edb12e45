/** Who calls, as far as it has been proved. What nobody proved is Anonymous. */
import { Schema } from "effect"
import { GroupId } from "./Fields.ts"

/**
 * What an operator may do. Publish: contents and rules. Enrol: devices and their tokens. Read: lists, reports, swarms, the
 * audit log. Admin: all of it, and the tokens of operators.
 */
export const OperatorScope = Schema.Literals(["Publish", "Enrol", "Read", "Admin"])
export type OperatorScope = typeof OperatorScope.Type

/** Name of an operator's token or of a device, as the service made it: letters, digits and dashes. */
export const Name = Schema.String.check(Schema.isPattern(/^[A-Za-z0-9-]{1,64}$/))

export const Identity = Schema.Union([
  Schema.TaggedStruct("Anonymous", {}),
  Schema.TaggedStruct("Device", { id: Name, groups: Schema.Array(GroupId).check(Schema.isMaxLength(64)) }),
  Schema.TaggedStruct("Operator", { id: Name, scopes: Schema.Array(OperatorScope) })
])
export type Identity = typeof Identity.Type

export const anonymous: Identity = { _tag: "Anonymous" }

/** Whoever has the database's file in hands, as the commands on the service's own machine do. */
export const local: Identity = { _tag: "Operator", id: "local", scopes: ["Admin"] }

export const mayDo = (identity: Identity, scope: OperatorScope): boolean =>
  identity._tag === "Operator" && (identity.scopes.includes(scope) || identity.scopes.includes("Admin"))

/** Whether it may have what is limited to these groups; no groups is no limit. */
export const isOf = (identity: Identity, groups: ReadonlyArray<string>): boolean =>
  groups.length === 0 || (identity._tag === "Device" && identity.groups.some((group) => groups.includes(group)))

/** For logs: "device lab-17". */
export const describe = (identity: Identity): string => {
  switch (identity._tag) {
    case "Anonymous":
      return "anonymous"
    case "Device":
      return `device ${identity.id}`
    case "Operator":
      return `operator ${identity.id}`
  }
}
