import { assert, describe, it } from "@effect/vitest"
import { HttpError } from "@piecework/sources/HttpClient"
import { fromHttp } from "@piecework/sources/Origin"
import { SourceError, SourceId } from "@piecework/sources/PieceSource"
import { TransportError } from "@piecework/transport/ByteStream"
import { NoSourceError } from "../src/DownloadError.ts"

const url = "http://origin.test/file"
const source = SourceId.make("origin:http://origin.test")
const address = "origin.test:80"

const sentence = (error: SourceError) => NoSourceError.from(url, error).message

const failed = (reason: TransportError["reason"], code?: string) => {
  const cause = code === undefined ? {} : { cause: Object.assign(new Error(code), { code }) }
  const below = new TransportError({ operation: "dial", address, reason, ...cause })
  const http = reason === "TlsFailed" ? "TlsFailed" : "Unreachable"
  return fromHttp(source, new HttpError({ url, reason: http, cause: below }))
}

describe("why no source delivers", () => {
  for (const [what, error, expected] of [
    ["a connection that is refused", failed("Refused", "ECONNREFUSED"), /connection refused/],
    ["a connection that is refused in a test", failed("Refused"), /connection refused/],
    ["a name that nobody knows", failed("Unresolved", "ENOTFOUND"), /name of the server could not be resolved/],
    ["a plain server at an https URL", failed("TlsFailed", "ERR_SSL_WRONG_VERSION_NUMBER"), /really https\?/],
    ["a certificate that is too old", failed("TlsFailed", "CERT_HAS_EXPIRED"), /prove who it is \(CERT_HAS_EXPIRED\)/],
    ["a server that fails", new SourceError({ source, reason: "ServerFailed", status: 500, url }), /HTTP 500/],
    ["redirects without an end", new SourceError({ source, reason: "TooManyRedirects", url }), /again and again\.$/]
  ] as const) {
    it(`is told for ${what}, with the URL and the full stop once`, () => {
      const text = sentence(error)
      assert.match(text, expected)
      assert.lengthOf(text.split(url), 2, text)
      assert.match(text, /[^.]\.$/)
    })
  }

  it("is told of a cache server as of one, and of the settings only where these forbid the origin", () => {
    const of = (reason: SourceError["reason"], status: number) =>
      new SourceError({ source: SourceId.make("cache:http://cache:80"), reason, status, url })
    assert.strictEqual(
      sentence(of("Forbidden", 403)),
      `No source delivers ${url}: of its cache server, the server does not allow this download (HTTP 403).`
    )
    for (const [error, expected] of [
      [of("NotFound", 404), /^The cache server refuses .*HTTP 404.*-1/],
      [of("Refused", 429), /^The cache server does not deliver .*-1\).*HTTP 429/],
      [of("ContentChanged", 200), /^The file at the cache server is another one .*-1/]
    ] as const) {
      const text = NoSourceError.from(url, error, true).message
      assert.match(text, expected)
      assert.lengthOf(text.split(url), 2, text)
    }
    assert.match(NoSourceError.from(url, new SourceError({ source, reason: "NotFound" }), true).message, /^The origin/)
  })

  it("is told as a missing login, not as a prohibition", () => {
    assert.match(sentence(new SourceError({ source, reason: "Forbidden", status: 401, url })), /wants a login/)
    assert.match(
      sentence(new SourceError({ source, reason: "ProxyLogin", status: 407, url })),
      /the proxy wants a login/
    )
  })
})
