/**
 * Pieces hash files over plain HTTP: `GET /phf/<content id>`, with HEAD, ranges and conditions. A content's PHF never
 * changes, since its id is the hash of what is in it, so any cache on the way may keep it.
 */
import { Catalog } from "@piecework/catalog/Catalog"
import { parse } from "@piecework/domain/Content"
import { Effect, Layer, Option } from "effect"
import { HttpRouter, HttpServerRequest, HttpServerResponse } from "effect/http"
import * as Range from "./Range.ts"

const answerFrom = Effect.fnUntraced(function* (catalog: Catalog["Service"]) {
  const request = yield* HttpServerRequest.HttpServerRequest
  const { id = "" } = yield* HttpRouter.params
  const contentId = Option.getOrUndefined(parse(id))
  const bytes = contentId === undefined ? undefined : Option.getOrUndefined(yield* Effect.orDie(catalog.phf(contentId)))
  if (bytes === undefined) return HttpServerResponse.text("No such content.\n", { status: 404 })
  const etag = `"${id}"`
  const headers = { etag, "accept-ranges": "bytes", "cache-control": "public, max-age=86400" }

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
  Effect.map(Catalog, (catalog) => HttpRouter.add("GET", "/phf/:id", answerFrom(catalog)))
)
