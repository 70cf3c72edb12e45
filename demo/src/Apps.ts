/** The programs of a run and how they are called: the origin of this demo, the service, the client. */
import { bundle, entryOf } from "@piecework/launch/bundle"
import { Effect, Schema } from "effect"
import { fileURLToPath } from "node:url"

/** Commands are run by the Node that runs the demo. */
export interface Invocation {
  readonly command: string
  readonly args: ReadonlyArray<string>
}

const at = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url))

const program =
  (path: string) =>
  (...args: ReadonlyArray<string>): Invocation => ({ command: process.execPath, args: [path, ...args] })

const apps = [at("apps/service"), at("apps/client")] as const
const originProgram = program(at("demo/src/origin.ts"))
const serviceProgram = program(entryOf(apps[0]))
const clientProgram = program(entryOf(apps[1]))

/** Makes the bundles of service and client: many of them start at the same time, and bundles start fast. */
export const prepare: Effect.Effect<void> = Effect.promise(() => Promise.all(apps.map(bundle)))

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
