import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import * as Target from "../src/Target.ts"

const target = (text: string) => Result.getOrThrow(Target.parse(text))
const reason = (text: string) => Result.match(Target.parse(text), { onFailure: (e) => e.reason, onSuccess: () => "" })

describe("What a request asks for", () => {
  it("is a whole URL, whose path stays as it was written", () => {
    assert.deepStrictEqual(target("http://Host.example:8080/a/../b%2f?x=[1]|2"), {
      protocol: "http:",
      host: "host.example",
      port: 8080,
      authority: "host.example:8080",
      path: "/a/../b%2f?x=[1]|2",
      form: "Forward"
    })
    assert.deepInclude(target("https://host"), { protocol: "https:", port: 443, path: "/" })
    assert.deepInclude(target("HTTP://[::1]?q"), { host: "::1", authority: "[::1]", path: "/?q" })
  })
  it("is a URL behind the proxy's own address in the reverse form, also with one slash or with colons as in paths", () => {
    for (const text of ["/https://host:8443/a?b", "/https:/host:8443/a?b", "/https%3A/host%3a8443/a?b"]) {
      assert.deepInclude(target(text), { authority: "host:8443", port: 8443, path: "/a?b", form: "Reverse" })
    }
    assert.deepInclude(target("/http://host/"), { protocol: "http:", form: "Reverse" })
  })
  it("is refused when it is none", () => {
    assert.strictEqual(reason("/"), "NoUrl")
    assert.strictEqual(reason("/path"), "NoUrl")
    assert.strictEqual(reason("*"), "NoUrl")
    assert.strictEqual(reason("ftp://host/"), "NotHttp")
    assert.strictEqual(reason("/ftp://host/"), "NoUrl")
    assert.strictEqual(reason("http://user:word@host/"), "HasCredentials")
    assert.strictEqual(reason("http://"), "NotAUrl")
    assert.strictEqual(reason("http://host:99999/"), "NotAUrl")
    assert.strictEqual(reason("http://a b/"), "NotAUrl")
    assert.strictEqual(reason("http:///path"), "NotAUrl")
  })
})

describe("The other end of a tunnel", () => {
  it("is a host and a port", () => {
    assert.deepStrictEqual(Target.parseAuthority("Host:443"), Result.succeed({ host: "host", port: 443 }))
    assert.deepStrictEqual(Target.parseAuthority("[fe80::1]:443"), Result.succeed({ host: "fe80::1", port: 443 }))
    // What systems take for an address is one.
    assert.deepStrictEqual(Target.parseAuthority("0x7f.1:443"), Result.succeed({ host: "127.0.0.1", port: 443 }))
    for (const text of ["", "host", "host:", "host:0", "host:65536", "a@b:443", "host/x:443", ":443", "::1:443"]) {
      assert.isTrue(Result.isFailure(Target.parseAuthority(text)), text)
    }
  })
})
