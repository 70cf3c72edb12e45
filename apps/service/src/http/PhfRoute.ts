/**
 * Pieces hash files over plain HTTP: `GET /phf/<content id>`, with HEAD, ranges and conditions. A content's PHF never
 * changes, since its id is the hash of what is in it, so any cache on the way may keep it, but for one that is limited to
 * groups. To whoever may not have the content it is not there.
 */
import { Catalog } from "@piecework/catalog/Catalog"
import { Caller } from "@piecework/cloud/Caller"
import { Gate } from "@piecework/cloud/Gate"
import { anonymous } from "@piecework/cloud/Identity"
import { parse } from "@piecework/domain/Content"
import { Effect, Layer, Option, Result } from "effect"
import { HttpRouter, HttpServerRequest, HttpServerResponse } from "effect/http"
import * as Range from "./Range.ts"

const missing = HttpServerResponse.text("No such content.\n", { status: 404 })
const halted = HttpServerResponse.text("This content is halted.\n", { status: 404 })

const answerFrom = Effect.fnUntraced(function* (catalog: Catalog["Service"], gate: Gate["Service"]) {
  const request = yield* HttpServerRequest.HttpServerRequest
  const { id = "" } = yield* HttpRouter.params
  const contentId = Option.getOrUndefined(parse(id))
  if (contentId === undefined) return missing
  const caller = Option.getOrUndefined(yield* Effect.serviceOption(Caller))
  const passed = yield* Effect.result(gate.pass(caller?.identity ?? anonymous, contentId))
  if (Result.isFailure(passed)) return passed.failure._tag === "ContentHalted" ? halted : missing
  const bytes = Option.getOrUndefined(yield* Effect.orDie(catalog.phf(contentId)))
  if (bytes === undefined) return missing
  const etag = `"${id}"`
  const isForAll = gate.verdict(anonymous, contentId) === "Allowed"
  const keep = `${isForAll ? "public" : "private"}, max-age=86400`
  const headers = { etag, "accept-ranges": "bytes", "cache-control": keep }

  const known = request.headers["if-none-match"]
  if (known !== undefined && (known.trim() === "*" || known.split(",").some((one) => one.trim() === etag))) {
    return HttpServerResponse.empty({ status: 304, headers })
  }
  // A part of another version than the one here is of no use: then the whole is asked for.
  const wanted = request.headers["if-range"] ?? etag
  const range = Range.parse(wanted === etag ? request.headers["range"] : undefined, bytes.length)
  if (range.kind === "Unsatisfiable") {
    return HttpServerResponse.empty({
      status: 416,
      headers: { ...headers, "content-range": `bytes */${bytes.length}` }
    })
  }
  const isPart = range.kind === "Part"
  const body = isPart ? bytes.subarray(range.start, range.end + 1) : bytes
  const status = isPart ? 206 : 200
  const placed = isPart ? { ...headers, "content-range": `bytes ${range.start}-${range.end}/${bytes.length}` } : headers
  return HttpServerResponse.uint8Array(body, { status, headers: placed, contentType: "application/json" })
})

/** HEAD is answered by the same, without the body. */
export const layer = Layer.unwrap(
  Effect.gen(function* () {
    return HttpRouter.add("GET", "/phf/:id", answerFrom(yield* Catalog, yield* Gate))
  })
)
