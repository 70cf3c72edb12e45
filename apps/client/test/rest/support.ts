/** The REST interface over jobs in memory, spoken to by raw sockets. */
import { connect } from "node:net"
import { networkInterfaces } from "node:os"
import { JobFiles, JobNetwork, type JobRunner, Jobs, JobsConfig, JobStore, MemoryRunner } from "@piecework/jobs"
import { Effect, Layer } from "effect"
import { type Admin, AdminFile, defaults } from "../../src/rest/AdminFile.ts"
import * as RestServer from "../../src/rest/RestServer.ts"

export interface Options extends RestServer.RestServerOptions {
  readonly admin?: () => Admin
  readonly mostJobs?: number
  readonly network?: () => typeof JobNetwork.JobNetwork.connected
  /** What the runner does instead of what its files say. */
  readonly runner?: Layer.Layer<JobRunner.JobRunner>
}

/** Answers the port and what the jobs are made of. */
export const serving = (options: Options = {}) =>
  Effect.gen(function* () {
    const files = new Map<string, string>()
    const memory = MemoryRunner.make()
    const jobs = Jobs.Jobs.layer.pipe(
      Layer.provide([
        JobFiles.JobFiles.layerMemory(files),
        JobNetwork.JobNetwork.layerOf(options.network ?? (() => JobNetwork.JobNetwork.connected)),
        JobStore.JobStore.layerMemory(),
        JobsConfig.layer({ mostJobs: options.mostJobs ?? 1000 }),
        options.runner ??
          MemoryRunner.layer(memory, { write: (path, id) => Effect.sync(() => void files.set(path, id)) })
      ])
    )
    const admin = Layer.succeed(AdminFile, { current: options.admin ?? (() => defaults) })
    const context = yield* Layer.build(Layer.merge(jobs, admin))
    const port = yield* Effect.provide(RestServer.serve(options), context)
    return { port, files, memory }
  })

/** Sends the bytes as they are and answers all that comes until the other side closes. */
export const raw = (port: number, bytes: string, host = "127.0.0.1") =>
  Effect.callback<string>((resume) => {
    const socket = connect(port, host, () => socket.write(bytes))
    let text = ""
    socket.setEncoding("latin1").on("data", (part: string) => (text += part))
    // A server that closes while it is still being written to may reset the connection; what it said counts.
    socket.on("error", () => undefined)
    socket.on("close", () => resume(Effect.succeed(text)))
    return Effect.sync(() => socket.destroy())
  })

export const request = (verb: string, target: string, headers: ReadonlyArray<string> = [], body = "") =>
  [
    `${verb} ${target} HTTP/1.1`,
    "Host: 127.0.0.1",
    "Connection: close",
    ...(body === "" ? [] : [`Content-Length: ${Buffer.byteLength(body)}`]),
    ...headers,
    "",
    body
  ].join("\r\n")

/** The status and the body. */
export const parts = (answer: string): readonly [status: number, body: string] => {
  const [head = "", ...rest] = answer.split("\r\n\r\n")
  return [Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1] ?? 0), rest.join("\r\n\r\n")]
}

export const ask = (port: number, verb: string, target: string, headers?: ReadonlyArray<string>, body?: string) =>
  Effect.map(raw(port, request(verb, target, headers, body)), parts)

/** An address of this machine that is not the loopback's; `undefined` where there is none. */
export const otherAddress = Object.values(networkInterfaces())
  .flatMap((all) => all ?? [])
  .find(({ family, internal }) => family === "IPv4" && !internal)?.address
