/**
 * Reports the fleet that never was to a running service, and prints which networks are where for its `--places`:
 * `npm run seed -w @piecework/console -- places > places.json`, then `… -- http://127.0.0.1:7670` at a service that was started with that file
 * and with `--trust-proxy 127.0.0.1`, else all devices are one site.
 */
import * as HttpRpc from "@piecework/cloud/HttpRpc"
import { paths } from "@piecework/cloud/Role"
import { ReportRpcs } from "@piecework/cloud/ReportRpcs"
import { Console, Effect, Layer } from "effect"
import { FetchHttpClient, HttpClient, HttpClientRequest } from "effect/http"
import * as Fleet from "./Fleet.ts"

const from = (externalIp: string) =>
  Layer.effect(
    HttpClient.HttpClient,
    Effect.map(HttpClient.HttpClient, HttpClient.mapRequest(HttpClientRequest.setHeader("x-forwarded-for", externalIp)))
  ).pipe(Layer.provide(FetchHttpClient.layer))

const report = Effect.fn("seed.report")(function* (url: string) {
  const batches = Fleet.batches(20_261_122, Date.now())
  for (const { externalIp, request } of batches) {
    yield* HttpRpc.call(ReportRpcs, { url: `${url}${paths.Reports}` })((client) => client.Report(request)).pipe(
      Effect.provide(from(externalIp))
    )
  }
  yield* Console.log(`${batches.length} batches reported.`)
})

const places = Fleet.sites.map(({ city, country, ip, isp }) => ({ network: `${ip}/32`, city, country, isp }))

const [what = "places"] = process.argv.slice(2)
await Effect.runPromise(what === "places" ? Console.log(JSON.stringify(places)) : report(what))
