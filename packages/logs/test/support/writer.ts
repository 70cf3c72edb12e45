/** A program that writes many entries: `node writer.ts FOLDER NAME COUNT`, for ever where COUNT is 0. */
import { LogConfig, Logs } from "@piecework/logs"
import { ByteSize, Effect } from "effect"

const [folder = "", name = "", count = "0"] = process.argv.slice(2)
const most = count === "0" ? Number.POSITIVE_INFINITY : Number(count)
const config = { ...LogConfig.defaults, fileSize: ByteSize.kibibytes(64), files: 1_000 }

const work = Effect.gen(function* () {
  for (let n = 0; n < most; n++) {
    yield* n % 50 === 49
      ? Effect.logError("an error does not wait", { n, filler: "x".repeat(n % 300) })
      : Effect.logInfo("an entry", { n, filler: "ä".repeat(n % 100) })
    if (n % 100 === 0) yield* Effect.sleep(1)
    if (n === 200) yield* Effect.sync(() => process.stdout.write("begun\n"))
  }
})

await Effect.runPromise(work.pipe(Logs.kept({ program: name, folder, format: "json", config, minimum: "None" })))
