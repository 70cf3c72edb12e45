import type { JobOptions } from "@piecework/client/JobOptions"
import type { ContentId } from "@piecework/domain/Content"
import type { ContentUrl } from "@piecework/domain/ContentUrl"
import { noBytes } from "@piecework/domain/SourceKind"
import * as JobProperty from "@piecework/jobs/JobProperty"
import type { JobSpec } from "@piecework/jobs/JobSpec"
import type { JobId } from "@piecework/jobs/JobStatus"
import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import * as JobTexts from "../../src/rpc/JobTexts.ts"
import * as Views from "../../src/rpc/Views.ts"
import { progress } from "./support.ts"

const url = "http://host/image.iso" as ContentUrl
const contentId = `DO-${"A".repeat(43)}` as ContentId
const hashOfHashes = `${"A".repeat(43)}=`

const all: Required<JobOptions> = {
  url,
  path: "/data/image.iso",
  contentId,
  headers: { "X-One": "1", "X-Two": "a: b" },
  authHeaders: { Authorization: "Bearer x" },
  mirrors: ["http://b/x" as ContentUrl, "http://c/x" as ContentUrl],
  displayName: "Image",
  priority: "Foreground",
  nonVolatile: true,
  noProgressTimeoutSeconds: 60,
  integrity: { hashOfHashes, isMandatory: true },
  totalBytes: 5,
  allowInsecureRedirect: true
}

describe("Options of a job", () => {
  it("are properties that jobs take, each of them", () => {
    let spec: JobSpec = {}
    for (const [name, value] of JobTexts.of(all)) {
      spec = Result.getOrThrow(JobProperty.set(name, value, spec, "Created"))
    }
    assert.deepStrictEqual(spec, {
      uri: url,
      mirrorUris: all.mirrors,
      localPath: all.path,
      contentId,
      httpCustomHeaders: "X-One: 1\r\nX-Two: a: b\r\n",
      httpCustomAuthHeaders: "Authorization: Bearer x\r\n",
      displayName: "Image",
      foregroundPriority: true,
      nonVolatile: true,
      noProgressTimeoutSeconds: 60,
      integrityCheckInfo: { HashOfHashes: hashOfHashes },
      integrityCheckMandatory: true,
      totalSizeBytes: 5,
      httpAllowSecureToNonSecureRedirect: true
    })
  })

  it("that are not given are none", () => assert.deepStrictEqual(JobTexts.of({}), []))
})

describe("The rate of a job that is watched", () => {
  const id = "00000000-0000-4000-8000-000000000000" as JobId
  const status = { id, state: "Transferring", error: 0, extended: 0, bytesTotal: 0, bytesTransferred: 0 } as const
  const at = (received: number, held = 0) =>
    Views.job({
      status,
      spec: {},
      outcome: undefined,
      progress: { ...progress, received: { ...noBytes, Origin: received, LocalCache: held } }
    })

  it("is of what came in over the last three seconds, and begins anew with another run", () => {
    const rated = Views.measured()
    assert.strictEqual(rated(at(0), 0).rate, 0)
    assert.strictEqual(rated(at(1000, 1_000_000), 1000).rate, 1000)
    assert.strictEqual(rated(at(1000), 4000).rate, 0)
    assert.strictEqual(rated(at(7000), 6000).rate, 3000)
    assert.strictEqual(rated(at(100), 7000).rate, 0)
    assert.strictEqual(rated(at(300), 8000).rate, 200)
  })
})
