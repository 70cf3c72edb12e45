/** What the REST interface answers, to the byte: JSON whose values are texts, or one number for what is wrong. Source: spec.md §3.4. */
import * as JobError from "@piecework/jobs/JobError"

export interface RestAnswer {
  /** The HTTP status. */
  readonly status: number
  readonly body: string
}

export const success = (values: Readonly<Record<string, string | ReadonlyArray<string>>>): RestAnswer => ({
  status: 200,
  // That agent's library writes no slash as it is. It means the same, and there is none outside of the texts.
  body: `${JSON.stringify(values).replaceAll("/", String.raw`\/`)}\n`
})

export const failure = (number: number): RestAnswer => ({
  status: statuses.get(JobError.unsigned(number)) ?? 400,
  body: `{ "ErrorCode": ${JobError.signed(number)} }`
})

/** What stands behind the status. Source: do-client, client-lite/src/ipc/rest_http_listener_conn.cpp. */
export const phrase = (status: number): string => phrases.get(status) ?? "StatusDescription"

const phrases: ReadonlyMap<number, string> = new Map([
  [200, "OK"],
  [400, "BadRequest"],
  [404, "NotFound"],
  [500, "InternalError"],
  [503, "ServiceUnavailable"]
])

const statuses: ReadonlyMap<number, number> = new Map([
  [JobError.code("NotFound"), 404],
  [JobError.code("OutOfMemory"), 503],
  [JobError.code("Unhandled"), 500]
])
