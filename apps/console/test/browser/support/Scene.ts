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
import { setTimeout } from "node:timers/promises"
import { Effect, Schedule, type Scope } from "effect"
import * as Programs from "./Programs.ts"

export interface SlowOrigin {
  /** URL of the file of that name. */
  readonly url: (name: string) => string
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
    // One answer after the other: what many ask for at once comes piece by piece, and each can be passed on while the next one comes.
    let line: Promise<void> = Promise.resolve()
    const send = async (response: ServerResponse, bytes: Uint8Array): Promise<void> => {
      for (let at = 0; at < bytes.length && !response.destroyed; at += part) {
        const some = bytes.subarray(at, at + part)
        await setTimeout((some.length / rate) * 1000)
        await written(response, some)
      }
      response.end()
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
      line = line.then(() => send(response, bytes.subarray(from, end)))
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
      pace: (bytes) => void (rate = bytes)
    }
  })

/** Until the system has it, or whoever wanted it is gone. */
const written = (response: ServerResponse, bytes: Uint8Array): Promise<void> =>
  new Promise((resolve) => {
    const done = (): void => {
      response.off("close", done)
      resolve()
    }
    response.once("close", done)
    response.write(bytes, done)
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
  /** Starts clients that download the file and then give it to others; answers once each of them has begun, or has the file. */
  readonly download: (
    count: number,
    until?: "progress" | "result"
  ) => Effect.Effect<ReadonlyArray<Programs.Program>, Programs.ProgramError, Programs.Needs>
  /** A command of the service on its data, with `--json`; answers what it says. */
  readonly command: (...args: ReadonlyArray<string>) => Effect.Effect<string, Programs.ProgramError, Programs.Needs>
}

export const fileName = "workstation-26.11.img"

/** A file that is not published at first. */
export const otherName = "office-suite-18.4.pkg"

/** Larger than the least that devices share, in bytes. */
const fileBytes = 24 * 1_048_576

export const make = Effect.gen(function* () {
  const root = yield* folder
  const bytes = bytesOf(fileBytes, 0x9e3779b9)
  const files = new Map([
    [fileName, bytes],
    [otherName, bytesOf(11 * 1_048_576, 0x85ebca6b)]
  ])
  const origin = yield* slowOrigin(files, 400_000)
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
    download: (devices, until = "progress") =>
      Effect.forEach(
        Array.from({ length: devices }, (_, n) => n),
        (n) =>
          Effect.gen(function* () {
            const where = ["--state", join(root, `device-${n}`), "-o", join(root, `file-${n}`), "--port", "0"]
            const get = ["get", origin.url(fileName), "--service", service, "--seed", "1h", "--events", ...where]
            const client = yield* Programs.start("piecework", get)
            yield* client.line((line) => (line.includes(`"${until}"`) ? line : undefined))
            return client
          }).pipe(
            // What was resumed is let through by all parts of the service within a second or two.
            Effect.retry({
              while: ({ said }) => said.includes("has halted"),
              schedule: Schedule.spaced("500 millis"),
              times: 20
            })
          ),
        { concurrency: "unbounded" }
      )
  }
  return scene
})

/** A device with an agent that downloads from a slow origin for a program; `command` asks the agent. */
export const device = Effect.gen(function* () {
  const root = yield* folder
  const origin = yield* slowOrigin(new Map([[fileName, bytesOf(fileBytes, 0xc2b2ae35)]]), 200_000)
  const env = { PIECEWORK_SOCKET: join(root, "agent.sock"), PIECEWORK_STATE: join(root, "state") }
  const agent = yield* Programs.start("piecework", ["agent", "--port", "0", "--no-rest", "--json"], env)
  yield* agent.line((line) => (line.includes("listening") ? line : undefined))
  return {
    /** Begins to download; the program that wants the file goes on with it. */
    get: Effect.gen(function* () {
      const wanted = [origin.url(fileName), "-o", join(root, fileName)]
      const get = yield* Programs.start("piecework", ["get", ...wanted, "--agent", "--events"], env)
      yield* get.line((line) => (line.includes('"progress"') ? line : undefined))
      return get
    }),
    command: (...args: ReadonlyArray<string>) => Programs.run("piecework", args, env)
  }
})
