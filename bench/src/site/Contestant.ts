/** What a tool has to say to take part: whether it is there, what it needs beside the devices, and what each device runs. */
import type { Effect, FileSystem, Option, Path, Scope } from "effect"
import type { ChildProcessSpawner } from "effect/process"
import type { Invocation, Meter, ProgramError } from "../Meter.ts"
import type { TestFile } from "../TestFile.ts"
import type { Task } from "./Device.ts"
import type { Host, Site, Topology } from "./Topology.ts"

export const tools = ["piecework", "curl", "nginx", "aria2c", "transmission"] as const
export type Tool = (typeof tools)[number]

/** One run of one tool. */
export interface Setting {
  readonly topology: Topology
  readonly file: TestFile
  /** Of the file at the origin. */
  readonly url: string
  /** Where the service would be, and where it keeps what is published. */
  readonly service: {
    readonly url: string
    readonly data: string
    readonly up: boolean
    /** Waits until it has to die; for ever, where it does not. */
    readonly death: Effect.Effect<void>
  }
  /** A folder for what is beside the devices. */
  readonly folder: string
}

/** A device that is to fetch the file into `${folder}/file`. */
export interface Place {
  readonly site: Site
  readonly host: Host
  readonly folder: string
}

export type Needs = Scope.Scope | Meter | FileSystem.FileSystem | Path.Path | ChildProcessSpawner.ChildProcessSpawner

export interface Contestant<Name extends string = string> {
  readonly tool: Name
  /** How it takes part, for people. */
  readonly how: string
  /** How to get it. */
  readonly install: string
  readonly version: Effect.Effect<Option.Option<string>, never, Meter>
  /** Starts what is beside the devices, until the scope closes; answers what a device runs. */
  readonly open: (setting: Setting) => Effect.Effect<(place: Place) => Task, ProgramError, Needs>
}

/** A program as it runs in a namespace. */
export const inside = (namespace: string, { args, command, name }: Invocation): Invocation => ({
  name,
  command: "ip",
  args: ["netns", "exec", namespace, command, ...args]
})
