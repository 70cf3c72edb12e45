/** `piecework-service init`: makes what a service needs to be trusted, and says what to do next. */
import { hostname, networkInterfaces } from "node:os"
import { Failure } from "@piecework/terminal/Failure"
import { Output } from "@piecework/terminal/Output"
import * as Certificate from "@piecework/trust/Certificate"
import * as TlsFolder from "@piecework/trust/TlsFolder"
import { Clock, Effect, Option, Redacted } from "effect"
import { Command, Flag } from "effect/cli"
import { exitCodes } from "../ExitCode.ts"
import { folderIn } from "../http/TlsServer.ts"
import type { Data } from "./options.ts"
import { serve } from "./serve.ts"
import * as trusting from "./trusting.ts"

const names = Flag.String("server-name").pipe(
  Flag.withMetavar("NAME"),
  Flag.withDescription(
    "name or IP address by which clients call the service; may be given several times; default this machine's"
  ),
  Flag.filter(Certificate.isServerName, (text) => `"${text}" is no name of a host and no IP address`),
  Flag.atLeast(0)
)

export const init = Command.make("init", { names }).pipe(
  Command.withDescription(
    "Makes an authority, a certificate for HTTPS and the first administrator's token in the data folder"
  ),
  Command.withHandler((options) =>
    Effect.gen(function* () {
      const { data, json } = yield* serve
      const output = yield* Output
      const folder = folderIn(data.directory)
      const { fingerprint, isNew, served } = yield* Effect.gen(function* () {
        const before = yield* TlsFolder.namesIn(folder)
        const wanted = options.names.length > 0 ? options.names : before.length > 0 ? before : own()
        const all = before === wanted ? before : [...new Set([...wanted, ...always].map(Certificate.spelled))]
        return { ...(yield* TlsFolder.prepare(folder, all)), served: all }
      }).pipe(Effect.mapError((error) => new Failure({ sentence: error.message, code: exitCodes.storage })))
      const { authority } = TlsFolder.placesIn(folder)
      const token = yield* firstToken(data)
      if (json) {
        return yield* output.line(
          JSON.stringify({ ca: authority, fingerprint, names: served, token: token ?? null, isNew })
        )
      }
      const [called = "localhost"] = served
      const host = called.includes(":") ? `[${called}]` : called
      yield* output.note(
        [
          `${isNew ? "Made" : "Found"} an authority; clients know it by ${authority}`,
          `  SHA-256 ${fingerprint}`,
          `The service's certificate is for ${served.join(", ")}, and is renewed by the running service.`,
          "",
          "What to do next:",
          `  piecework-service --data ${data.directory}`,
          `  piecework-service device enrol-token create --uses 10 --group NAME --data ${data.directory}`,
          `  piecework enrol --service https://${host}:7670 --service-ca ca.pem TOKEN      (on each device, with that file)`,
          "",
          token === undefined
            ? "There is an administrator's token already; piecework-service token create makes another."
            : "The administrator's token, for PIECEWORK_TOKEN; it is not shown again:"
        ].join("\n")
      )
      return yield* token === undefined ? Effect.void : output.line(token)
    })
  )
)

/** A token for everything, when nobody has one that is good. */
const firstToken = (data: Data) =>
  trusting.administer({ service: Option.none(), serviceCa: Option.none(), data }, (client) =>
    Effect.gen(function* () {
      const now = yield* Clock.currentTimeMillis
      const known = yield* trusting.all(client, "Operator")
      if (known.some((one) => one.scopes.includes("Admin") && one.isAlive(now))) return undefined
      const year = 365 * 86_400
      const issued = yield* client.CreateToken({
        name: "first administrator",
        scopes: ["Admin"],
        lifetimeSeconds: year
      })
      return Redacted.value(issued.token)
    })
  )

/** What a service on one machine is called by. */
const always = ["localhost", "127.0.0.1", "::1"]

/** This machine's name, and its addresses that others can reach. */
const own = (): ReadonlyArray<string> => {
  const addresses = Object.values(networkInterfaces())
    .flatMap((some) => some ?? [])
    .filter(({ address, internal }) => !internal && !/^(fe80:|169\.254\.)/i.test(address))
    .map(({ address }) => address)
  return [hostname(), ...addresses].filter(Certificate.isServerName).slice(0, 32)
}
