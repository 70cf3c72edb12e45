/** The ways in which the agent of this device does not do what was asked. */
import { Schema } from "effect"

/** Nobody answers at the socket. */
export class AgentNotFound extends Schema.TaggedError<AgentNotFound>()("AgentNotFound", {
  /** Where it was looked for, and what the system said there (`ENOENT`, …). */
  looked: Schema.Array(Schema.Struct({ path: Schema.String, why: Schema.String }))
}) {
  override get message(): string {
    const places = this.looked.map(({ path, why }) => `${path}: ${words[why] ?? why}`).join(", ")
    const long = this.looked.find(({ why }) => why === "ENAMETOOLONG")
    if (long !== undefined) {
      return `The path of a socket has at most 107 bytes, and ${long.path} is longer; name another in PIECEWORK_SOCKET.`
    }
    return this.looked.some(({ why }) => why === "EACCES" || why === "EPERM")
      ? `This user may not ask the agent (${places}); start it with --rest-users all, or as this user.`
      : `No agent answers on this device (${places}); start one with "piecework agent", or name its socket in PIECEWORK_SOCKET.`
  }
}

/** What the system says of a socket that nobody answers at. */
const words: { readonly [code: string]: string | undefined } = {
  ENOENT: "nothing is there",
  ENOTDIR: "nothing is there",
  ECONNREFUSED: "nobody listens there",
  ENOTSOCK: "that is no socket",
  EACCES: "not allowed",
  EPERM: "not allowed"
}

/** The connection to the agent broke: it ended, or is no agent of this version. */
export class AgentLost extends Schema.TaggedError<AgentLost>()("AgentLost", {
  cause: Schema.Defect()
}) {
  override get message(): string {
    return "The connection to the agent broke: it was stopped, or it is another version than this client."
  }
}

/** The agent refuses a call, or a job ends without its file. */
export class JobError extends Schema.TaggedError<JobError>()("JobError", {
  /** 32 bits, unsigned, by which programs know what went wrong; docs/jobs.md has them. */
  code: Schema.Natural.check(Schema.isLessThanOrEqualTo(0xffff_ffff)),
  /** The same for people. */
  sentence: Schema.String.check(Schema.isMaxLength(8192))
}) {
  override get message(): string {
    return this.sentence
  }
}

/** What was asked for makes no sense; known before the agent is asked. */
export class OptionsError extends Schema.TaggedError<OptionsError>()("OptionsError", {
  detail: Schema.String
}) {
  override get message(): string {
    return this.detail
  }
}
