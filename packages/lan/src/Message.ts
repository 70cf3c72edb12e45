/** Multicast DNS messages, as far as service discovery needs them. Source: RFC 6762, RFC 6763. */

export interface Question {
  readonly name: string
  /** "PTR", "SRV", "TXT", "A", "AAAA", "ANY", or another that nobody here asks for. */
  readonly type: string
}

/** `ttl` in seconds; 0 takes the record back. */
export type Record = { readonly name: string; readonly ttl: number } & (
  | { readonly type: "PTR"; readonly target: string }
  | { readonly type: "SRV"; readonly target: string; readonly port: number }
  | { readonly type: "TXT"; readonly strings: ReadonlyArray<string> }
  | { readonly type: "A" | "AAAA"; readonly address: string }
)

export type Message =
  | { readonly _tag: "Query"; readonly questions: ReadonlyArray<Question> }
  /** `answers` are what was asked for, `additionals` what will be asked for next. */
  | { readonly _tag: "Response"; readonly answers: ReadonlyArray<Record>; readonly additionals: ReadonlyArray<Record> }

/** Most questions or records of a message that are looked at: a message fits into one datagram of 9,000 bytes. */
export const mostEntries = 128

/** With the address of the hosts that its services are on, which is that of the machine that sends it. */
export const from = (message: Message, address: string): Message => {
  if (message._tag === "Query") return message
  const hosts = message.additionals.flatMap((record) =>
    record.type === "SRV" ? [{ type: "A" as const, name: record.target, ttl: record.ttl, address }] : []
  )
  return { ...message, additionals: [...message.additionals, ...hosts] }
}

/** The names that somebody asks for, in small letters, by questions that are answered here. */
export const namesIn = (questions: ReadonlyArray<Question>): ReadonlySet<string> =>
  new Set(
    questions
      .slice(0, mostEntries)
      .filter(({ type }) => type === "PTR" || type === "ANY" || type === "SRV" || type === "TXT")
      .map(({ name }) => name.toLowerCase())
  )
