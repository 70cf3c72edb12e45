/**
 * An HTTP server for one file, or for those in a folder, as a process: `fast-origin.ts FILE|FOLDER [HOST PORT]`, by
 * default on any port of loopback. As fast as node:http gets: pieces of 1 MiB into two buffers that are used again and
 * again, one being read while the other is sent. GET and HEAD, with one range. Prints where it listens as one line of JSON,
 * and, told to end by SIGTERM, how many bytes of bodies the system took from it as another. No Effect here: this is a
 * tool that must not be what is measured.
 */
import { type FileHandle, open, readdir, stat } from "node:fs/promises"
import { createServer, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { basename, join } from "node:path"

const chunkSize = 1_048_576

const file = process.argv[2]
if (file === undefined) throw new Error("usage: fast-origin.ts FILE")
const host = process.argv[3] ?? "127.0.0.1"

interface Resource {
  readonly handle: FileHandle
  readonly size: number
  readonly etag: string
}

const resourceOf = async (path: string): Promise<Resource> => {
  const handle = await open(path, "r")
  const { size, mtimeMs } = await handle.stat()
  return { handle, size, etag: `"${size.toString(16)}-${Math.floor(mtimeMs).toString(16)}"` }
}

/** By name, where there are several; one alone has every name. */
const resources = new Map<string, Resource>()
const only = (await stat(file)).isDirectory() ? undefined : await resourceOf(file)
if (only === undefined) {
  for (const name of await readdir(file)) resources.set(name, await resourceOf(join(file, name)))
}

let bodyBytes = 0

/** Resolves when the socket took the bytes; false when the other side is gone. */
const write = (response: ServerResponse, bytes: Uint8Array): Promise<boolean> =>
  new Promise((resolve) => {
    const gone = () => resolve(false)
    response.once("close", gone)
    response.write(bytes, (error) => {
      response.off("close", gone)
      const taken = error === null || error === undefined
      if (taken) bodyBytes += bytes.length
      resolve(taken)
    })
  })

const send = async (response: ServerResponse, handle: FileHandle, start: number, end: number): Promise<void> => {
  const buffers = [Buffer.allocUnsafeSlow(chunkSize), Buffer.allocUnsafeSlow(chunkSize)] as const
  const read = (at: number, turn: number) =>
    handle.read(buffers[turn % 2 === 0 ? 0 : 1], 0, Math.min(chunkSize, end + 1 - at), at)
  let next = read(start, 0)
  for (let at = start, turn = 0; at <= end; turn++) {
    const { buffer, bytesRead } = await next
    if (bytesRead === 0) return void response.destroy()
    at += bytesRead
    if (at <= end) next = read(at, turn + 1)
    if (!(await write(response, buffer.subarray(0, bytesRead)))) return
  }
  response.end()
}

const server = createServer({ noDelay: true, keepAliveTimeout: 60_000 }, (request, response) => {
  const resource = only ?? resources.get(basename((request.url ?? "").split("?", 1)[0] ?? ""))
  if (resource === undefined) return void response.writeHead(404, { "content-length": 0 }).end()
  const { etag, handle, size } = resource
  const match = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? "")
  const start = Number(match?.[1] ?? 0)
  const end = match?.[2] ? Math.min(Number(match[2]), size - 1) : size - 1
  const head = { "accept-ranges": "bytes", etag, "content-length": end + 1 - start }
  if (match === null) response.writeHead(200, head)
  else if (start <= end) response.writeHead(206, { ...head, "content-range": `bytes ${start}-${end}/${size}` })
  else return void response.writeHead(416, { "content-range": `bytes */${size}`, "content-length": 0 }).end()
  if (request.method === "HEAD") return void response.end()
  send(response, handle, start, end).catch((error: unknown) => {
    process.stderr.write(`${String(error)}\n`)
    response.destroy()
  })
})
server.listen(Number(process.argv[4] ?? 0), host, () => {
  const listening = `http://${host}:${(server.address() as AddressInfo).port}`
  process.stdout.write(`${JSON.stringify({ listening, url: `${listening}/file` })}\n`)
})
process.once("SIGTERM", () => {
  process.stdout.write(`${JSON.stringify({ bodyBytes })}\n`, () => process.exit(0))
})
