/**
 * Verified bytes to a client, at its speed: the next chunk is pulled once the system took the last, whose memory is the reader's
 * again then. A client that goes away ends it.
 */
import type { ServerResponse } from "node:http"
import { Effect, Schema, Stream } from "effect"
import type { Part } from "./ByteRange.ts"
import type { ContentError, Opened } from "./Contents.ts"

/** The client is gone. */
export class ClientGone extends Schema.TaggedError<ClientGone>()("ClientGone", {}) {
  override get message(): string {
    return "The client has closed its connection."
  }
}

/** Ends when the last byte was handed to the system. */
export const send = (
  response: ServerResponse,
  content: Opened,
  part: Part
): Effect.Effect<void, ContentError | ClientGone> =>
  Stream.runForEach(content.read(part), (chunk) => write(response, chunk))

const write = (response: ServerResponse, chunk: Uint8Array): Effect.Effect<void, ClientGone> =>
  Effect.callback((resume) => {
    response.write(chunk, (error) => {
      resume(error === null || error === undefined ? Effect.void : Effect.fail(new ClientGone()))
    })
  })
