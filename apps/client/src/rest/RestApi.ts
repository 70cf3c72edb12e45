/** The methods of the REST interface, as calls on the jobs. Source: spec.md §3.4. */
import * as JobError from "@piecework/jobs/JobError"
import * as JobProperty from "@piecework/jobs/JobProperty"
import { type Filter, Jobs } from "@piecework/jobs/Jobs"
import { Effect } from "effect"
import * as RestAnswer from "./RestAnswer.ts"
import type { RestRequest } from "./RestRequest.ts"

/** Never fails: what goes wrong is an answer as well. */
export const answer = (request: RestRequest): Effect.Effect<RestAnswer.RestAnswer, never, Jobs> =>
  Effect.match(carryOut(request), {
    onSuccess: RestAnswer.success,
    onFailure: ({ code }) => RestAnswer.failure(code)
  })

const nothing = {}

const carryOut = Effect.fn("RestApi.carryOut")(function* (
  request: RestRequest
): Effect.fn.Return<Readonly<Record<string, string | ReadonlyArray<string>>>, JobError.JobError, Jobs> {
  const jobs = yield* Jobs
  const { id, method, properties, propertyKey } = request
  switch (method) {
    case "create": {
      // Empty is as good as not given.
      const given = [...properties].filter(([, value]) => value !== "")
      return { Id: yield* jobs.create(given) }
    }
    case "enumerate":
      return { Ids: yield* jobs.enumerate(filterOf(request)) }
    case "start":
      return yield* Effect.as(jobs.start(id, request.ranges), nothing)
    case "pause":
    case "finalize":
    case "abort":
      return yield* Effect.as(jobs[method](id), nothing)
    case "getstatus": {
      const status = yield* jobs.status(id)
      return {
        Status: status.state,
        BytesTotal: String(status.bytesTotal),
        BytesTransferred: String(status.bytesTransferred),
        ErrorCode: String(JobError.signed(status.error)),
        ExtendedErrorCode: String(JobError.signed(status.extended))
      }
    }
    case "getproperty": {
      if (propertyKey === undefined || propertyKey === "") return yield* JobError.JobError.of("InvalidArgument")
      const name = JobProperty.named(propertyKey)
      if (name === undefined) return yield* JobError.JobError.of("UnknownProperty")
      return { [propertyKey]: yield* jobs.getProperty(id, name) }
    }
    case "setproperty": {
      if (propertyKey !== undefined) return yield* JobError.JobError.of("UnknownProperty")
      if (properties.size === 0) yield* jobs.status(id)
      for (const [name, value] of properties) yield* jobs.setProperty(id, name, value)
      return nothing
    }
  }
})

/** By what the jobs are told apart. Source: spec.md §3.3, enumerate. */
const filterOf = ({ id, properties }: RestRequest): Filter => ({
  id: id === "" ? undefined : id,
  uri: properties.get("Uri"),
  contentId: properties.get("ContentId"),
  displayName: properties.get("DisplayName"),
  localPath: properties.get("LocalPath")
})
