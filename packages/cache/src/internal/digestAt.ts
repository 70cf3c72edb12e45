/** The hash of what lies in a file of the cache. */
import type { Digest } from "@piecework/domain/Digest"
import type { HasherError, PieceHasher } from "@piecework/hashing/PieceHasher"
import { Effect, Option } from "effect"
import type { DiskFile } from "./DiskFile.ts"
import type { IoFailure } from "./io.ts"

/** `None` when that much is not there, or when the disk cannot read it: then it is lost, and can be fetched again. */
export const digestAt = (
  hasher: PieceHasher["Service"],
  file: DiskFile,
  position: number,
  length: number
): Effect.Effect<Option.Option<Digest>, IoFailure | HasherError> =>
  file
    .use((fd) => hasher.digestAt({ fd, position, length }))
    .pipe(
      Effect.catchTag("HasherError", (failure) =>
        failure.reason === "ReadFailed"
          ? Effect.as(
              Effect.logWarning("a piece in the cache cannot be read", {
                path: file.path,
                position,
                code: failure.code
              }),
              Option.none()
            )
          : Effect.fail(failure)
      )
    )
