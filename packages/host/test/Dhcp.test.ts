import { assert, describe, it } from "@effect/vitest"
import * as Dhcp from "../src/Dhcp.ts"
import * as Metered from "../src/Metered.ts"

const guid = "6f9619ff-8b86-d011-b42d-00c04fc964ff"
const hex = Buffer.from(guid).toString("hex")
const colons = hex.replaceAll(/..(?=.)/g, "$&:")

describe("What DHCP said", () => {
  it("is read from a lease of systemd-networkd", () => {
    const lease = `# This is private data.\nADDRESS=10.0.0.7\nDOMAINNAME=Lab.Example.\nOPTION_234=${hex}\nOPTION_235=6361636865\n`
    assert.deepStrictEqual(
      [...Dhcp.fromNetworkd(lease)],
      [
        [234, guid],
        [235, "cache"]
      ]
    )
    assert.strictEqual(Dhcp.domain(lease), "lab.example")
  })

  it("is read from the last lease of dhclient, as text or as hex", () => {
    const first = `lease {\n  option unknown-234 "old";\n  option domain-name "old.example";\n}\n`
    const last = `lease {\n  interface "eth0";\n  option domain-name "lab.example";\n  option unknown-234 ${colons};\n  option unknown-235 "a, \\"b\\"";\n}\n`
    const options = Dhcp.fromDhclient(first + last)
    assert.strictEqual(options.get(234), guid)
    assert.strictEqual(options.get(235), 'a, "b"')
    assert.strictEqual(Dhcp.fromDhclient(first).get(234), "old")
    assert.strictEqual(Dhcp.domain(last), "lab.example")
  })

  it("is read from what NetworkManager's tool prints", () => {
    const said = `DHCP4.OPTION[1]:domain_name = lab.example\nDHCP4.OPTION[2]:private_234 = ${colons}\nDHCP4.OPTION[3]:private_235 = cache.example\n`
    const options = Dhcp.fromNetworkManager(said)
    assert.strictEqual(options.get(234), guid)
    assert.strictEqual(options.get(235), "cache.example")
    assert.strictEqual(Dhcp.domain(said), "lab.example")
  })

  it.each([
    ["half a byte", "OPTION_234=363"],
    ["bytes that are no text", "OPTION_234=0001ff"],
    ["nothing", "OPTION_234="],
    ["more than an option holds", `OPTION_234=${"36".repeat(1025)}`],
    ["a number that is no option", "OPTION_999=36"]
  ])("is nothing when it is %s", (_, line) => assert.isEmpty([...Dhcp.fromNetworkd(`${line}\n`)]))

  it("has no domain that is none", () => {
    for (const name of ["", "a b", "../..", "a..b", "x".repeat(300)]) {
      assert.isUndefined(Dhcp.domain(`DOMAINNAME=${name}\n`), name)
    }
  })
})

const device = (metered: string, gateway: string) => `GENERAL.METERED:${metered}\nIP4.GATEWAY:${gateway}\n`

describe("Whether a network is metered", () => {
  it.each([
    ["yes", true],
    ["yes (guessed)", true],
    ["no", false],
    ["no (guessed)", false],
    ["unknown", undefined]
  ])("%s is taken as NetworkManager means it", (word, expected) => {
    assert.strictEqual(Metered.fromNetworkManager(device(word, "10.0.0.1")), expected)
  })

  it("is told by devices that lead somewhere, and one is enough", () => {
    assert.isUndefined(Metered.fromNetworkManager(device("yes", "")))
    assert.isTrue(Metered.fromNetworkManager(device("no", "10.0.0.1") + device("yes", "10.0.1.1")))
    assert.isUndefined(Metered.fromNetworkManager("nonsense"))
  })
})
