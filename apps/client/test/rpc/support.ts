/** The agent's calls over jobs in memory and contents that tests make, by a pair of streams in this process and by a real socket. */
import { join } from "node:path"
import { duplexPair } from "node:stream"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { PartialFiles } from "@piecework/cache/PartialFile"
import { PieceCache } from "@piecework/cache/PieceCache"
import { Agent } from "@piecework/client/Agent"
import { AgentLink } from "@piecework/client/AgentLink"
import type { AgentNotFound } from "@piecework/client/AgentError"
import type { ContentId } from "@piecework/domain/Content"
import { noBytes } from "@piecework/domain/SourceKind"
import { Fallback, NoSourceError } from "@piecework/download/DownloadError"
import { Downloader, type OpenContent, type OpenRequest } from "@piecework/download/Downloader"
import { Months } from "@piecework/download/Months"
import type { DownloadResult, Progress } from "@piecework/download/Progress"
import { Records } from "@piecework/download/Records"
import { JobFiles, JobNetwork, Jobs, JobsConfig, JobStore, MemoryRunner } from "@piecework/jobs"
import { JobRunner } from "@piecework/jobs/JobRunner"
import { Effect, FiberSet, Layer, type Scope, Stream } from "effect"
import * as AgentServer from "../../src/rpc/AgentServer.ts"
import * as Programs from "../support/programs.ts"

export const url = "http://host/image.iso"

export interface Setup {
  readonly memory: MemoryRunner.MemoryRunner
  readonly files: Map<string, string>
  /** Contents that can be opened, by URL. */
  readonly contents: Map<string, Partial<OpenContent>>
  /** Open now. */
  readonly open: Set<string>
  readonly asked: Array<OpenRequest>
}

export const progress: Progress = {
  phase: "Fetching",
  mode: "Lan",
  why: undefined,
  fileBytes: 1000,
  requestedBytes: 1000,
  heldBytes: 400,
  received: { ...noBytes, Origin: 100, Lan: 300 },
  sent: 0,
  peers: 2,
  connections: { LinkLocal: 0, Lan: 2, Group: 0, Internet: 0 },
  banned: []
}

const outcome = (of: string, path: string, bytes: number): DownloadResult => ({
  url: of as DownloadResult["url"],
  path,
  contentId: `DO-${"A".repeat(43)}` as ContentId,
  hashOfHashes: "A".repeat(43),
  fileBytes: bytes,
  requestedBytes: bytes,
  mode: "Lan",
  why: new Fallback({ reason: "Requested" }),
  bytes: { ...noBytes, Origin: bytes },
  received: { ...noBytes, Origin: bytes },
  waste: { bad: 0, duplicate: 0, cancelled: 0 },
  sent: 0,
  banned: [],
  peers: 0,
  durationMillis: 12.5
})

/** The runner in memory, which also tells where bytes come from. */
const telling = (runner: JobRunner["Service"]): JobRunner["Service"] => ({
  ...runner,
  start: (task) =>
    Effect.map(runner.start(task), (run) => ({
      look: run.look,
      progress: () => ({ ...progress, heldBytes: run.look().bytesTransferred }),
      result: Effect.map(run.result, (end) =>
        end._tag === "Complete" ? { ...end, outcome: outcome(task.spec.uri, task.draft, end.bytes) } : end
      )
    }))
})

export const setup = (): Setup => ({
  memory: MemoryRunner.make(),
  files: new Map(),
  contents: new Map(),
  open: new Set(),
  asked: []
})

const services = ({ asked, contents, files, memory, open }: Setup) => {
  const runner = Layer.effect(JobRunner, Effect.map(JobRunner, telling)).pipe(
    Layer.provide(MemoryRunner.layer(memory, { write: (path, id) => Effect.sync(() => void files.set(path, id)) }))
  )
  const jobs = Jobs.Jobs.layer.pipe(
    Layer.provide([
      runner,
      JobFiles.JobFiles.layerMemory(files),
      JobNetwork.JobNetwork.layerOf(() => JobNetwork.JobNetwork.connected),
      JobStore.JobStore.layerMemory(),
      JobsConfig.layer({ mostJobs: 100 })
    ])
  )
  const downloader = Layer.succeed(Downloader, {
    start: () => Effect.die("the runner in memory downloads"),
    open: (request) =>
      Effect.suspend(() => {
        asked.push(request)
        const content = contents.get(request.url)
        if (content === undefined) {
          return Effect.fail(new NoSourceError({ url: request.url, reason: "NotFound", status: 404 }))
        }
        return Effect.acquireRelease(
          Effect.sync((): OpenContent => {
            open.add(request.url)
            const rest = { size: undefined, contentId: undefined, facts: undefined, progress: () => progress }
            return { ...rest, read: () => Stream.empty, ...content }
          }),
          () => Effect.sync(() => open.delete(request.url))
        )
      })
  })
  return Layer.mergeAll(jobs, downloader, kept)
}

/** Nothing is kept, nothing has been counted. */
const kept = Layer.mergeAll(PieceCache.layerMemory, Records.layerMemory, Months.layerMemory).pipe(
  Layer.provideMerge(PartialFiles.layerMemory)
)

const setting: Pick<AgentServer.AgentServerOptions, "facts" | "mode"> = {
  facts: Effect.succeed({ version: "1.2.3", pid: 7, stateFolder: "/state", since: 5, rest: 50_000 }),
  mode: Effect.succeed("Lan")
}

type Given = Agent | AgentLink

/** A program and its agent in one process, with streams between them. */
export const inMemory = (given: Setup): Layer.Layer<Given, AgentNotFound> => {
  const link = Layer.effect(
    AgentLink,
    Effect.gen(function* () {
      const attend = yield* AgentServer.attendant(setting)
      const run = yield* FiberSet.makeRuntime<never>()
      return {
        connect: Effect.acquireRelease(
          Effect.sync(() => {
            const [mine, theirs] = duplexPair()
            for (const end of [mine, theirs]) end.on("error", () => undefined)
            // Unlike a socket, one does not hear of the other's end.
            mine.once("close", () => theirs.destroy())
            theirs.once("close", () => mine.push(null))
            // As a socket does, it takes copies.
            const write = theirs.write.bind(theirs)
            Object.assign(theirs, {
              write: (chunk: string | Uint8Array, done?: () => void) => write(Buffer.from(chunk as string), done)
            })
            run(attend(theirs))
            return mine
          }),
          (mine) => Effect.sync(() => mine.destroy())
        )
      }
    })
  ).pipe(Layer.provide(Layer.orDie(services(given))))
  return Layer.provideMerge(Agent.layerLink, link)
}

/** The same over a socket. */
export const overSocket = (given: Setup): Layer.Layer<Given, AgentNotFound> => {
  const link = Layer.unwrap(Effect.map(listening(given), (path) => AgentLink.layer([path])))
  return Layer.provideMerge(Agent.layerLink, link)
}

/** Answers the path of the socket. */
export const listening = (given: Setup) =>
  Effect.gen(function* () {
    const path = join(yield* Programs.folder, "run", "agent.sock")
    const context = yield* Effect.orDie(Layer.build(Layer.fresh(services(given))))
    yield* Effect.provideContext(AgentServer.serve({ ...setting, path, users: "own" }), context).pipe(
      Effect.provide(NodeServices.layer),
      Effect.orDie
    )
    return path
  })

export type InScope = Scope.Scope
