/**
 * Where a command for administrators is carried out: on the database of this machine, by whoever may write to its folder, or at a
 * running service (`--service URL`), for the operator whose token is in `PIECEWORK_TOKEN`. Both by the same calls.
 */
import { readFile } from "node:fs/promises"
import { layerInProcess } from "@piecework/cloud/Caller"
import * as HttpRpc from "@piecework/cloud/HttpRpc"
import { local } from "@piecework/cloud/Identity"
import { DatabaseError } from "@piecework/database/DatabaseError"
import { RequestRefused } from "@piecework/cloud/RoleError"
import { Failure } from "@piecework/terminal/Failure"
import { Config, type Duration, Effect, Layer, Option, type Redacted, Schema } from "effect"
import { Flag } from "effect/cli"
import { type Rpc, type RpcClient, type RpcClientError, type RpcGroup, RpcTest } from "effect/rpc"
import { exitCodes } from "../ExitCode.ts"
import { ofDatabase } from "../Explained.ts"

export const service = Flag.String("service").pipe(
  Flag.withMetavar("URL"),
  Flag.withDescription(
    "do it at the service there, with the operator's token in PIECEWORK_TOKEN; default: in the data folder of this machine"
  ),
  Flag.optional
)

export const serviceCa = Flag.String("service-ca").pipe(
  Flag.withMetavar("FILE"),
  Flag.withDescription("certificates in PEM by which to know the service, in place of the system's"),
  Flag.withFallbackConfig(Config.String("PIECEWORK_SERVICE_CA")),
  Flag.optional
)

/** Flags of a command that can do its work elsewhere. */
export const flags = { service, serviceCa }

export interface Where {
  readonly service: Option.Option<string>
  readonly serviceCa: Option.Option<string>
}

/** A client of the group, there or here; `handlers` are those of this machine. */
export const at =
  <Rpcs extends Rpc.Any, R>(
    group: RpcGroup.RpcGroup<Rpcs>,
    path: string,
    handlers: Layer.Layer<Rpc.ToHandler<Rpcs>, Failure, R>,
    timeout?: Duration.Input
  ) =>
  (where: Where) =>
  <A, E>(use: (client: RpcClient.RpcClient<Rpcs, RpcClientError.RpcClientError>) => Effect.Effect<A, E>) =>
    Option.match(where.service, {
      onNone: () =>
        Effect.scoped(Effect.flatMap(RpcTest.makeClient(group), (client) => use(client))).pipe(
          Effect.provide([handlers, layerInProcess({ identity: local })]),
          // Handlers take it for something that their caller cannot help; here it can.
          Effect.catchDefect((defect) => (defect instanceof DatabaseError ? ofDatabase(defect) : Effect.die(defect)))
        ),
      onSome: (url) => remotely(group, { url, path, ca: where.serviceCa, timeout })(use)
    }).pipe(Effect.mapError(inWords<E>))

/** A client of the group at the service there, and nowhere else. */
export const there =
  <Rpcs extends Rpc.Any>(group: RpcGroup.RpcGroup<Rpcs>, path: string, url: string, ca: Option.Option<string>) =>
  <A, E>(use: (client: RpcClient.RpcClient<Rpcs, RpcClientError.RpcClientError>) => Effect.Effect<A, E>) =>
    Effect.mapError(
      remotely(group, { url, path, ca, timeout: undefined })(use),
      inWords<Exclude<E, RpcClientError.RpcClientError>>
    )

const remotely =
  <Rpcs extends Rpc.Any>(
    group: RpcGroup.RpcGroup<Rpcs>,
    {
      ca,
      path,
      timeout,
      url
    }: {
      readonly url: string
      readonly path: string
      readonly ca: Option.Option<string>
      readonly timeout: Duration.Input | undefined
    }
  ) =>
  <A, E>(use: (client: RpcClient.RpcClient<Rpcs, RpcClientError.RpcClientError>) => Effect.Effect<A, E>) =>
    Effect.gen(function* () {
      const base = yield* serviceUrl(url)
      const token = yield* tokenFromEnvironment
      return yield* HttpRpc.call(group, { url: base + path, token, timeout })(use).pipe(Effect.provide(httpTo(ca)))
    })

/** HTTP to a service that is known by these certificates, or by the system's. */
export const httpTo = (ca: Option.Option<string>) =>
  Layer.unwrap(
    Effect.gen(function* () {
      const { layerNodeHttpOptions } = yield* Effect.promise(() => import("@effect/platform-node/NodeHttpClient"))
      return layerNodeHttpOptions(yield* Option.match(ca, { onNone: () => Effect.succeed({}), onSome: certificatesIn }))
    })
  )

const tokenFromEnvironment: Effect.Effect<Redacted.Redacted<string>, Failure> = Effect.gen(function* () {
  return yield* Config.Redacted("PIECEWORK_TOKEN")
}).pipe(
  Effect.mapError(
    () =>
      new Failure({
        sentence: "An operator's token is wanted in PIECEWORK_TOKEN; piecework-service token create makes one.",
        code: exitCodes.usage
      })
  )
)

const serviceUrl = (text: string): Effect.Effect<string, Failure> =>
  URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)
    ? Effect.succeed(text.replace(/\/+$/, ""))
    : Effect.fail(
        new Failure({
          sentence: `"${text}" is no URL of a service; give one like https://service.example:7670.`,
          code: exitCodes.badUrl
        })
      )

const certificatesIn = (file: string): Effect.Effect<{ readonly ca: string }, Failure> =>
  Effect.tryPromise({
    try: async () => ({ ca: await readFile(file, "utf8") }),
    catch: () => new Failure({ sentence: `The certificates in ${file} cannot be read.`, code: exitCodes.file })
  })

/** What went wrong between here and there, or there, as the end of a command. */
const inWords = <E>(
  error: E | HttpRpc.ServiceError | Failure
): Exclude<E, RequestRefused | HttpRpc.ServiceError> | Failure => {
  if (error instanceof Failure) return error
  if (error instanceof HttpRpc.ServiceError) {
    const isThere = error.reason === "TokenWanted" || error.reason === "TokenRefused" || error.reason === "NotAllowed"
    return new Failure({ sentence: error.message, code: isThere ? exitCodes.refused : exitCodes.unreachable })
  }
  if (Schema.is(RequestRefused)(error)) {
    return new Failure({ sentence: "The token does not allow this.", code: exitCodes.refused })
  }
  return error as Exclude<E, RequestRefused | HttpRpc.ServiceError>
}
