import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Result, Schema } from "effect"
import * as Policy from "../src/Policy.ts"
import * as PolicyFile from "../src/PolicyFile.ts"
import { providers } from "../src/Provider.ts"
import { names } from "../src/Settings.ts"

const said = (provider: Policy.Said["provider"], values: Policy.Said["values"]): Policy.Said => ({ provider, values })

/** What some provider may say: numbers near the bounds of most settings, and anything else. */
const Layer = Schema.Struct({
  provider: Schema.Literals(providers),
  values: Schema.Record(
    Schema.Union([Schema.Literals(names), Schema.String]),
    Schema.Union([Schema.Int, Schema.Literals([-1, 0, 1, 20, 100, 101]), Schema.String, Schema.Boolean, Schema.Null])
  )
})

describe("A policy", () => {
  it.each(providers.slice(1).map((stronger, index) => [stronger, providers[index] ?? "Default"] as const))(
    "of %s wins over one of %s, in whatever order they come",
    (stronger, weaker) => {
      const both = [said(stronger, { DOMaxCacheSize: 7 }), said(weaker, { DOMaxCacheSize: 8 })]
      for (const order of [both, both.toReversed()]) {
        assert.deepStrictEqual(Policy.resolve(order).effective("DOMaxCacheSize"), { value: 7, provider: stronger })
      }
    }
  )

  it("falls back to the next provider where the stronger says nothing sound, and warns by the provider's name", () => {
    const policy = Policy.resolve([
      said("ManagedFile", { DOMaxCacheSize: 101 }),
      said("MachineFile", { DOMaxCacheSize: 30, DOMaxCacheAge: "long" })
    ])
    assert.deepStrictEqual(policy.effective("DOMaxCacheSize"), { value: 30, provider: "MachineFile" })
    assert.deepStrictEqual(policy.effective("DOMaxCacheAge"), { value: 259_200, provider: "Default" })
    assert.deepStrictEqual(policy.warnings.map(Policy.sentence), [
      "DOMaxCacheAge in the policy file is long, and is ignored: it takes 0 to 4294967295 s.",
      "DOMaxCacheSize in the managed policy file is 101, and is ignored: it takes 1 to 100 %."
    ])
  })

  it("names the setting that was meant, when one is near", () => {
    const policy = Policy.resolve([said("MachineFile", { DODownloadMod: 1, somethingElse: 2, ["x".repeat(500)]: 1 })])
    const [near, far, long] = policy.warnings.map(Policy.sentence)
    assert.strictEqual(
      near,
      "DODownloadMod in the policy file is no setting, and is ignored. Did you mean DODownloadMode?"
    )
    assert.strictEqual(far, "somethingElse in the policy file is no setting, and is ignored.")
    assert.isBelow(long?.length ?? 0, 150)
  })

  it("takes deprecated settings, and says what to use instead", () => {
    const policy = Policy.resolve([said("MachineFile", { DOMaxDownloadBandwidth: 500 })])
    assert.strictEqual(policy.get("DOMaxDownloadBandwidth"), 500)
    assert.deepStrictEqual(policy.warnings.map(Policy.sentence), [
      "DOMaxDownloadBandwidth in the policy file is deprecated since 2004. Use DOMaxForegroundDownloadBandwidth and DOMaxBackgroundDownloadBandwidth."
    ])
  })

  it("knows an empty list of cache servers from none", () => {
    assert.isFalse(Policy.defaults.isSet("DOCacheHost"))
    const policy = Policy.resolve([said("MachineFile", { DOCacheHost: "" })])
    assert.isTrue(policy.isSet("DOCacheHost"))
    assert.deepStrictEqual(policy.get("DOCacheHost"), [])
  })

  it.prop(
    "is the same whether what one more provider says is there from the start or comes later",
    { layers: Arbitrary.schema(Schema.Array(Layer)), more: Arbitrary.schema(Layer) },
    ({ layers, more }) => {
      // Who says twice is heard once: which of its words comes last is the order's to say.
      const others = layers.filter(({ provider }) => provider !== more.provider)
      const together = Policy.resolve([...others, more])
      const later = Policy.resolve(others).with(Policy.resolve([more]))
      for (const name of names) {
        assert.deepStrictEqual(later.effective(name), together.effective(name), name)
      }
      assert.strictEqual(later.warnings.length, together.warnings.length)
    }
  )

  it("lets no service name a place on the device", () => {
    for (const provider of ["KeyValueService", "ContentPolicy"] as const) {
      const policy = Policy.resolve([said(provider, { DOModifyCacheDrive: "/" })])
      assert.isFalse(policy.isSet("DOModifyCacheDrive"))
      assert.match(
        policy.warnings.map(Policy.sentence).join(),
        /^DOModifyCacheDrive in the .* is ignored: only the device itself may say it\.$/
      )
    }
  })

  it.prop(
    "never has a value that its setting does not take, whatever the providers say",
    { layers: Arbitrary.schema(Schema.Array(Layer)) },
    ({ layers }) => {
      const policy = Policy.resolve(layers)
      const set = names.filter((name) => policy.isSet(name))
      const again = Policy.resolve([
        said("MachineFile", Object.fromEntries(set.map((name) => [name, policy.get(name)])))
      ])
      for (const name of names) assert.deepStrictEqual(again.get(name), policy.get(name))
      assert.isEmpty(again.warnings.filter(({ _tag }) => _tag !== "Deprecated"))
      for (const warning of policy.warnings) assert.isBelow(Policy.sentence(warning).length, 600)
    }
  )
})

const parse = (text: string) => PolicyFile.parse("MachineFile", text)

describe("A policy's file", () => {
  it("is one JSON object", () => {
    assert.deepStrictEqual(
      parse('\ufeff{ "$schema": "x", "DODownloadMode": 2 }'),
      Result.succeed(said("MachineFile", { DODownloadMode: 2 }))
    )
    assert.deepStrictEqual(parse("{"), Result.fail("NoJson"))
    assert.deepStrictEqual(parse("[]"), Result.fail("NoObject"))
    assert.deepStrictEqual(parse("null"), Result.fail("NoObject"))
    assert.deepStrictEqual(parse(" ".repeat(PolicyFile.maxLength + 1)), Result.fail("TooLong"))
    const hostile = parse('{ "__proto__": { "DODownloadMode": 3 }, "constructor": 1 }')
    assert.strictEqual(Policy.resolve([Result.getOrThrow(hostile)]).get("DODownloadMode"), 1)
  })

  it("has a schema with every setting and its default", () => {
    const schema = PolicyFile.jsonSchema() as {
      readonly properties: { readonly [name: string]: { readonly default?: unknown } }
    }
    for (const name of names) {
      assert.deepStrictEqual(schema.properties[name]?.default, Policy.defaults.get(name), name)
    }
  })

  it("may be spoken over by the environment, in capital letters", () => {
    const policy = Policy.resolve([
      PolicyFile.fromEnvironment({ PIECEWORK_DODOWNLOADMODE: "99", PIECEWORK_OTHER: "1" })
    ])
    assert.deepStrictEqual(policy.effective("DODownloadMode"), { value: 99, provider: "Environment" })
    assert.isEmpty(policy.warnings)
  })
})
