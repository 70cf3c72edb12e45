/**
 * What a request to the REST interface asks for. Methods and parameters are known without regard to case, in the query or in a body of
 * JSON; what is not known is refused. Source: spec.md §3.4.
 */
import * as JobError from "@piecework/jobs/JobError"
import * as JobProperty from "@piecework/jobs/JobProperty"
import * as Ranges from "@piecework/jobs/Ranges"
import { Result } from "effect"

const verbs = {
  create: "POST",
  enumerate: "GET",
  start: "POST",
  pause: "POST",
  finalize: "POST",
  abort: "POST",
  getstatus: "GET",
  getproperty: "GET",
  setproperty: "POST"
} as const
export type Method = keyof typeof verbs

export interface RestRequest {
  readonly method: Method
  /** Empty when it is not given: no job has that id. */
  readonly id: string
  /** As the caller wrote it; the answer has it so. */
  readonly propertyKey: string | undefined
  /** The parts of the file that a job is started with; none are the whole. */
  readonly ranges: ReadonlyArray<Ranges.Range>
  /** In the order given; of two with one name the last. */
  readonly properties: ReadonlyMap<JobProperty.PropertyName, string>
}

/** Bytes of a body that are read; the parameters of all properties are far less. */
export const maxBody = 65_536

/** Most parameters of a request. */
const most = 64

/** `target` is what stands in the request line; `body` what came with it. The number of what is wrong is the failure. */
export const parse = (verb: string, target: string, body: string): Result.Result<RestRequest, number> => {
  const [path = "", ...rest] = target.split("?")
  const method = methodOf(verb, path)
  if (method === undefined) return Result.fail(JobError.code("Unsupported"))
  const given = Result.all([inBody(body), inQuery(rest.join("?"))])
  return Result.flatMap(given, (parts) => named(method, parts.flat()))
}

const methodOf = (verb: string, path: string): Method | undefined => {
  const parts = decoded(path)?.toLowerCase().split("/").filter(Boolean)
  if (parts?.length !== 2 || parts[0] !== "download") return undefined
  return methods.find((method) => method === parts[1] && verbs[method] === verb)
}

const methods = Object.keys(verbs).map((name) => name as Method)

type Given = ReadonlyArray<readonly [name: string, value: string]>
const invalid = Result.fail(JobError.code("InvalidArgument"))

const inQuery = (query: string): Result.Result<Given, number> => {
  const pairs = query.split("&").filter((pair) => pair !== "")
  if (pairs.length > most) return invalid
  const given: Array<readonly [string, string]> = []
  for (const pair of pairs) {
    const cut = pair.indexOf("=")
    const name = decoded(cut < 0 ? pair : pair.slice(0, cut))
    // Only now, since a URL may well have an & of its own. A plus is a plus.
    const value = cut < 0 ? "" : decoded(pair.slice(cut + 1))
    if (name === undefined || value === undefined) return invalid
    given.push([name, value])
  }
  return Result.succeed(given)
}

/** An object of texts, numbers and truths; older programs send one. Ranges may be a list. */
const inBody = (body: string): Result.Result<Given, number> => {
  if (body.trim() === "") return Result.succeed([])
  let value: unknown
  try {
    value = JSON.parse(body)
  } catch {
    return invalid
  }
  if (value === null) return Result.succeed([])
  if (typeof value !== "object" || Array.isArray(value)) return invalid
  const entries = Object.entries(value)
  if (entries.length > most) return invalid
  const given: Array<readonly [string, string]> = []
  for (const [name, one] of entries) {
    if (Array.isArray(one) && name.toLowerCase() === "ranges") {
      given.push([name, JSON.stringify(one)])
      continue
    }
    if (typeof one !== "string" && typeof one !== "number" && typeof one !== "boolean") return invalid
    given.push([name, String(one)])
  }
  return Result.succeed(given)
}

const named = (method: Method, given: Given): Result.Result<RestRequest, number> => {
  const properties = new Map<JobProperty.PropertyName, string>()
  let id = ""
  let propertyKey: string | undefined
  let ranges: ReadonlyArray<Ranges.Range> = []
  for (const [name, value] of given) {
    const property = JobProperty.named(name)
    if (property === "Id") id = value
    else if (property !== undefined) properties.set(property, value)
    else if (name.toLowerCase() === "propertykey") propertyKey = value
    else if (name.toLowerCase() === "ranges" && method === "start") {
      // Empty is as good as not given.
      const parsed = value === "" ? Result.succeed([]) : Ranges.parse(value)
      if (Result.isFailure(parsed)) return Result.fail(parsed.failure)
      ranges = parsed.success
    } else return invalid
  }
  return Result.succeed({ method, id, propertyKey, properties, ranges })
}

/** `undefined` for what was not encoded rightly. */
const decoded = (text: string): string | undefined => {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}
