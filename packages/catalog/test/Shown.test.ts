import { assert, describe, it } from "@effect/vitest"
import { Publication } from "@piecework/cloud/ContentAdminRpcs"
import type { Identity, OperatorScope } from "@piecework/cloud/Identity"
import { ContentUrl } from "@piecework/domain"
import { Result } from "effect"
import * as Shown from "../src/Shown.ts"

const operator = (scope: OperatorScope): Identity => ({ _tag: "Operator", id: "ann", scopes: [scope] })
const url = Result.getOrThrow(ContentUrl.parse("https://origin.test/f.iso?sig=s3cret&x=1"))
const failed = new Publication({
  id: "1",
  url,
  beganAt: 1,
  state: {
    _tag: "Failed",
    sentence: `The origin of ${url} answers with HTTP 403; it must give the file to be published.`
  }
})

describe("What operators are shown of URLs", () => {
  it("is not told by what went wrong either", () => {
    const shown = Shown.publication(operator("Read"), failed)
    assert.notInclude(JSON.stringify(shown), "s3cret")
    assert.deepStrictEqual([shown.url, shown.queryHidden], ["https://origin.test/f.iso", true])
    assert.include(JSON.stringify(shown.state), "The origin of https://origin.test/f.iso answers with HTTP 403;")
    assert.strictEqual(Shown.publication(operator("Publish"), failed), failed)
    assert.strictEqual(Shown.publication(operator("Admin"), failed), failed)
  })

  it("is cut in a detail wherever it stands, and what is no query stays", () => {
    const detail = {
      added: [url],
      moved: [{ url, from: "id" }],
      why: `See ${url}, why? n/a`,
      isNew: true,
      before: null
    }
    assert.deepStrictEqual(Shown.detail(operator("Read"), detail), {
      added: ["https://origin.test/f.iso?…"],
      moved: [{ url: "https://origin.test/f.iso?…", from: "id" }],
      why: "See https://origin.test/f.iso?… why? n/a",
      isNew: true,
      before: null
    })
    assert.strictEqual(Shown.detail(operator("Publish"), detail), detail)
  })
})
