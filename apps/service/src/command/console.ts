/** `piecework-service console`: opens the door of the console to whoever may write to the service's data. */
import * as TlsFolder from "@piecework/trust/TlsFolder"
import { Output } from "@piecework/terminal/Output"
import { EndpointUrl } from "@piecework/cloud/Fields"
import { Effect, Option, Redacted, Schema } from "effect"
import { Command, Flag } from "effect/cli"
import * as ConsoleLink from "../console/ConsoleLink.ts"
import * as TlsServer from "../http/TlsServer.ts"
import { serve } from "./serve.ts"
import { scopes } from "./token.ts"
import * as trusting from "./trusting.ts"

const at = Flag.String("at").pipe(
  Flag.withMetavar("URL"),
  Flag.withDescription("where a browser finds the service; default port 7670 of this machine"),
  Flag.filter(Schema.is(EndpointUrl), (text) => `"${text}" is no http or https URL`),
  Flag.optional
)

export const consoleLink = Command.make("console", {
  at,
  scopes: scopes.pipe(
    Flag.withDescription("what may be done: publish, enrol, read; default admin, which is all of it")
  ),
  expires: trusting.expires("12h"),
  name: trusting.name("console")
}).pipe(
  Command.withDescription("Makes a token for the console, and says the address that signs in with it"),
  Command.withHandler(({ at: told, expires, name, scopes: wanted }) =>
    Effect.gen(function* () {
      const { data, json } = yield* serve
      const output = yield* Output
      const [first = "Admin", ...others] = new Set(wanted)
      const here = { service: Option.none(), serviceCa: Option.none(), data }
      const { credential, token } = yield* trusting.administer(here, (client) =>
        client.CreateToken({ name, scopes: [first, ...others], ...trusting.lifetime(expires) })
      )
      const isEncrypted = yield* TlsFolder.isThere(TlsServer.folderIn(data.directory))
      const url = Option.getOrElse(told, () => `${isEncrypted ? "https" : "http"}://localhost:7670`)
      const link = ConsoleLink.of(url, Redacted.value(token))
      if (json) return yield* output.line(JSON.stringify({ url: link, token: credential.id }))
      yield* output.note("Open this in a browser; whoever has it is signed in. piecework-service token revoke ends it.")
      return yield* output.line(link)
    })
  )
)
