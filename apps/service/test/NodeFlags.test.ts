import { assert, describe, it } from "@effect/vitest"
import { Option } from "effect"
import { driveIn, ringIn, serverIn } from "../src/command/nodes.ts"

const cases: ReadonlyArray<readonly [text: string, found: Option.Option<unknown>, expected: unknown]> = [
  [
    "http://cache.example:8080",
    serverIn("http://cache.example:8080"),
    { host: "cache.example", port: 8080, isTls: false }
  ],
  ["https://cache.example", serverIn("https://cache.example"), { host: "cache.example", port: 443, isTls: true }],
  ["cache.example", serverIn("cache.example"), { host: "cache.example", port: 80, isTls: false }],
  ["http://[fd00::1]:81/", serverIn("http://[fd00::1]:81/"), { host: "fd00::1", port: 81, isTls: false }],
  ...["ftp://a", "http://", "http://a/path", "http://u:p@a", "http://a?b", "http://a:0", "http://a:65536", ""].map(
    (text) => [text, serverIn(text), undefined] as const
  ),
  ["/srv/cache=200", driveIn("/srv/cache=200"), { path: "/srv/cache", sizeGb: 200 }],
  ["/srv/cache", driveIn("/srv/cache"), { path: "/srv/cache" }],
  ["/a=b=50", driveIn("/a=b=50"), { path: "/a=b", sizeGb: 50 }],
  ...["srv", "/srv=49", "/srv=10001", "/srv\n", "", "=50"].map((text) => [text, driveIn(text), undefined] as const),
  ["stable", ringIn("stable"), { ring: "Stable" }],
  [
    "Beta,day=7,week=2,time=23:59",
    ringIn("Beta,day=7,week=2,time=23:59"),
    { ring: "Beta", day: 7, week: 2, time: "23:59" }
  ],
  ...["", "gamma", "beta,day=8", "beta,week=0", "beta,time=24:00", "beta,hour=1", "beta,day", "__proto__"].map(
    (text) => [text, ringIn(text), undefined] as const
  )
]

describe("What a cache node is to be, as a flag", () => {
  for (const [text, found, expected] of cases) {
    it(`${JSON.stringify(text)} is ${expected === undefined ? "refused" : "taken"}`, () => {
      assert.deepStrictEqual(Option.getOrUndefined(found), expected)
    })
  }
})
