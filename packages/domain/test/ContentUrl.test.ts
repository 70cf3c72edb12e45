import { assert, describe, it } from "@effect/vitest"
import { ContentUrl } from "@piecework/domain"
import { Result } from "effect"

const url = (text: string) => Result.getOrThrow(ContentUrl.parse(text))
const reason = (text: string) => Result.getOrThrow(Result.flip(ContentUrl.parse(text))).reason

describe("ContentUrl", () => {
  it("gives two texts for one URL the same name", () => {
    assert.strictEqual(url("HTTP://Example.com:80/a b"), url("http://example.com/a%20b"))
    assert.strictEqual(url("http://example.com/a#part"), url("http://example.com/a"))
  })

  it("says why a text is no content URL", () => {
    assert.strictEqual(reason("nonsense"), "NotAUrl")
    assert.strictEqual(reason("ftp://example.com/a"), "NotHttp")
    assert.strictEqual(reason("file:///etc/passwd"), "NotHttp")
    assert.strictEqual(reason("http://user:secret@example.com/a"), "HasCredentials")
    assert.strictEqual(reason(`http://example.com/${"a".repeat(5000)}`), "TooLong")
  })

  it("does not repeat the secret of a URL that has one", () => {
    const error = Result.getOrThrow(Result.flip(ContentUrl.parse("http://user:secret@example.com/a")))
    assert.notInclude(error.message, "secret")
  })

  it("takes a file name from the path only when it is safe to write", () => {
    assert.strictEqual(ContentUrl.fileName(url("http://h/dir/image%20one.iso?x=1")), "image one.iso")
    for (const text of ["http://h/", "http://h/a%2f..%2fb", "http://h/%00", "http://h/a%5cb", "http://h/%ff"]) {
      assert.isUndefined(ContentUrl.fileName(url(text)), text)
    }
  })
})
