/** What the REST interface answers, to the byte: JSON whose values are texts, or one number for what is wrong. Source: spec.md §3.4. */
import * as JobError from "@piecework/jobs/JobError"

export interface RestAnswer {
  /** The HTTP status. */
  readonly status: number
  readonly body: string
}

export const success = (values: Readonly<Record<string, string | ReadonlyArray<string>>>): RestAnswer => ({
  status: 200,
  body: `${JSON.stringify(values)}\n`
})

export const failure = (number: number): RestAnswer => ({
  status: statuses.get(JobError.unsigned(number)) ?? 400,
  body: `{ "ErrorCode": ${JobError.signed(number)} }`
})

const statuses: ReadonlyMap<number, number> = new Map([
  [JobError.code("NotFound"), 404],
  [JobError.code("OutOfMemory"), 503],
  [JobError.code("Unhandled"), 500]
])
