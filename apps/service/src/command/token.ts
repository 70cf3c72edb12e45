/** `piecework-service token`: what operators prove with who they are. */
import { OperatorScope } from "@piecework/cloud/Identity"
import { Output } from "@piecework/terminal/Output"
import { Clock, Effect, Option, Redacted, Schema } from "effect"
import { Command, Flag } from "effect/cli"
import * as remote from "./remote.ts"
import { serve } from "./serve.ts"
import * as trusting from "./trusting.ts"
import { printable } from "../view/Printable.ts"

export const scopes = Flag.String("scope").pipe(
  Flag.withMetavar("SCOPE"),
  Flag.withDescription("publish, enrol, read or admin, which is all of them; may be given several times"),
  Flag.filterMap(scopeIn, (text) => `"${text}" is no scope; they are publish, enrol, read and admin`),
  Flag.atLeast(0)
)

const create = Command.make("create", {
  scopes: scopes.pipe(
    Flag.filter(
      (wanted) => wanted.length > 0,
      () => "say what the token is for: --scope publish, enrol, read or admin"
    )
  ),
  expires: trusting.expires("365d"),
  name: trusting.name("operator"),
  ...remote.flags
}).pipe(
  Command.withDescription("Makes a token for an operator, and shows it once"),
  Command.withHandler(({ expires, name, scopes: wanted, ...where }) =>
    Effect.gen(function* () {
      const { data, json } = yield* serve
      const output = yield* Output
      const [first = "Read", ...others] = new Set(wanted)
      const issued = yield* trusting.administer({ ...where, data }, (client) =>
        client.CreateToken({ name, scopes: [first, ...others], ...trusting.lifetime(expires) })
      )
      if (json) return yield* output.line(JSON.stringify(trusting.issuedForPrograms(issued)))
      const { credential, token } = issued
      const until = credential.expiresAt === null ? "" : ` until ${trusting.dayOf(credential.expiresAt)}`
      yield* output.note(`A token for ${credential.scopes.join(", ").toLowerCase()}${until}. It is not shown again.`)
      return yield* output.line(Redacted.value(token))
    })
  )
)

const list = Command.make("list", remote.flags).pipe(
  Command.withDescription("Shows the tokens of operators, without their secrets"),
  Command.withHandler((where) =>
    Effect.gen(function* () {
      const { data, json } = yield* serve
      const output = yield* Output
      const tokens = yield* trusting.administer({ ...where, data }, (client) => trusting.all(client, "Operator"))
      if (json) return yield* output.line(JSON.stringify(tokens.map(trusting.forPrograms)))
      if (tokens.length === 0)
        return yield* output.note("There are no tokens; see piecework-service token create --help.")
      const now = yield* Clock.currentTimeMillis
      const lines = tokens.map((token) => {
        const used = token.usedAt === null ? "never used" : `used ${trusting.dayOf(token.usedAt)}`
        const may = token.scopes.join(", ").toLowerCase()
        return `${token.id}  ${printable(token.name)}  ${may}  ${trusting.stateOf(token, now)}, ${used}`
      })
      return yield* output.line(lines.join("\n"))
    })
  )
)

const revoke = Command.make("revoke", { id: trusting.id, ...remote.flags }).pipe(
  Command.withDescription("Makes a token good for nothing, within five seconds"),
  Command.withHandler(({ id, ...where }) =>
    Effect.gen(function* () {
      const { data, json } = yield* serve
      const output = yield* Output
      const token = yield* trusting.administer({ ...where, data }, (client) => client.Revoke({ kind: "Operator", id }))
      return yield* json
        ? output.line(JSON.stringify(trusting.forPrograms(token)))
        : output.note(`Revoked ${printable(token.name)}.`)
    })
  )
)

export const token = Command.make("token").pipe(
  Command.withDescription("Tokens of operators: create, list, revoke"),
  Command.withSubcommands([create, list, revoke])
)

function scopeIn(text: string): Option.Option<OperatorScope> {
  const word = text.slice(0, 1).toUpperCase() + text.slice(1).toLowerCase()
  return Schema.is(OperatorScope)(word) ? Option.some(word) : Option.none()
}
