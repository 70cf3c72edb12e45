import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import * as JobError from "../src/JobError.ts"
import * as JobProperty from "../src/JobProperty.ts"
import type { JobSpec } from "../src/JobSpec.ts"
import { JobState } from "../src/JobState.ts"

const own: JobProperty.Own = { id: "the id", bytesTotal: 0, facts: {} }
const set = (name: JobProperty.PropertyName, value: string, spec: JobSpec = {}, state: JobState = "Created") => {
  const done = JobProperty.set(name, value, spec, state)
  return Result.isSuccess(done) ? done.success : JobError.hex(done.failure)
}
const get = (name: JobProperty.PropertyName, spec: JobSpec = {}, of: JobProperty.Own = own) => {
  const value = JobProperty.get(name, spec, of)
  return Result.isSuccess(value) ? value.success : JobError.hex(value.failure)
}

const invalid = "0x80070057"
const integrity = JSON.stringify({ PiecesHashFileUrl: "http://h/f.phf", HashOfHashes: `${"A".repeat(43)}=` })

/** A good value of each property that can be set, and how it reads afterwards; `undefined` where it cannot be read. */
const good: ReadonlyArray<readonly [JobProperty.PropertyName, string, string | undefined]> = [
  ["Uri", "http://host/a b#part", "http://host/a%20b"],
  ["ContentId", "anything at all", "anything at all"],
  ["DisplayName", "Store", "Store"],
  ["LocalPath", "/tmp/file", "/tmp/file"],
  ["HttpCustomHeaders", "X-One: 1\nX-Two: 2", "X-One: 1\r\nX-Two: 2\r\n"],
  ["CostPolicy", "5", "5"],
  ["CallbackFreqPercent", "10", "10"],
  ["CallbackFreqSeconds", "3", "3"],
  ["NoProgressTimeoutSeconds", "10", "10"],
  ["ForegroundPriority", "True", "true"],
  [
    "DecryptionInfo",
    '{"KeyData":"k","AlgorithmName":"AES","ChainingMode":"CBC","EncryptionBufferSize":65536}',
    undefined
  ],
  ["IntegrityCheckInfo", integrity, undefined],
  ["IntegrityCheckMandatory", "1", "true"],
  ["TotalSizeBytes", "123", "123"],
  ["DisallowOnCellular", "true", "true"],
  ["HttpCustomAuthHeaders", "Authorization: Bearer x", undefined],
  ["HttpAllowSecureToNonSecureRedirect", "0", "false"],
  ["NonVolatile", "true", "true"],
  ["MirrorUris", "http://b/x  https://c/x\n", "http://b/x https://c/x"]
]

describe("A property", () => {
  for (const [name, value, reads] of good) {
    it(`${name} is set and ${reads === undefined ? "cannot be read" : "read"}`, () => {
      const spec = set(name, value)
      if (typeof spec === "string") return assert.fail(spec)
      assert.strictEqual(get(name, spec), reads ?? "0x80D02015")
    })
  }

  it("that only the job sets is refused", () => {
    const readOnly = JobProperty.names.filter((name) => !good.some(([one]) => one === name))
    assert.deepStrictEqual(readOnly, [
      "Id",
      "HttpRedirectionTarget",
      "HttpResponseHeaders",
      "HttpServerIPAddress",
      "HttpStatusCode"
    ])
    for (const name of readOnly) assert.strictEqual(set(name, "1"), "0x80D02012")
  })

  it("has a default that can be read", () => {
    assert.strictEqual(get("Id"), "the id")
    assert.strictEqual(get("NoProgressTimeoutSeconds"), "300")
    assert.strictEqual(get("CallbackFreqSeconds"), "1")
    assert.strictEqual(get("ForegroundPriority"), "false")
    assert.strictEqual(get("CostPolicy"), "2")
    assert.strictEqual(get("CostPolicy", { foregroundPriority: true }), "0")
    assert.strictEqual(get("Uri"), "")
  })

  it("of the server is unknown until the server said it", () => {
    assert.strictEqual(get("HttpStatusCode"), "0x80D02014")
    assert.strictEqual(get("HttpStatusCode", {}, { ...own, facts: { status: 206 } }), "206")
  })

  it("says the true size once that is known", () => {
    assert.strictEqual(get("TotalSizeBytes", { totalSizeBytes: 5 }, { ...own, bytesTotal: 7 }), "7")
  })

  it("has its number, its own name in any case, and the agent's", () => {
    const numbers = JobProperty.names.map((name) => JobProperty.table[name].number)
    assert.strictEqual(new Set(numbers).size, numbers.length)
    assert.strictEqual(JobProperty.table.NonVolatile.number, 25)
    assert.strictEqual(JobProperty.named("uRI"), "Uri")
    assert.strictEqual(JobProperty.named("downloadfilepath"), "LocalPath")
    for (const name of ["StreamInterface", "SecurityContext", "toString", "__proto__", ""]) {
      assert.isUndefined(JobProperty.named(name))
    }
  })
})

describe("What a property does not take", () => {
  const bad: ReadonlyArray<readonly [JobProperty.PropertyName, ReadonlyArray<string>, string?]> = [
    ["Uri", ["ftp://host/file", "nonsense", "http://", "file:///etc/passwd", "http://me:word@host/f"], "0x800C0002"],
    ["Uri", [""]],
    ["LocalPath", ["", "relative", "/folder/", "/a/../b", "/a\u0000b", `/${"x".repeat(5000)}`]],
    ["NoProgressTimeoutSeconds", ["9", "", "-1", "1e3", "0x20", "4294967296", "10.5", " 10"]],
    ["CallbackFreqPercent", ["101"]],
    ["CostPolicy", ["6"]],
    ["ForegroundPriority", ["yes", "", "2"]],
    ["TotalSizeBytes", ["0", "9007199254740992"]],
    ["DisplayName", ["", "a\nb", "x".repeat(257)]],
    [
      "IntegrityCheckInfo",
      [
        "",
        "{",
        "[]",
        "1",
        "{}",
        '{"HashOfHashes":1}',
        '{"HashOfHashes":"short"}',
        `{"HashOfHashes":"${"g".repeat(64)}"}`,
        '{"PiecesHashFileUrl":"http://h/f.phf"}',
        `{"PiecesHashFileUrl":"file:///etc/passwd","PiecesHashFileDigest":"${"a".repeat(64)}"}`,
        `{"PiecesHashFileUrl":"http://me:word@h/f","PiecesHashFileDigest":"${"a".repeat(64)}"}`,
        `{"PiecesHashFileUrl":"http://h/f","PiecesHashFileDigest":"${"a".repeat(64)}","PiecesHashFileDigestAlgorithm":"MD5"}`,
        `{"PiecesHashFileDigest":"${"a".repeat(64)}"}`,
        `"${"x".repeat(20_000)}"`
      ]
    ],
    ["ContentId", ["DO-", "DO-short", `DO-${"A".repeat(42)}B`, `DO-${"A".repeat(44)}`], "0x80D02202"],
    ["DecryptionInfo", ["", "{}", '{"KeyData":1}']],
    [
      "HttpCustomHeaders",
      ["no colon", ": value", "a b: c", "X: \u0001", "Host: other", "range: bytes=0-", `X: ${"x".repeat(9000)}`]
    ],
    ["HttpCustomAuthHeaders", ["Transfer-Encoding: chunked", "X-A: 1\rX-B: 2"]]
  ]
  for (const [name, values, number = invalid] of bad) {
    it(`${name} refuses with ${number}`, () => {
      for (const value of values) assert.strictEqual(set(name, value), number, JSON.stringify(value.slice(0, 40)))
    })
  }
})

const states = (name: JobProperty.PropertyName, value: string) =>
  JobState.literals.filter((state) => typeof set(name, value, {}, state) !== "string")

describe("When a property may be set", () => {
  it("depends on the state of the job", () => {
    assert.deepStrictEqual(states("Uri", "http://host/f"), ["Created", "Paused"])
    assert.deepStrictEqual(states("LocalPath", "/f"), ["Created"])
    assert.deepStrictEqual(states("NoProgressTimeoutSeconds", "60"), [
      "Created",
      "Transferring",
      "Transferred",
      "Paused"
    ])
    assert.deepStrictEqual(states("ForegroundPriority", "true"), ["Created", "Transferring", "Transferred", "Paused"])
    assert.strictEqual(set("LocalPath", "/f", {}, "Paused"), "0x80D02013")
  })
})

describe("The content that a caller means", () => {
  const id = `DO-${"A".repeat(42)}8`
  it("is known by its id, or by its hash of hashes", () => {
    assert.strictEqual(JobProperty.contentOf({ contentId: id }), id)
    assert.strictEqual(
      JobProperty.contentOf({ integrityCheckInfo: { HashOfHashes: `${"+/".repeat(21)}A=` } }),
      `DO-${"-_".repeat(21)}A`
    )
    assert.isUndefined(JobProperty.contentOf({ contentId: "some catalogue's id" }))
    const hex = "fb".repeat(32)
    assert.strictEqual(
      JobProperty.contentOf({ integrityCheckInfo: { HashOfHashes: hex.toUpperCase() } }),
      JobProperty.contentOf({ integrityCheckInfo: { HashOfHashes: Buffer.from(hex, "hex").toString("base64url") } })
    )
    assert.isUndefined(JobProperty.contentOf({ integrityCheckInfo: { HashOfHashes: "short" } }))
  })
  it("has its hashes where the caller says, known by a digest, by the hash of hashes, or by both", () => {
    const PiecesHashFileUrl = "http://h/f.phf"
    const [PiecesHashFileDigest, HashOfHashes] = ["ab".repeat(32), "cd".repeat(32)]
    const named = (info: object) => {
      const { expected, url } = JobProperty.hashesOf({ integrityCheckInfo: { PiecesHashFileUrl, ...info } }) ?? {}
      return [
        url,
        ...[expected?.fileDigest, expected?.hashOfHashes].map((one) => one && Buffer.from(one).toString("hex"))
      ]
    }
    assert.deepStrictEqual(named({ PiecesHashFileDigest }), [PiecesHashFileUrl, PiecesHashFileDigest, undefined])
    assert.deepStrictEqual(named({ HashOfHashes }), [PiecesHashFileUrl, undefined, HashOfHashes])
    assert.deepStrictEqual(named({ HashOfHashes, PiecesHashFileDigest }), [
      PiecesHashFileUrl,
      PiecesHashFileDigest,
      HashOfHashes
    ])
    assert.deepStrictEqual(named({}), [undefined, undefined, undefined])
    assert.isUndefined(JobProperty.hashesOf({ integrityCheckInfo: { HashOfHashes } }))
  })
})
