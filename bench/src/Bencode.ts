/**
 * Bencode, the encoding of BitTorrent: integers, byte strings, lists, and dictionaries whose keys are sorted by their
 * bytes. Source: BEP 3.
 */
export type Bencoded = number | string | Uint8Array | ReadonlyArray<Bencoded> | { readonly [key: string]: Bencoded }

/** Numbers are whole; texts are written as UTF-8. */
export const encode = (value: Bencoded): Uint8Array => Buffer.concat([...parts(value)])

function* parts(value: Bencoded): Generator<Uint8Array> {
  if (typeof value === "number") yield Buffer.from(`i${value}e`)
  else if (typeof value === "string") yield* bytes(Buffer.from(value))
  else if (value instanceof Uint8Array) yield* bytes(value)
  else if (isList(value)) {
    yield Buffer.from("l")
    for (const item of value) yield* parts(item)
    yield Buffer.from("e")
  } else {
    yield Buffer.from("d")
    const entries = Object.entries(value).map(([key, item]) => [Buffer.from(key), item] as const)
    for (const [key, item] of entries.toSorted(([a], [b]) => Buffer.compare(a, b))) {
      yield* bytes(key)
      yield* parts(item)
    }
    yield Buffer.from("e")
  }
}

function* bytes(value: Uint8Array): Generator<Uint8Array> {
  yield Buffer.from(`${value.length}:`)
  yield value
}

const isList = (value: Bencoded): value is ReadonlyArray<Bencoded> => Array.isArray(value)
