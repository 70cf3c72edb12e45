/** One download by the REST interface of an agent, as a program does it: create, start, ask until it is there, finalize. */
import { Agent, request } from "node:http"
import { Clock, Effect, Schema } from "effect"
import { ProgramError } from "../Meter.ts"

const Created = Schema.Struct({ Id: Schema.String })
const Status = Schema.Struct({ Status: Schema.String, ErrorCode: Schema.String, ExtendedErrorCode: Schema.String })

/** Longest answer that is read, in bytes. */
const longest = 65_536

/** Milliseconds between two looks: the download is asked for more rarely the longer it takes, so that asking takes nothing from it. */
const pause = (elapsed: number): number => Math.min(50, Math.max(1, elapsed / 50))

const failed = (detail: string, cause?: unknown) =>
  new ProgramError({ name: "the agent", reason: "Failed", detail, ...(cause === undefined ? {} : { cause }) })

/** A caller with one connection, which is kept. */
export const connect = Effect.fn("Rest.connect")(function* (port: number) {
  const agent = yield* Effect.acquireRelease(
    Effect.sync(() => new Agent({ keepAlive: true, maxSockets: 1 })),
    (kept) => Effect.sync(() => kept.destroy())
  )
  const ask = (method: "GET" | "POST", call: string, parameters: Readonly<Record<string, string>>) =>
    Effect.callback<string, ProgramError>((resume) => {
      const path = `/download/${call}?${new URLSearchParams(parameters).toString()}`
      const asked = request({ agent, host: "127.0.0.1", port, method, path, timeout: 60_000 }, (response) => {
        let text = ""
        response.setEncoding("utf8").on("data", (part: string) => {
          text += part
          if (text.length > longest) asked.destroy(new Error("the answer is too long"))
        })
        response.on("end", () =>
          resume(response.statusCode === 200 ? Effect.succeed(text) : Effect.fail(failed(`${call}: ${text.trim()}`)))
        )
        response.on("error", (error) => resume(Effect.fail(failed(error.message, error))))
      })
      asked.on("timeout", () => asked.destroy(new Error("no answer in a minute")))
      asked.on("error", (error) => resume(Effect.fail(failed(`${call}: ${error.message}`, error))))
      asked.end()
    })

  /** Answers when the file is at its place and the job is gone. */
  return Effect.fn("Rest.download")(function* (url: string, path: string) {
    const began = yield* Clock.currentTimeMillis
    // Somebody waits for it, as for those beside it: a background job would give way to them.
    const wanted = { Uri: url, DownloadFilePath: path, ForegroundPriority: "true" }
    const { Id } = yield* read(Created, yield* ask("POST", "create", wanted))
    yield* ask("POST", "start", { Id })
    while (true) {
      const now = yield* read(Status, yield* ask("GET", "getstatus", { Id }))
      if (now.Status === "Transferred") return yield* Effect.asVoid(ask("POST", "finalize", { Id }))
      if (now.Status === "Paused") return yield* failed(`the job is paused: ${JSON.stringify(now)}`)
      yield* Effect.sleep(pause((yield* Clock.currentTimeMillis) - began))
    }
  })
})

const read = <A>(schema: Schema.Decoder<A>, text: string) =>
  Effect.mapError(Schema.decodeUnknownEffect(Schema.fromJsonString(schema))(text), (cause) =>
    failed(`it answers ${text.slice(0, 200)}`, cause)
  )
