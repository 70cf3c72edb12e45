/** `piecework enrol`: makes this device known to a service, by a token that its administrator handed out. */
import { hostname } from "node:os"
import * as EnrolRpcs from "@piecework/cloud/EnrolRpcs"
import * as HttpRpc from "@piecework/cloud/HttpRpc"
import { RequestRefused } from "@piecework/cloud/RoleError"
import * as ServiceUrl from "@piecework/cloud/ServiceUrl"
import * as Ending from "@piecework/terminal/Ending"
import { Failure } from "@piecework/terminal/Failure"
import { Output } from "@piecework/terminal/Output"
import { Config, Effect, Option, Redacted } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import type { RpcClient, RpcClientError, RpcGroup } from "effect/rpc"
import * as Enrolment from "@piecework/device/Enrolment"
import { exitCodes } from "../ExitCode.ts"
import * as Layers from "@piecework/device/Layers"
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
  const reply = yield* calling(input.service, certificates, undefined, (client) =>
    client.Enrol(
      new EnrolRpcs.EnrolRequest({ token: Redacted.make(token.trim()), name: input.name, clientVersion: version })
    )
  )
  yield* keep(root, Enrolment.of(input.service, reply, certificates))
  return yield* tell(input, reply, "Enrolled")
})

const rotate = Effect.fnUntraced(function* (input: Input) {
  const { root } = yield* StateFolder
  const known = yield* enrolled(root, input.service)
  const certificates = (yield* certificatesIn(input.serviceCa)) ?? known.certificates
  const reply = yield* calling(input.service, certificates, known.credential, (client) => client.Rotate())
  yield* keep(root, Enrolment.of(input.service, reply, certificates))
  return yield* tell(input, reply, "Rotated the credential")
})

const forget = Effect.fnUntraced(function* (input: Input) {
  const output = yield* Output
  const { root } = yield* StateFolder
  const known = yield* enrolled(root, input.service)
  const certificates = (yield* certificatesIn(input.serviceCa)) ?? known.certificates
  const told = yield* Effect.result(calling(input.service, certificates, known.credential, (client) => client.Retire()))
  yield* Effect.mapError(Enrolment.remove(root, input.service), unkept)
  if (told._tag === "Failure") {
    yield* output.note(`piecework: ${told.failure.sentence} There the device is known until it is revoked.`)
  }
  return yield* input.json
    ? output.line(JSON.stringify({ device: known.device, service: known.service, retired: told._tag === "Success" }))
    : output.note("Forgot the enrolment.")
})

type Client = RpcClient.RpcClient<RpcGroup.Rpcs<typeof EnrolRpcs.EnrolRpcs>, RpcClientError.RpcClientError>

/** One call to the service, its troubles in words. */
const calling = <A, E>(
  service: string,
  certificates: string | undefined,
  token: Redacted.Redacted<string> | undefined,
  use: (client: Client) => Effect.Effect<A, E>
) =>
  HttpRpc.call(EnrolRpcs.EnrolRpcs, { url: service.replace(/\/+$/, "") + EnrolRpcs.path, token })(use).pipe(
    Effect.provide(Layers.nodeHttp(certificates)),
    Effect.mapError((error) => {
      if (error instanceof HttpRpc.ServiceError) {
        const isAnswer =
          error.reason === "TokenRefused" || error.reason === "TokenWanted" || error.reason === "NotAllowed"
        return new Failure({ sentence: error.message, code: isAnswer ? exitCodes.refused : exitCodes.unreachable })
      }
      const isBusy = error instanceof RequestRefused && error.reason === "Overloaded"
      return new Failure({
        sentence: isBusy
          ? "The service has had too many enrolments from here; try again later."
          : "The service does not accept this token or credential; ask its administrator for another.",
        code: exitCodes.refused
      })
    })
  )

const enrolled = Effect.fnUntraced(function* (root: string, service: string) {
  const known = yield* Effect.mapError(Enrolment.load(root, service), unkept)
  if (Option.isSome(known)) return known.value
  return yield* new Failure({ sentence: `This device is not enrolled at ${service}.`, code: exitCodes.notFound })
})

const keep = (root: string, enrolment: Enrolment.Enrolment) => Effect.mapError(Enrolment.store(root, enrolment), unkept)

const unkept = (error: Enrolment.EnrolmentError): Failure =>
  new Failure({ sentence: error.message, code: exitCodes.storage })

const tell = Effect.fnUntraced(function* (input: Input, { device, groups }: EnrolRpcs.EnrolReply, what: string) {
  const output = yield* Output
  if (input.json) return yield* output.line(JSON.stringify({ device, service: input.service, groups }))
  const where = groups.length === 0 ? "in no group" : `in ${groups.join(", ")}`
  return yield* output.note(`${what}: this is device ${device} of ${input.service}, ${where}.`)
})

const usage = (sentence: string): Effect.Effect<never, Failure> =>
  Effect.fail(new Failure({ sentence, code: exitCodes.usage }))
