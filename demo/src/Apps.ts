/** The programs of a run and how they are called: the origin of this demo, the service, the client. */
import { Schema } from "effect"
import { fileURLToPath } from "node:url"

/** Commands are run by the Node that runs the demo, from the sources. */
export interface Invocation {
  readonly command: string
  readonly args: ReadonlyArray<string>
}

const program =
  (path: string) =>
  (...args: ReadonlyArray<string>): Invocation => ({
    command: process.execPath,
    args: ["--conditions=source", fileURLToPath(new URL(`../../${path}`, import.meta.url)), ...args]
  })

const originProgram = program("demo/src/origin.ts")
const serviceProgram = program("apps/service/src/main.ts")
const clientProgram = program("apps/client/src/main.ts")

export const origin = (file: string, bitsPerSecond: number): Invocation =>
  originProgram("--file", file, "--rate", `${bitsPerSecond}bit`)

export const OriginReady = Schema.Struct({ listening: Schema.String, url: Schema.String })

export const service = (data: string): Invocation => serviceProgram("--data", data, "--port", "0", "--json")

export const ServiceReady = Schema.Struct({ listening: Schema.String })

export const publish = (file: string, url: string, data: string): Invocation =>
  serviceProgram("publish", file, "--url", url, "--data", data, "--json")

export const Published = Schema.Struct({ contentId: Schema.String })

/** Fetches, then goes on giving to others until it is ended. */
export const client = (options: {
  readonly url: string
  readonly output: string
  readonly service: string
  readonly state: string
}): Invocation =>
  clientProgram(
    "get",
    options.url,
    "-o",
    options.output,
    "--service",
    options.service,
    "--state",
    options.state,
    "--port",
    "0",
    "--seed",
    "1 hour",
    "--events"
  )

/** Loads all of the client and does nothing. */
export const clientVersion: Invocation = clientProgram("--version")
