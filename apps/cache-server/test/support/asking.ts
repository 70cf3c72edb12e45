/** A client of a cache server: asks for a file, in either form. */
import { createHash } from "node:crypto"
import { get, type IncomingMessage } from "node:http"
import { Effect } from "effect"

export interface Answer {
  readonly status: number
  readonly headers: IncomingMessage["headers"]
  readonly bytes: Buffer
}

export interface Asking {
  readonly headers?: Readonly<Record<string, string>>
  /** Called as bytes come, with how many there are by now. */
  readonly onBytes?: (so: number) => void
}

/** Fails when the answer ends before its time. */
export const ask = (url: string, { headers = {}, onBytes }: Asking = {}): Effect.Effect<Answer, Error> =>
  Effect.callback((resume) => {
    const request = get(url, { headers, agent: false }, (response) => {
      const parts: Array<Buffer> = []
      let length = 0
      response.on("data", (some: Buffer) => {
        parts.push(some)
        length += some.length
        onBytes?.(length)
      })
      response.on("error", (error) => resume(Effect.fail(error)))
      response.on("end", () =>
        resume(
          Effect.succeed({ status: response.statusCode ?? 0, headers: response.headers, bytes: Buffer.concat(parts) })
        )
      )
    })
    request.on("error", (error) => resume(Effect.fail(error)))
    return Effect.sync(() => void request.destroy())
  })

/** The file of an origin, by the form that most clients use. */
export const through = (cache: string, origin: string, path = "/file.bin"): string =>
  `${cache}${path}?cacheHostOrigin=${origin}`

export const sha = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex")
