/**
 * Where a device is, by the address that the service sees. Nothing leaves the service to find that out: an organisation knows its own
 * networks, and says which are where.
 */
import { BlockList, isIP } from "node:net"
import { Context, Effect, Layer, Result, Schema } from "effect"

/** What is known of it; nothing is a text too. */
export interface Place {
  readonly city: string
  readonly country: string
  readonly isp: string
}

export const nowhere: Place = { city: "", country: "", isp: "" }

/** One network of the organisation. */
export const Network = Schema.Struct({
  /** As 203.0.113.0/24 or 2001:db8::/32. */
  network: Schema.String.check(Schema.makeFilter((text) => parse(text) !== undefined || "a network as 203.0.113.0/24")),
  city: Schema.optionalKey(Schema.String.check(Schema.isMaxLength(128))),
  country: Schema.optionalKey(Schema.String.check(Schema.isMaxLength(128))),
  isp: Schema.optionalKey(Schema.String.check(Schema.isMaxLength(128)))
})
export type Network = typeof Network.Type

/** More networks than this are nobody's: each report looks through them. */
export const most = 4096

const Networks = Schema.fromJsonString(Schema.Array(Network).check(Schema.isMaxLength(most)))

/** The networks in a file: a JSON array of them. Fails with what is wrong, in a few words. */
export const networksIn = (text: string): Result.Result<ReadonlyArray<Network>, string> =>
  Result.mapError(Schema.decodeUnknownResult(Networks)(text), ({ issue }) =>
    String(issue).replaceAll(/\s+/g, " ").slice(0, 300)
  )

export class Places extends Context.Service<
  Places,
  {
    /** The place of the narrowest network that holds the address. */
    readonly of: (ip: string) => Place
  }
>()("@piecework/reports/Places") {
  static readonly layerNone: Layer.Layer<Places> = Layer.succeed(Places, { of: () => nowhere })

  static readonly layer = (networks: ReadonlyArray<Network>): Layer.Layer<Places> =>
    Layer.effect(
      Places,
      Effect.sync(() => {
        const known = networks.flatMap((one) => {
          const parsed = parse(one.network)
          if (parsed === undefined) return []
          const list = new BlockList()
          list.addSubnet(parsed.address, parsed.bits, parsed.family)
          const { city = "", country = "", isp = "" } = one
          return [{ ...parsed, list, place: { city, country, isp } }]
        })
        const narrowestFirst = known.toSorted((a, b) => b.bits - a.bits)
        return Places.of({
          of: (ip) => {
            const family = isIP(ip) === 6 ? "ipv6" : "ipv4"
            return narrowestFirst.find((one) => one.family === family && one.list.check(ip, family))?.place ?? nowhere
          }
        })
      })
    )
}

const parse = (
  text: string
): { readonly address: string; readonly bits: number; readonly family: "ipv4" | "ipv6" } | undefined => {
  const [address = "", bits = "", ...more] = text.split("/")
  const version = isIP(address)
  const width = Number(bits)
  const isWidth = /^\d{1,3}$/.test(bits) && width <= (version === 6 ? 128 : 32)
  if (version === 0 || !isWidth || more.length > 0) return undefined
  return { address, bits: width, family: version === 6 ? "ipv6" : "ipv4" }
}
