/** Reports the fleet that never was to a service that believes this machine what addresses it forwards for. */
import * as HttpRpc from "@piecework/cloud/HttpRpc"
import { ReportRpcs } from "@piecework/cloud/ReportRpcs"
import { paths } from "@piecework/cloud/Role"
import { Effect, Layer } from "effect"
import { FetchHttpClient, HttpClient, HttpClientRequest } from "effect/http"
import * as Fleet from "./Fleet.ts"

const from = (externalIp: string) =>
  Layer.effect(
    HttpClient.HttpClient,
    Effect.map(HttpClient.HttpClient, HttpClient.mapRequest(HttpClientRequest.setHeader("x-forwarded-for", externalIp)))
  ).pipe(Layer.provide(FetchHttpClient.layer))

/** Answers how many batches there were, one of each device. `url` is the service's, `now` epoch milliseconds. */
export const report = Effect.fn("Reporting.report")(function* (url: string, now: number) {
  const batches = Fleet.batches(20_261_122, now)
  yield* Effect.forEach(
    batches,
    ({ externalIp, request }) =>
      HttpRpc.call(ReportRpcs, { url: `${url}${paths.Reports}`, timeout: "60 seconds" })((client) =>
        client.Report(request)
      ).pipe(Effect.provide(from(externalIp))),
    { concurrency: 4, discard: true }
  )
  return batches.length
})

/** For the service's `--places`. */
export const places = Fleet.sites.map(({ city, country, ip, isp }) => ({ network: `${ip}/32`, city, country, isp }))
