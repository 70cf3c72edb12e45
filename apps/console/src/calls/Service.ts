/**
 * Calls to the service that the page came from, by the very groups of RPCs that the service serves. A call ends within its time, with its
 * answer or a `CallFailed`; who aborts it interrupts it. Who calls the service knows by its session's cookie, which no script can read.
 */
import * as ConsoleSession from "@piecework/cloud/ConsoleSession"
import * as HttpRpc from "@piecework/cloud/HttpRpc"
import { Effect, Exit, Layer } from "effect"
import { FetchHttpClient, HttpClient, HttpClientRequest } from "effect/http"
import type { Rpc, RpcClient, RpcClientError, RpcGroup } from "effect/rpc"
import * as CallFailed from "./CallFailed.ts"

/** The service's URL without a slash at the end: the page is one folder below. */
export const url = new URL("..", document.baseURI).href.replace(/\/$/, "")

/** What a page asks: whoever runs it gives a signal to end it by. */
export type Ask<A> = (signal?: AbortSignal) => Promise<A>

type Client<Rpcs extends Rpc.Any> = RpcClient.RpcClient<Rpcs, RpcClientError.RpcClientError>

/** Most bytes of an answer: 1000 rows of a report at their longest are fewer. */
const maxReplyBytes = 8 * 1_048_576

/** Fetch, with the header that no other page can make a browser send. */
const http: Layer.Layer<HttpClient.HttpClient> = Layer.effect(
  HttpClient.HttpClient,
  Effect.map(HttpClient.HttpClient, HttpClient.mapRequest(HttpClientRequest.setHeader(ConsoleSession.header, "1")))
).pipe(Layer.provide(FetchHttpClient.layer))

/** Runs it in the browser. */
export const asking =
  <A>(effect: Effect.Effect<A, unknown, HttpClient.HttpClient>): Ask<A> =>
  async (signal) => {
    const exit = await Effect.runPromiseExit(Effect.provide(effect, http), signal === undefined ? {} : { signal })
    if (Exit.isSuccess(exit)) return exit.value
    signal?.throwIfAborted()
    throw CallFailed.of(exit.cause)
  }

/** A way to call the group that is served at `path`. */
export const calls =
  <Rpcs extends Rpc.Any>(group: RpcGroup.RpcGroup<Rpcs>, path: string) =>
  <A, E>(use: (client: Client<Rpcs>) => Effect.Effect<A, E>): Ask<A> =>
    // No middleware of these groups has a side for clients.
    asking(
      HttpRpc.call(group, { url: url + path, maxReplyBytes })(use) as Effect.Effect<A, unknown, HttpClient.HttpClient>
    )
