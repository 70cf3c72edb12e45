/** A service, and a file at an origin that is published with it: what the devices of a test download, each as a process with a folder. */
import { randomBytes } from "node:crypto"
import { readFile, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { Effect } from "effect"
import * as HttpOrigin from "./httpOrigin.ts"
import * as Programs from "./programs.ts"

export interface Options {
  /** Bytes of the file. */
  readonly length: number
  /** Of the origin; default as fast as it goes. */
  readonly bytesPerSecond?: number | undefined
  /** Of the URL under which it is published and asked for, with its "?". */
  readonly query?: string
  /** What the service is told beside where it is. */
  readonly service?: { readonly args: ReadonlyArray<string>; readonly env: Readonly<Record<string, string>> }
}

/** The words for a device are the same in `get` and `agent`, so that the one goes on with what the other left. */
export const published = Effect.fnUntraced(function* ({ bytesPerSecond, length, query = "", service: told }: Options) {
  const root = yield* Programs.folder
  const bytes = randomBytes(length)
  const file = join(root, "published.bin")
  yield* Effect.promise(() => writeFile(file, bytes))
  const origin = yield* HttpOrigin.make({ bytes, bytesPerSecond })
  const url = `${origin.url}${query}`
  const data = join(root, "service")
  const service = yield* Programs.service(data, told?.env, ...(told?.args ?? []))
  const { contentId } = yield* Programs.publish(file, url, data)
  const state = (name: string) => join(root, name)
  const path = (name: string) => join(root, `${name}.out`)
  const here = ["--service", service, "--host", "127.0.0.1", "--port", "0"]
  const device = (name: string) => ["--state", state(name), ...here]
  return {
    root,
    bytes,
    origin,
    url,
    service,
    /** Folder of the service's data. */
    data,
    contentId,
    /** State folder of the device with this name. */
    state,
    /** What it makes of the file. */
    out: (name: string) => Effect.promise(() => readFile(path(name))),
    get: (name: string, ...more: ReadonlyArray<string>) => ["get", url, "-o", path(name), ...device(name), ...more],
    agent: (name: string, ...more: ReadonlyArray<string>) => ["agent", ...device(name), "--json", ...more]
  }
})
