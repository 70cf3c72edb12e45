/** Rates of a line as people write them: "100mbit", "2.5 gbit", "500 kbit". Units are decimal, as network people count. */
import { Option, Schema, SchemaGetter, SchemaIssue, Effect } from "effect"

const units: { readonly [unit: string]: number } = { bit: 1, kbit: 1e3, mbit: 1e6, gbit: 1e9 }

/** Bits per second; `None` when the text is no rate, or none that is more than nothing. */
export const parse = (text: string): Option.Option<number> => {
  const match = /^(\d+(?:\.\d+)?)\s*(bit|kbit|mbit|gbit)(?:\/s|ps)?$/i.exec(text.trim())
  const bits = Number(match?.[1]) * (units[match?.[2]?.toLowerCase() ?? ""] ?? Number.NaN)
  return Number.isFinite(bits) && bits >= 1000 ? Option.some(bits) : Option.none()
}

/** 100_000_000 → "100 Mbit/s". */
export const format = (bitsPerSecond: number): string => {
  const [scale, unit] =
    bitsPerSecond >= 1e9 ? [1e9, "Gbit/s"] : bitsPerSecond >= 1e6 ? [1e6, "Mbit/s"] : [1e3, "kbit/s"]
  return `${Number((bitsPerSecond / scale).toFixed(1))} ${unit}`
}

/** Bits per second, from a text. */
export const Rate = Schema.String.pipe(
  Schema.decodeTo(Schema.Finite, {
    decode: SchemaGetter.transformEffect((text: string) =>
      Option.match(parse(text), {
        onNone: () =>
          Effect.fail(new SchemaIssue.InvalidValue({ message: "no rate of 1 kbit or more, such as 100mbit" }, text)),
        onSome: Effect.succeed
      })
    ),
    encode: SchemaGetter.transform((bits: number) => `${bits}bit`)
  })
)
