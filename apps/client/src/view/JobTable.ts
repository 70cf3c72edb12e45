/** The jobs of an agent as a table, and one of them in lines. */
import type { JobView } from "@piecework/client/JobView"
import { SourceKind } from "@piecework/domain/SourceKind"
import * as Amount from "./Amount.ts"
import { names } from "./ProgressLine.ts"
import * as Table from "./Table.ts"

export const render = (jobs: ReadonlyArray<JobView>): string =>
  jobs.length === 0
    ? "The agent has no jobs."
    : Table.render(
        ["job", "state", "size", "done", "file"],
        jobs.map((job) => [job.id, state(job), size(job), done(job), job.displayName ?? job.path ?? job.url ?? "–"]),
        new Set(["size", "done"])
      )

export const one = (job: JobView): string => {
  const { transfer } = job
  const rows: ReadonlyArray<readonly [string, string | undefined]> = [
    ["job", job.id],
    ["name", job.displayName],
    ["state", state(job)],
    ["url", job.url],
    ["file", job.path],
    ["size", size(job)],
    ["done", `${Amount.bytes(job.bytesTransferred)} (${done(job)})`],
    ["rate", job.rate === undefined ? undefined : Amount.rate(job.rate)],
    ["trouble", job.sentence],
    ["why", job.sentence === undefined ? undefined : `piecework explain ${job.id.slice(0, 8)}`],
    ["content", transfer?.contentId],
    ["peers", transfer === undefined ? undefined : String(transfer.peers)],
    ...SourceKind.literals
      .filter((kind) => (transfer?.received[kind] ?? 0) > 0)
      .map((kind) => [`from ${names[kind]}`, Amount.bytes(transfer?.received[kind] ?? 0)] as const)
  ]
  return rows.flatMap(([name, value]) => (value === undefined ? [] : [`${name.padEnd(18)}${value}`])).join("\n")
}

/** A line for those who watch. */
export const line = (job: JobView): string =>
  [
    state(job),
    `${Amount.bytes(job.bytesTransferred)} of ${size(job)}`,
    ...(job.rate === undefined || job.state !== "Transferring" ? [] : [Amount.rate(job.rate)]),
    ...(job.sentence === undefined ? [] : [job.sentence])
  ].join("  ")

const state = ({ error, extended, state: now }: JobView): string =>
  now === "Paused" && error === 0 && extended !== 0 ? "waiting" : now.toLowerCase()

const size = ({ bytesTotal }: JobView): string => (bytesTotal === 0 ? "–" : Amount.bytes(bytesTotal))

const done = ({ bytesTotal, bytesTransferred }: JobView): string =>
  bytesTotal === 0 ? "–" : Amount.percent(bytesTransferred, bytesTotal)
