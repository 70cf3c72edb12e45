/** Writing what a client reads when it starts. */
import { dirname } from "node:path"
import { Effect, FileSystem } from "effect"
import { ProgramError } from "../Meter.ts"

/** Writes a file and the folders above it. */
export const write = Effect.fnUntraced(
  function* (path: string, content: string | Uint8Array) {
    const fs = yield* FileSystem.FileSystem
    yield* fs.makeDirectory(dirname(path), { recursive: true })
    yield* fs.writeFile(path, typeof content === "string" ? new TextEncoder().encode(content) : content)
  },
  (effect, path) =>
    Effect.mapError(
      effect,
      (cause) => new ProgramError({ name: path, reason: "NotStarted", detail: cause.message, cause })
    )
)
