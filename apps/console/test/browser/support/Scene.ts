/**
 * What the console is looked at with: the real service with a published file, ten real clients that download it from a slow origin and give it
 * to each other, and an operator's token. The origin sends no more than it is told to, so what is to be seen while downloads run can be
 * looked at for as long as it takes.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { createServer, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect, type Scope } from "effect"
import * as Programs from "./Programs.ts"

export interface SlowOrigin {
  /** URL of the file of that name. */
  readonly url: (name: string) => string
  /** Bytes of bodies handed to the system so far. */
  readonly sent: () => number
  /** For all answers together, bytes a second. */
  readonly pace: (bytesPerSecond: number) => void
}

const part = 16_384

/** An HTTP origin of files by their names. */
export const slowOrigin = (
  files: ReadonlyMap<string, Uint8Array>,
  bytesPerSecond: number
): Effect.Effect<SlowOrigin, never, Scope.Scope> =>
  Effect.gen(function* () {
    let rate = bytesPerSecond
    let sent = 0
    // When the line is free again, in milliseconds.
    let free = 0
    const send = (response: ServerResponse, bytes: Uint8Array, from: number, end: number): void => {
      let at = from
      const next = (): void => {
        if (response.destroyed) return
        if (at >= end) return void response.end()
        const some = bytes.subarray(at, Math.min(at + part, end))
        const now = performance.now()
        free = Math.max(free, now) + (some.length / rate) * 1000
        at += some.length
        setTimeout(() => {
          sent += some.length
          response.write(some, next)
        }, free - now)
      }
      next()
    }
    const server = createServer((request, response) => {
      const bytes = files.get(request.url?.slice(1) ?? "")
      if (bytes === undefined) return void response.writeHead(404).end()
      const match = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? "")
      const from = Number(match?.[1] ?? 0)
      const end = match?.[2] ? Math.min(Number(match[2]) + 1, bytes.length) : bytes.length
      response.writeHead(match === null ? 200 : 206, {
        "content-length": end - from,
        etag: '"v1"',
        ...(match === null ? {} : { "content-range": `bytes ${from}-${end - 1}/${bytes.length}` })
      })
      // The service reads it once, to hash it; that is none of the line's business.
      if (request.headers.range === undefined) return void response.end(bytes)
      send(response, bytes, from, end)
    })
    yield* Effect.acquireRelease(
      Effect.callback<void>((resume) => void server.listen(0, "127.0.0.1", () => resume(Effect.void))),
      () =>
        Effect.callback<void>((resume) => {
          server.close(() => resume(Effect.void))
          server.closeAllConnections()
        })
    )
    const { port } = server.address() as AddressInfo
    return {
      url: (name) => `http://127.0.0.1:${port}/${name}`,
      sent: () => sent,
      pace: (next) => {
        rate = next
        free = performance.now()
      }
    }
  })

export const folder: Effect.Effect<string, never, Scope.Scope> = Effect.acquireRelease(
  Effect.promise(() => mkdtemp(join(tmpdir(), "piecework-console-"))),
  (path) => Effect.promise(() => rm(path, { recursive: true, force: true, maxRetries: 5 }))
)

/** Bytes that no two files have in common by chance; the same at every run. */
export const bytesOf = (length: number, seed: number): Uint8Array => {
  const words = new Uint32Array(Math.ceil(length / 4))
  let state = seed
  for (let n = 0; n < words.length; n++) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    words[n] = state
  }
  return new Uint8Array(words.buffer, 0, length)
}

export interface Scene {
  readonly origin: SlowOrigin
  /** URL of the service, without a slash at the end. */
  readonly service: string
  /** An operator's, for everything. */
  readonly token: string
  /** One that may look only. */
  readonly readToken: string
  readonly contentId: string
  /** How large the file is that is published. */
  readonly fileBytes: number
  readonly fileName: string
  /** Starts clients that download the file and then give it to others; answers once each of them has begun. */
  readonly download: (
    count: number
  ) => Effect.Effect<ReadonlyArray<Programs.Program>, Programs.ProgramError, Programs.Needs>
  /** A command of the service on its data, with `--json`; answers what it says. */
  readonly command: (...args: ReadonlyArray<string>) => Effect.Effect<string, Programs.ProgramError, Programs.Needs>
}

export const fileName = "workstation-26.11.img"

/** A file that is not published at first. */
export const otherName = "office-suite-18.4.pkg"

/** Larger than the least that devices share, in bytes. */
const fileBytes = 20 * 1_048_576

export const make = Effect.gen(function* () {
  const root = yield* folder
  const bytes = bytesOf(fileBytes, 0x9e3779b9)
  const files = new Map([
    [fileName, bytes],
    [otherName, bytesOf(11 * 1_048_576, 0x85ebca6b)]
  ])
  const origin = yield* slowOrigin(files, 700_000)
  const data = join(root, "service")
  const program = yield* Programs.start("service", ["--host", "127.0.0.1", "--port", "0", "--data", data, "--json"])
  const service = yield* program.line((line) => (JSON.parse(line) as { readonly listening?: string }).listening)
  const command = (...args: ReadonlyArray<string>) => Programs.run("service", [...args, "--data", data, "--json"])
  const tokenFor = (name: string, scope: string) =>
    Effect.map(
      command("token", "create", "--name", name, "--scope", scope),
      (text) => (JSON.parse(text) as { readonly token: string }).token
    )
  const [token, readToken] = yield* Effect.all([tokenFor("Maria Lopez", "admin"), tokenFor("Wall display", "read")])
  const file = join(root, fileName)
  yield* Effect.promise(() => writeFile(file, bytes))
  const published = yield* command("publish", file, "--url", origin.url(fileName))
  const { contentId } = JSON.parse(published) as { readonly contentId: string }
  const scene: Scene = {
    origin,
    service,
    token,
    readToken,
    contentId,
    fileBytes,
    fileName,
    command,
    download: (devices) =>
      Effect.forEach(
        Array.from({ length: devices }, (_, n) => n),
        (n) =>
          Effect.gen(function* () {
            const where = ["--state", join(root, `device-${n}`), "-o", join(root, `file-${n}`), "--port", "0"]
            const get = ["get", origin.url(fileName), "--service", service, "--seed", "1h", "--events", ...where]
            const client = yield* Programs.start("piecework", get)
            yield* client.line((line) => (line.includes('"progress"') ? line : undefined))
            return client
          }),
        { concurrency: "unbounded" }
      )
  }
  return scene
})
