/** What the shell is told of a job that ended without its file: as of a download without the agent. */
import * as JobError from "@piecework/jobs/JobError"
import { exitCodes } from "../ExitCode.ts"

export const ofJob = (number: number): number => {
  const known = codes.get(number)
  if (known !== undefined) return known
  const facility = (number & 0xffff_0000) >>> 0
  // An HTTP status, and what a system says of a file.
  if (facility === 0x8019_0000) return ofStatus(number & 0xffff)
  return facility === 0xc0d0_0000 ? exitCodes.destination : exitCodes.unreachable
}

const ofStatus = (status: number): number => {
  if (status === 404 || status === 410) return exitCodes.notFound
  return status >= 400 && status < 500 ? exitCodes.refused : exitCodes.unreachable
}

const codes: ReadonlyMap<number, number> = new Map([
  [JobError.code("NoProgress"), exitCodes.noProgress],
  [JobError.code("BadPieceData"), exitCodes.contentChanged],
  [JobError.code("IntegrityInfoMissing"), exitCodes.contentChanged],
  [JobError.code("IntegrityInfoUnavailable"), exitCodes.contentChanged],
  [JobError.code("FileNotAvailable"), exitCodes.halted],
  [JobError.code("InvalidUrl"), exitCodes.badUrl],
  [JobError.code("InvalidArgument"), exitCodes.usage],
  [JobError.code("InvalidState"), exitCodes.usage],
  [JobError.code("InvalidRange"), exitCodes.usage],
  [JobError.code("OverlappingRanges"), exitCodes.usage],
  [JobError.code("NotImplemented"), exitCodes.usage],
  [JobError.code("NotFound"), exitCodes.notFound],
  [JobError.code("AccessDenied"), exitCodes.refused],
  [JobError.code("Forbidden"), exitCodes.refused],
  [JobError.code("JobNotFound"), exitCodes.interrupted],
  [JobError.system("ENOSPC"), exitCodes.diskFull],
  [JobError.system("EIO"), exitCodes.storage]
])
