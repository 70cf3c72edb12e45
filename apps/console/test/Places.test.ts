import { assert, describe, it } from "@effect/vitest"
import { isOpen, places, placesFor } from "../src/frame/Places.ts"

const titles = (areas: Parameters<typeof placesFor>[0]["areas"], scopes: ReadonlyArray<string>) =>
  placesFor({ areas, isAllowed: (scope) => scopes.includes(scope) })
    .filter(({ menu }) => menu !== undefined)
    .map(({ title }) => title)

const open = (location: string) =>
  places.filter((place) => place.menu !== undefined && isOpen(place, location)).map(({ path }) => path)

describe("The menu", () => {
  it("has what the service answers and the token allows, and nothing else", () => {
    assert.deepStrictEqual(titles(["Reports"], ["Read"]), ["Overview", "Savings", "Exports"])
    assert.deepStrictEqual(titles(["Reports", "Trust"], []), [])
    assert.notInclude(titles(["Trust"], ["Read"]), "Tokens")
    assert.include(titles(["Trust"], ["Read", "Admin"]), "Tokens")
  })

  it("marks a page also when one below it is open", () => {
    assert.deepStrictEqual(open("/"), ["/"])
    assert.deepStrictEqual(open("/savings/site/x"), ["/savings"])
    assert.deepStrictEqual(open("/savingsbank"), [])
  })
})
