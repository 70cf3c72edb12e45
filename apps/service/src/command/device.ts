/** `piecework-service device`: which devices are known, to which groups they belong, and the tokens to enrol them with. */
import { Output } from "@piecework/terminal/Output"
import type { Credential } from "@piecework/trust/Credential"
import { Clock, Effect, Redacted } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import * as Amount from "../view/Amount.ts"
import * as remote from "./remote.ts"
import { serve } from "./serve.ts"
import * as trusting from "./trusting.ts"
import { printable } from "../view/Printable.ts"

const uses = Flag.Int("uses").pipe(
  Flag.withDescription("how many devices may enrol with it"),
  Flag.filter(
    (n) => n >= 1 && n <= 1_000_000,
    (n) => `${n} is no number of devices; choose one from 1 to 1000000`
  ),
  Flag.withDefault(1)
)

const create = Command.make("create", {
  uses,
  groups: trusting.groups("a group that the devices will be in; may be given several times"),
  expires: trusting.expires("7d"),
  name: trusting.name("enrolment"),
  ...remote.flags
}).pipe(
  Command.withDescription("Makes a token to enrol devices with, and shows it once"),
  Command.withHandler(({ expires, groups, name, uses: most, ...where }) =>
    Effect.gen(function* () {
      const { data, json } = yield* serve
      const output = yield* Output
      const issued = yield* trusting.administer({ ...where, data }, (client) =>
        client.CreateEnrolment({ name, groups: [...new Set(groups)], uses: most, ...trusting.lifetime(expires) })
      )
      if (json) return yield* output.line(JSON.stringify(trusting.issuedForPrograms(issued)))
      const { credential, token } = issued
      const until = credential.expiresAt === null ? "" : ` until ${trusting.dayOf(credential.expiresAt)}`
      yield* output.note(
        `For ${Amount.count(most, "device")}${until}; on each: piecework enrol --service URL TOKEN. It is not shown again.`
      )
      return yield* output.line(Redacted.value(token))
    })
  )
)

/** A command that shows all of a kind. */
const listing = (kind: "Device" | "Enrolment", name: string, description: string, none: string) =>
  Command.make(name, remote.flags).pipe(
    Command.withDescription(description),
    Command.withHandler((where) =>
      Effect.gen(function* () {
        const { data, json } = yield* serve
        const output = yield* Output
        const found = yield* trusting.administer({ ...where, data }, (client) => trusting.all(client, kind))
        if (json) return yield* output.line(JSON.stringify(found.map(trusting.forPrograms)))
        if (found.length === 0) return yield* output.note(none)
        const now = yield* Clock.currentTimeMillis
        return yield* output.line(found.map((one) => lineOf(one, now)).join("\n"))
      })
    )
  )

const lineOf = (one: Credential, now: number): string => {
  const groups = one.groups.length === 0 ? "no groups" : one.groups.map(printable).join(", ")
  const left = one.usesLeft === null ? "" : `, ${Amount.count(one.usesLeft, "use")} left`
  return `${one.id}  ${printable(one.name)}  ${groups}  ${trusting.stateOf(one, now)}${left}`
}

const show = Command.make("show", { id: trusting.id, ...remote.flags }).pipe(
  Command.withDescription("Shows what is known of a device"),
  Command.withHandler(({ id, ...where }) =>
    Effect.gen(function* () {
      const { data, json } = yield* serve
      const output = yield* Output
      const one = yield* trusting.administer({ ...where, data }, (client) => client.Show({ kind: "Device", id }))
      const shown = trusting.forPrograms(one)
      if (json) return yield* output.line(JSON.stringify(shown))
      return yield* output.line(
        [
          `${shown.id}  ${printable(shown.name)}`,
          `  groups    ${shown.groups.length === 0 ? "none" : shown.groups.map(printable).join(", ")}`,
          `  enrolled  ${shown.createdAt} by ${shown.createdBy}`,
          `  seen      ${shown.usedAt ?? "not yet"}`,
          ...(shown.revokedAt === null ? [] : [`  revoked   ${shown.revokedAt}`])
        ].join("\n")
      )
    })
  )
)

/** A command that ends what is named. */
const revoking = (kind: "Device" | "Enrolment", name: string, description: string) =>
  Command.make(name, { id: trusting.id, ...remote.flags }).pipe(
    Command.withDescription(description),
    Command.withHandler(({ id, ...where }) =>
      Effect.gen(function* () {
        const { data, json } = yield* serve
        const output = yield* Output
        const one = yield* trusting.administer({ ...where, data }, (client) => client.Revoke({ kind, id }))
        return yield* json
          ? output.line(JSON.stringify(trusting.forPrograms(one)))
          : output.note(`Revoked ${printable(one.name)}.`)
      })
    )
  )

const setGroups = Command.make("set-groups", {
  id: trusting.id,
  groups: Argument.String("GROUP").pipe(
    Argument.withDescription("the groups that the device is in from now on; none takes it out of all"),
    Argument.variadic()
  ),
  ...remote.flags
}).pipe(
  Command.withDescription("Says which groups a device is in"),
  Command.withHandler(({ groups, id, ...where }) =>
    Effect.gen(function* () {
      const { data, json } = yield* serve
      const output = yield* Output
      const one = yield* trusting.administer({ ...where, data }, (client) =>
        client.SetGroups({ id, groups: [...new Set(groups)] })
      )
      return yield* json
        ? output.line(JSON.stringify(trusting.forPrograms(one)))
        : output.note(`${printable(one.name)} is in ${Amount.count(one.groups.length, "group")} now.`)
    })
  )
)

const enrolToken = Command.make("enrol-token").pipe(
  Command.withDescription("Tokens to enrol devices with: create, list, revoke"),
  Command.withSubcommands([
    create,
    listing(
      "Enrolment",
      "list",
      "Shows the tokens to enrol with, without their secrets",
      "There are no tokens to enrol with; see piecework-service device enrol-token create --help."
    ),
    revoking("Enrolment", "revoke", "No device can enrol with it any more; those that did stay enrolled")
  ])
)

export const device = Command.make("device").pipe(
  Command.withDescription("Devices: enrol, list, show, groups, revoke"),
  Command.withSubcommands([
    enrolToken,
    listing("Device", "list", "Shows the devices that are enrolled", "No device is enrolled yet."),
    show,
    revoking("Device", "revoke", "The service knows the device no more, within five seconds"),
    setGroups
  ])
)
