/** `piecework enrol`: makes this device known to a service, by a token that its administrator handed out. */
import { hostname } from "node:os"
import type * as EnrolRpcs from "@piecework/cloud/EnrolRpcs"
import * as ServiceUrl from "@piecework/cloud/ServiceUrl"
import * as Ending from "@piecework/terminal/Ending"
import { Failure } from "@piecework/terminal/Failure"
import { Output } from "@piecework/terminal/Output"
import { Config, Effect, Option, Redacted } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import * as Enrolling from "@piecework/device/Enrolling"
import * as Enrolment from "@piecework/device/Enrolment"
import { exitCodes } from "../ExitCode.ts"
import { certificatesIn } from "@piecework/device/ServiceTrust"
import * as Startup from "../Startup.ts"
import { defaultRoot, StateFolder } from "@piecework/device/StateFolder"
import { version } from "../version.ts"
import * as options from "./options.ts"

const flags = {
  token: Argument.String("TOKEN").pipe(
    Argument.withDescription(
      "the token to enrol with, pwe_…; better in PIECEWORK_ENROL_TOKEN, which lists of processes do not show"
    ),
    Argument.withFallbackConfig(Config.String("PIECEWORK_ENROL_TOKEN")),
    Argument.optional
  ),
  service: options.service,
  serviceCa: options.serviceCa,
  state: options.state,
  name: Flag.String("name").pipe(
    Flag.withDescription("what people are to call this device; default its host name"),
    Flag.withMetavar("NAME"),
    Flag.filter(
      (text) => /^\P{Cc}{1,128}$/u.test(text),
      () => "A name has 1 to 128 characters"
    ),
    Flag.withDefault(hostname().slice(0, 128) || "device")
  ),
  rotate: Flag.Boolean("rotate").pipe(
    Flag.withDescription("get a new credential for this device, which is enrolled already"),
    Flag.withDefault(false)
  ),
  forget: Flag.Boolean("forget").pipe(
    Flag.withDescription("tell the service that this device is no more, and forget its credential"),
    Flag.withDefault(false)
  ),
  allowHttp: Flag.Boolean("allow-http").pipe(
    Flag.withDescription("enrol over plain HTTP, where others may read the token and the credential"),
    Flag.withDefault(false)
  ),
  json: options.json
}

export const enrol = Command.make(
  "enrol",
  flags,
  Effect.fn("enrol")(function* (input) {
    yield* Ending.forPrograms(input.json)
    const service = Option.getOrUndefined(yield* options.parseService(input.service))
    if (service === undefined) return yield* usage("Enrolling needs a service; name it with --service.")
    if (input.rotate && input.forget) return yield* usage("--rotate and --forget exclude each other.")
    if (!ServiceUrl.isPrivate(service) && !input.allowHttp && !input.forget) {
      return yield* usage(
        "Over plain HTTP others may read the credential; use an https service, or --allow-http where nobody else listens."
      )
    }
    const run = input.forget ? forget : input.rotate ? rotate : begin
    yield* run({ ...input, service }).pipe(
      Effect.provide(StateFolder.layer(Option.getOrElse(input.state, () => defaultRoot(process.env)))),
      Startup.explained
    )
  })
).pipe(
  Command.withDescription("Make this device known to a service, so that it gets what is limited to its groups"),
  Command.withExamples([
    {
      command: "piecework enrol --service https://service:7670 --service-ca ca.pem pwe_…",
      description: "Enrol with a token from piecework-service device enrol-token create"
    },
    { command: "piecework enrol --service https://service:7670 --rotate", description: "Get a new credential" }
  ])
)

interface Input {
  readonly token: Option.Option<string>
  readonly service: string
  readonly serviceCa: Option.Option<string>
  readonly name: string
  readonly json: boolean
}

const begin = Effect.fnUntraced(function* (input: Input) {
  const token = Option.getOrUndefined(Option.filter(input.token, (text) => text !== ""))
  if (token === undefined) return yield* usage("Enrolling needs a token: piecework enrol --service URL TOKEN.")
  const { root } = yield* StateFolder
  const certificates = yield* certificatesIn(input.serviceCa)
  const { name, service } = input
  const reply = yield* Enrolling.enrol({
    root,
    service,
    certificates,
    token: Redacted.make(token.trim()),
    name,
    version
  })
  return yield* tell(input, reply, "Enrolled")
})

const rotate = Effect.fnUntraced(function* (input: Input) {
  const { root } = yield* StateFolder
  const known = yield* enrolled(root, input.service)
  const certificates = (yield* certificatesIn(input.serviceCa)) ?? known.certificates
  const reply = yield* Enrolling.calling(
    { service: input.service, certificates, credential: known.credential },
    (client) => client.Rotate()
  )
  yield* Enrolling.keep(root, Enrolment.of(input.service, reply, certificates))
  return yield* tell(input, reply, "Rotated the credential")
})

const forget = Effect.fnUntraced(function* (input: Input) {
  const output = yield* Output
  const { root } = yield* StateFolder
  const known = yield* enrolled(root, input.service)
  const certificates = (yield* certificatesIn(input.serviceCa)) ?? known.certificates
  const told = yield* Effect.result(
    Enrolling.calling({ service: input.service, certificates, credential: known.credential }, (client) =>
      client.Retire()
    )
  )
  yield* Effect.mapError(Enrolment.remove(root, input.service), Enrolling.unkept)
  if (told._tag === "Failure") {
    yield* output.note(`piecework: ${told.failure.sentence} There the device is known until it is revoked.`)
  }
  return yield* input.json
    ? output.line(JSON.stringify({ device: known.device, service: known.service, retired: told._tag === "Success" }))
    : output.note("Forgot the enrolment.")
})

const enrolled = Effect.fnUntraced(function* (root: string, service: string) {
  const known = yield* Effect.mapError(Enrolment.load(root, service), Enrolling.unkept)
  if (Option.isSome(known)) return known.value
  return yield* new Failure({ sentence: `This device is not enrolled at ${service}.`, code: exitCodes.notFound })
})

const tell = Effect.fnUntraced(function* (input: Input, { device, groups }: EnrolRpcs.EnrolReply, what: string) {
  const output = yield* Output
  if (input.json) return yield* output.line(JSON.stringify({ device, service: input.service, groups }))
  const where = groups.length === 0 ? "in no group" : `in ${groups.join(", ")}`
  return yield* output.note(`${what}: this is device ${device} of ${input.service}, ${where}.`)
})

const usage = (sentence: string): Effect.Effect<never, Failure> =>
  Effect.fail(new Failure({ sentence, code: exitCodes.usage }))
