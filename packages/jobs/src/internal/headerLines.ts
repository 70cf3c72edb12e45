/** Header lines that callers want sent: checked, since they go into a request as they are. */
import * as RequestHeaders from "@piecework/sources/RequestHeaders"
import { Result } from "effect"
import { code } from "../JobError.ts"

/** The lines, each ended by CR LF, or the number of what is wrong. No text takes the lines away. */
export const headerLines = (given: string): Result.Result<string, number> => {
  const invalid = Result.fail(code("InvalidArgument"))
  // Nobody looks through more than could be good.
  if (given.length > 2 * RequestHeaders.maxBytes) return invalid
  const lines = given.split(/\r?\n/).filter((line) => line !== "")
  if (Result.isFailure(RequestHeaders.parse(lines))) return invalid
  return Result.succeed(lines.map((line) => `${line}\r\n`).join(""))
}
