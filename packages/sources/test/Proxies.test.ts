import { assert, describe, it } from "@effect/vitest"
import * as Proxies from "../src/Proxies.ts"

/** How a URL is reached: "direct", the proxy as "host:port", or what is wrong. */
const way = (environment: Readonly<Record<string, string>>, url: string) => {
  const proxy = Proxies.fromEnvironment(environment)(new URL(url))
  if (proxy === undefined) return "direct"
  return "wrong" in proxy ? proxy.wrong : `${proxy.host}:${proxy.port}`
}

describe("The environment names the proxy", () => {
  for (const [environment, url, expected] of [
    [{}, "http://a.example/", "direct"],
    [{ http_proxy: "http://p:3128" }, "http://a.example/", "p:3128"],
    [{ http_proxy: "http://p:3128" }, "https://a.example/", "direct"],
    [{ https_proxy: "http://p:3128" }, "https://a.example/", "p:3128"],
    [{ https_proxy: "http://p:3128" }, "http://a.example/", "direct"],
    [{ HTTPS_PROXY: "p:3128" }, "https://a.example/", "p:3128"],
    [{ https_proxy: "low:1", HTTPS_PROXY: "up:1" }, "https://a.example/", "low:1"],
    // What a web server passes on as HTTP_PROXY a stranger has written.
    [{ HTTP_PROXY: "http://evil:1" }, "http://a.example/", "direct"],
    [{ ALL_PROXY: "p:1" }, "http://a.example/", "p:1"],
    [{ all_proxy: "low:1", ALL_PROXY: "up:1" }, "https://a.example/", "low:1"],
    [{ all_proxy: "all:1", https_proxy: "own:1" }, "https://a.example/", "own:1"],
    [{ http_proxy: "" }, "http://a.example/", "direct"],
    [{ http_proxy: "p" }, "http://a.example/", "p:1080"],
    [{ http_proxy: "http://p:80" }, "http://a.example/", "p:80"],
    [{ http_proxy: "http://p:80/" }, "http://a.example/", "p:80"],
    [{ http_proxy: "http://[::1]:8080" }, "http://a.example/", "::1:8080"],
    [{ http_proxy: "::nonsense::" }, "http://a.example/", "http_proxy is no URL of a proxy"],
    [
      { https_proxy: "socks5://p" },
      "https://a.example/",
      "https_proxy names a proxy of a kind that is not supported (socks5://); give one with http://"
    ]
  ] as const) {
    it(`${JSON.stringify(environment)} for ${url}: ${expected}`, () => {
      assert.strictEqual(way(environment, url), expected)
    })
  }
})

describe("no_proxy", () => {
  const all = { http_proxy: "p:1", https_proxy: "p:1" }
  for (const [value, url, expected] of [
    ["a.example", "http://a.example/", "direct"],
    ["a.example", "http://www.A.example./", "direct"],
    ["a.example", "http://aa.example/", "p:1"],
    [".a.example", "http://a.example/", "direct"],
    ["b.example, a.example", "https://a.example/", "direct"],
    ["b.example a.example", "https://a.example/", "direct"],
    ["*", "http://10.0.0.1/", "direct"],
    ["10.0.0.1", "http://10.0.0.1/", "direct"],
    ["10.0.0.0/8", "http://10.200.0.1/", "direct"],
    ["10.0.0.0/8", "http://11.0.0.1/", "p:1"],
    ["10.0.0.0/99", "http://10.0.0.1/", "p:1"],
    ["0.0.1", "http://10.0.0.1/", "p:1"],
    ["[::1]", "http://[::1]/", "direct"],
    ["fd00::/8", "http://[fd00::5]/", "direct"],
    ["", "http://a.example/", "p:1"]
  ] as const) {
    it(`${value}, for ${url}: ${expected}`, () => {
      assert.strictEqual(way({ ...all, no_proxy: value }, url), expected)
    })
  }

  it("in capitals counts where there is no other", () => {
    assert.strictEqual(way({ ...all, NO_PROXY: "*" }, "http://a.example/"), "direct")
    assert.strictEqual(way({ ...all, NO_PROXY: "*", no_proxy: "b" }, "http://a.example/"), "p:1")
  })
})

describe("A proxy's URL", () => {
  it("may have a user and a password, written as in URLs", () => {
    const parsed = Proxies.parse("http://us%40er:p%3Ass@p:1")
    assert.isObject(parsed)
    if (typeof parsed === "string") return
    const login = (parsed.authorization ?? "").replace(/^Basic /, "")
    assert.strictEqual(Buffer.from(login, "base64").toString(), "us@er:p:ss")
  })

  it("is not told when it is wrong: it may have a password", () => {
    assert.notInclude(String(Proxies.parse("http://u:%ff%secret@p:1")), "secret")
  })
})
