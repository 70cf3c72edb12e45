/**
 * The record of a file, as bytes: 64 hex digits of the SHA-256 of the rest, a line feed, and JSON. Half a record, one that rotted and one
 * that somebody made up beyond our bounds are none.
 */
import * as ContentUrl from "@piecework/domain/ContentUrl"
import { Option, Schema } from "effect"
import { hash } from "node:crypto"
import type { ObjectFacts } from "../ObjectFacts.ts"
import { problemOf } from "./limits.ts"

/** JSON writes some characters as six. */
export const maxBytes = 256 * 1024

const Facts = Schema.Struct({
  url: ContentUrl.ContentUrl,
  size: Schema.Natural,
  headers: Schema.Array(Schema.Tuple([Schema.String, Schema.String])),
  confirmedAt: Schema.Finite,
  freshUntil: Schema.Finite
})

const decodeFacts = Schema.decodeUnknownOption(Schema.fromJsonString(Facts))

const digestOf = (json: Uint8Array): string => hash("sha256", json, "hex")

export const encode = ({ confirmedAt, freshUntil, headers, size, url }: ObjectFacts): Uint8Array => {
  const json = new TextEncoder().encode(
    JSON.stringify({ url, size, headers: [...headers], confirmedAt, freshUntil } satisfies typeof Facts.Encoded)
  )
  return Buffer.concat([Buffer.from(`${digestOf(json)}\n`), json])
}

export const decode = (bytes: Uint8Array): Option.Option<ObjectFacts> => {
  const json = bytes.subarray(65)
  if (bytes.length > maxBytes || Buffer.from(bytes.subarray(0, 65)).toString("latin1") !== `${digestOf(json)}\n`) {
    return Option.none()
  }
  return decodeFacts(new TextDecoder().decode(json)).pipe(
    Option.map((facts): ObjectFacts => ({ ...facts, headers: new Map(facts.headers) })),
    Option.filter((facts) => problemOf(facts) === undefined)
  )
}
