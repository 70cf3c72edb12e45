/**
 * What a device may meet in place of what it looks for, as servers of one process: `strangers.ts JSON`, a list of `Stranger`. Prints
 * "{}" once all of them listen. No Effect here: it is what is looked at, and starts once.
 */
import { readFileSync } from "node:fs"
import { createServer, request, type RequestListener } from "node:http"
import { createServer as createSecureServer } from "node:https"

export type Stranger = { readonly port: number; readonly host: string } & (
  | {
      /** Passes everything on to a service, and says another time. */
      readonly is: "Passing"
      readonly to: { readonly host: string; readonly port: number }
      /** Milliseconds that are added to the clock. */
      readonly away: number
      /** Files with a certificate and its key, for HTTPS. */
      readonly tls?: { readonly certificate: string; readonly key: string }
    }
  /** Shows everybody a page to sign in at, or leads there. */
  | { readonly is: "Portal"; readonly leads: boolean }
  /** A proxy for all who name one. */
  | { readonly is: "Proxy"; readonly strips: boolean }
  /** A file under every path. */
  | { readonly is: "Origin"; readonly hasRanges: boolean }
  /** Listens and does nothing. */
  | { readonly is: "Squatter" }
)

const page = "<html><body>Sign in</body></html>"
const bytes = Buffer.alloc(4096, 7)

const listenerOf = (one: Stranger): RequestListener => {
  switch (one.is) {
    case "Passing":
      return (asked, answer) => {
        const { headers, method, url } = asked
        const onward = request({ ...one.to, method, path: url, headers }, (come) => {
          const date = new Date(Date.now() + one.away).toUTCString()
          answer.writeHead(come.statusCode ?? 502, { ...come.headers, date })
          come.pipe(answer)
        })
        onward.on("error", () => answer.destroy())
        asked.pipe(onward)
      }
    case "Portal":
      return (asked, answer) => {
        asked.resume()
        if (one.leads) answer.writeHead(302, { location: "http://portal.example/login?from=here" }).end()
        else answer.writeHead(200, { "content-type": "text/html; charset=utf-8" }).end(page)
      }
    case "Proxy":
      return (asked, answer) => {
        const to = new URL(asked.url ?? "", "http://unknown.invalid")
        const { range, ...others } = asked.headers
        const headers = { ...others, ...(one.strips || range === undefined ? {} : { range }), via: "1.1 stranger" }
        const onward = request(to, { method: asked.method, headers }, (come) => {
          answer.writeHead(come.statusCode ?? 502, come.headers)
          come.pipe(answer)
        })
        onward.on("error", () => answer.writeHead(502).end())
        asked.pipe(onward)
      }
    case "Origin":
      return (asked, answer) => {
        const range = one.hasRanges ? /^bytes=(\d+)-(\d+)$/.exec(asked.headers.range ?? "") : null
        if (range === null) return void answer.writeHead(200, { "content-length": bytes.length }).end(bytes)
        const [first, last] = [Number(range[1]), Number(range[2])]
        const part = bytes.subarray(first, last + 1)
        const headers = { "content-length": part.length, "content-range": `bytes ${first}-${last}/${bytes.length}` }
        answer.writeHead(206, headers).end(part)
      }
    case "Squatter":
      return () => {}
  }
}

const open = (one: Stranger): Promise<void> =>
  new Promise((resolve) => {
    const listener = listenerOf(one)
    const server =
      one.is === "Passing" && one.tls !== undefined
        ? createSecureServer({ cert: readFileSync(one.tls.certificate), key: readFileSync(one.tls.key) }, listener)
        : createServer(listener)
    server.listen(one.port, one.host, resolve)
  })

await Promise.all((JSON.parse(process.argv[2] ?? "[]") as ReadonlyArray<Stranger>).map(open))
console.log("{}")
