/**
 * The console's page and what belongs to it: `GET /console/…`, for everybody, since nothing is in it; what it shows it asks for by calls that want an
 * operator. Whatever it is, it runs nothing that did not come from here, sends nothing elsewhere and is in nobody's frame.
 */
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { Effect, Layer } from "effect"
import { HttpRouter, HttpServerRequest, HttpServerResponse } from "effect/http"
import * as SiteFiles from "./SiteFiles.ts"

export const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'"
].join("; ")

/** Goes with every answer, whatever it says. */
export const always = {
  "content-security-policy": policy,
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "permissions-policy": "camera=(), geolocation=(), microphone=()"
} as const

/** Beside the bundle, or where the workspace builds it: seen from here both of them lie alike. */
const folders = (): ReadonlyArray<string> => {
  const here = dirname(fileURLToPath(import.meta.url))
  return [join(here, "site"), join(here, "..", "..", "..", "console", "dist", "site")]
}

const text = (status: number, sentence: string) =>
  HttpServerResponse.text(`${sentence}\n`, { status, headers: { ...always, "cache-control": "no-store" } })

const notFound = text(404, "There is nothing here.")
const notBuilt = text(
  503,
  "This installation has no console. In a checkout of the sources, npm run build makes it; installed packages have it."
)

/** Relative, so that it is right under whatever path a proxy has the service. */
const to = (location: string, status: 302 | 308) => HttpServerResponse.redirect(location, { status, headers: always })

const answer = Effect.fnUntraced(function* (files: SiteFiles.SiteFiles) {
  const request = yield* HttpServerRequest.HttpServerRequest
  const { "*": name = "" } = yield* HttpRouter.params
  // What the page asks for is below its folder, so it has to be one.
  if (name === "" && !/\/console\/(?:\?|$)/.test(request.url)) return to("console/", 308)
  const file = yield* files.find(name === "" ? "index.html" : name)
  if (file === "NotBuilt") return notBuilt
  if (file === "NotFound") return notFound
  const encoding = file.packed === undefined ? undefined : accepted(request.headers["accept-encoding"])
  // Each form of a file has a tag of its own.
  const etag = encoding === undefined ? file.etag : `${file.etag.slice(0, -1)}-${encoding}"`
  const headers = {
    ...always,
    etag,
    "cache-control": file.isLasting ? "public, max-age=31536000, immutable" : "no-cache",
    ...(file.packed === undefined ? {} : { vary: "accept-encoding" })
  }
  if (isKnown(request.headers["if-none-match"], etag)) return HttpServerResponse.empty({ status: 304, headers })
  if (encoding === undefined || file.packed === undefined) {
    return HttpServerResponse.uint8Array(file.bytes, { headers, contentType: file.type })
  }
  const { packed } = file
  const bytes = yield* Effect.promise(() => packed(encoding))
  return HttpServerResponse.uint8Array(bytes, {
    headers: { ...headers, "content-encoding": encoding },
    contentType: file.type
  })
})

/** The first of ours that the caller takes; what it says of how much it likes each is about others' forms than ours. */
export const accepted = (header: string | undefined): SiteFiles.Encoding | undefined => {
  const taken = new Set(
    (header ?? "").split(",").flatMap((part) => {
      const [name = "", ...parameters] = part.split(";").map((one) => one.trim().toLowerCase())
      return parameters.some((one) => /^q=0(\.0*)?$/.test(one)) ? [] : [name]
    })
  )
  return SiteFiles.encodings.find((one) => taken.has(one))
}

const isKnown = (header: string | undefined, etag: string): boolean =>
  header !== undefined && (header.trim() === "*" || header.split(",").some((one) => bare(one) === etag))

/** A proxy that repacks a file calls its tag a weak one. */
const bare = (tag: string): string => tag.trim().replace(/^W\//, "")

/** Whoever opens the service's address in a browser is shown the console; programs are told that there is nothing. */
const entry = Effect.map(HttpServerRequest.HttpServerRequest, ({ headers }) =>
  (headers["accept"] ?? "").includes("text/html") ? to("console/", 302) : notFound
)

/** HEAD is answered by the same, without the body. Default: the files that were built. */
export const layer = (from: ReadonlyArray<string> = folders()) =>
  Layer.unwrap(
    Effect.sync(() => {
      const files = SiteFiles.make(from)
      return Layer.mergeAll(HttpRouter.add("GET", "/", entry), HttpRouter.add("GET", "/console/*", answer(files)))
    })
  )
