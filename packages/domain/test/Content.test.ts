import { assert, describe, it } from "@effect/vitest"
import { Content, Digest } from "@piecework/domain"
import { Option, Schema } from "effect"

const digest = Schema.decodeUnknownSync(Digest.Digest)(new Uint8Array(32).map((_, i) => i * 7))

describe("ContentId", () => {
  it("is DO- and the base64url of the hash of hashes, and leads back to it", () => {
    const id = Content.idOf(digest)
    assert.match(id, /^DO-[A-Za-z0-9_-]{43}$/)
    assert.deepStrictEqual([...Option.getOrThrow(Content.hashOfHashes(id))], [...digest])
  })

  it("takes no other text, least of all a path", () => {
    for (const text of [
      "",
      "DO-",
      "../../etc/passwd",
      `DO-${"a".repeat(42)}/`,
      `do-${"a".repeat(43)}`,
      Content.idOf(digest) + "a"
    ]) {
      assert.isTrue(Option.isNone(Content.parse(text)), text)
    }
  })

  it("has no second text for the same digest", () => {
    const id = Content.idOf(digest)
    const last = id.at(-1) === "A" ? "B" : "A"
    const other = Content.parse(id.slice(0, -1) + last)
    const decoded = Option.flatMap(other, Content.hashOfHashes)
    assert.isTrue(Option.isNone(decoded) || !Digest.equals(Option.getOrThrow(decoded), digest))
  })
})
