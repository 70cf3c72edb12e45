import { appendFileSync, existsSync, truncateSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schedule } from "effect"
import { folder, run, start } from "./Program.ts"

const address = "http://origin.test/a.bin"

const json = <A>(text: string) => JSON.parse(text) as A

/** A folder with a file to publish, and the arguments that name both. */
const prepared = Effect.gen(function* () {
  const directory = yield* folder
  const file = join(directory, "a.bin")
  writeFileSync(file, "some bytes")
  const data = join(directory, "data")
  const publish = (...more: ReadonlyArray<string>) => run("publish", file, "--url", address, "--data", data, ...more)
  return { file, data, publish }
})

interface Publication {
  readonly contentId: string
  readonly isNew: boolean
  readonly urls: ReadonlyArray<string>
  readonly moved: ReadonlyArray<{ readonly url: string; readonly from: string }>
}

describe("publish", () => {
  it.live("prints the content id and nothing else on standard output", () =>
    Effect.gen(function* () {
      const { publish } = yield* prepared
      const { code, stderr, stdout } = yield* publish()
      assert.strictEqual(code, 0)
      assert.match(stdout, /^DO-[\w-]{43}\n$/)
      assert.strictEqual(stderr, "Published 10 B in 1 piece.\n")
    })
  )

  it.live("changes nothing the second time, and moves the URL once the file is another", () =>
    Effect.gen(function* () {
      const { data, file, publish } = yield* prepared
      const first = json<Publication>((yield* publish("--json")).stdout)
      const second = json<Publication>((yield* publish("--json", "--url", "http://mirror.test/a.bin")).stdout)
      assert.deepStrictEqual([first.isNew, second.isNew, second.contentId], [true, false, first.contentId])
      assert.deepStrictEqual(second.urls, [address, "http://mirror.test/a.bin"])
      const again = yield* publish()
      assert.strictEqual(again.stderr, "This was published already.\n")
      appendFileSync(file, "!")
      const third = json<Publication>((yield* publish("--json")).stdout)
      assert.deepStrictEqual(third.moved, [{ url: address, from: first.contentId }])
      const list = json<ReadonlyArray<Publication>>((yield* run("list", "--json", "--data", data)).stdout)
      assert.deepStrictEqual(
        list.map(({ contentId, urls }) => [contentId, urls]),
        [
          [first.contentId, ["http://mirror.test/a.bin"]],
          [third.contentId, [address]]
        ]
      )
    })
  )

  it.live("works for several at once in a folder that is not there yet", () =>
    Effect.gen(function* () {
      const { publish } = yield* prepared
      const ended = yield* Effect.all([publish(), publish(), publish()], { concurrency: "unbounded" })
      assert.deepStrictEqual(
        ended.map(({ code }) => code),
        [0, 0, 0],
        ended.map(({ stderr }) => stderr).join()
      )
    })
  )

  it.live("ends with 130 and leaves nothing when it is interrupted", () =>
    Effect.gen(function* () {
      const { data, file } = yield* prepared
      // Holes are read as zeros: 40 GB take long enough to be interrupted, and no disk.
      truncateSync(file, 40_000_000_000)
      const running = yield* start("publish", file, "--url", address, "--data", data)
      // The catalog is opened before the first piece is hashed.
      yield* Effect.sync(() => existsSync(join(data, "service.sqlite"))).pipe(
        Effect.repeat({ until: (opened) => opened, schedule: Schedule.spaced("20 millis") })
      )
      running.process.kill("SIGINT")
      const { code } = yield* Effect.promise(() => running.ended)
      assert.strictEqual(code, 130)
      assert.strictEqual((yield* run("list", "--json", "--data", data)).stdout, "[]\n")
    })
  )
})

describe("unpublish", () => {
  it.live("forgets a URL, and a content by its id", () =>
    Effect.gen(function* () {
      const { data, publish } = yield* prepared
      yield* publish()
      const byUrl = yield* run("unpublish", address, "--data", data)
      assert.deepStrictEqual([byUrl.code, byUrl.stderr], [0, `Forgot ${address}.\n`])
      const { contentId } = json<Publication>((yield* publish("--json")).stdout)
      const byId = yield* run("unpublish", contentId, "--data", data, "--json")
      assert.deepStrictEqual([byId.code, json(byId.stdout)], [0, { contentId }])
      assert.strictEqual((yield* run("list", "--json", "--data", data)).stdout, "[]\n")
    })
  )
})

describe("list", () => {
  it.live("is a table for people", () =>
    Effect.gen(function* () {
      const { data, publish } = yield* prepared
      const empty = yield* run("list", "--data", data)
      assert.deepStrictEqual([empty.code, empty.stdout], [5, ""])
      assert.include(empty.stderr, "Nothing is published yet")
      assert.isFalse(existsSync(data))
      yield* publish("--url", "http://mirror.test/a.bin")
      const { stdout } = yield* run("list", "--data", data)
      assert.match(
        stdout,
        /^DO-[\w-]{43} {2}10 B\n {2}http:\/\/origin\.test\/a\.bin\n {2}http:\/\/mirror\.test\/a\.bin\n$/
      )
    })
  )
})

interface Trouble {
  readonly what: string
  readonly code: number
  readonly sentence: RegExp
  readonly args: (at: { readonly file: string; readonly data: string }) => ReadonlyArray<string>
}

const troubles: ReadonlyArray<Trouble> = [
  {
    what: "a file that is not there",
    code: 4,
    sentence: /^piecework-service: There is no file .*a\.binx\.\n$/,
    args: ({ data, file }) => ["publish", `${file}x`, "--url", address, "--data", data]
  },
  {
    what: "a URL that is none",
    code: 3,
    sentence: /^piecework-service: "nonsense" is not a URL; give one like .*\n$/,
    args: ({ data, file }) => ["publish", file, "--url", "nonsense", "--data", data]
  },
  {
    what: "a data folder that is a file",
    code: 11,
    sentence: /^piecework-service: The database .* cannot be opened for writing; check the folder and its owner\.\n$/,
    args: ({ file }) => ["--data", file, "--port", "0"]
  },
  ...(process.platform === "linux"
    ? [
        {
          what: "a data folder where the system lets nobody make one",
          code: 11,
          sentence: /^piecework-service: The database \/proc\/piecework\/.* cannot be opened for writing; .*\n$/,
          args: () => ["--data", "/proc/piecework/data", "--port", "0"]
        }
      ]
    : []),
  {
    what: "a name that nothing has",
    code: 5,
    sentence: /^piecework-service: Nothing is published .*\n$/,
    args: ({ data }) => ["unpublish", address, "--data", data]
  },
  {
    what: "an address of another machine",
    code: 13,
    sentence: /^piecework-service: 203\.0\.113\.1 is no address of this machine; choose another with --host\.\n$/,
    args: ({ data }) => ["--data", data, "--port", "0", "--host", "203.0.113.1"]
  },
  {
    what: "a public URL that is none",
    code: 3,
    sentence: /^piecework-service: "ftp:\/\/a" is no URL that clients could be told; .*\n$/,
    args: ({ data }) => ["--data", data, "--port", "0", "--public-url", "ftp://a"]
  },
  {
    what: "no URL at all",
    code: 2,
    sentence: /--url/,
    args: ({ data, file }) => ["publish", file, "--data", data]
  },
  {
    what: "a port that is none",
    code: 2,
    sentence: /--port/,
    args: () => ["--port", "99999"]
  },
  {
    what: "a proxy that is no address",
    code: 2,
    sentence: /"foo" is no IP address/,
    args: ({ data }) => ["--data", data, "--port", "0", "--trust-proxy", "foo"]
  },
  {
    what: "a flag that there is not",
    code: 2,
    sentence: /--prot/,
    args: () => ["--prot", "1"]
  }
]

describe("The program", () => {
  for (const { args, code, sentence, what } of troubles) {
    it.live(`ends with ${code} and a sentence for ${what}`, () =>
      Effect.gen(function* () {
        const ended = yield* run(...args(yield* prepared))
        assert.strictEqual(ended.code, code, ended.stderr)
        assert.match(ended.stderr, sentence)
      })
    )
  }

  it.live("tells its version and how it is used", () =>
    Effect.gen(function* () {
      const [version, help] = yield* Effect.all([run("--version"), run("--help")], { concurrency: 2 })
      assert.deepStrictEqual([version.code, help.code], [0, 0])
      assert.match(version.stdout, /0\.1\.0/)
      for (const word of ["publish", "list", "unpublish", "--port", "--data", "--public-url"]) {
        assert.include(help.stdout, word)
      }
    })
  )
})
