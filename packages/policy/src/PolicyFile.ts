/**
 * The file of a policy: one JSON object with the settings by their names, as `{ "DODownloadMode": 2 }`. "$schema" may name
 * its schema, for editors.
 */
import { Result } from "effect"
import type { Provider } from "./Provider.ts"
import type { Said } from "./Policy.ts"
import type { Setting } from "./Setting.ts"
import { names, settings } from "./Settings.ts"

/** Longest file that is read, in characters: every setting at its longest is far less. */
export const maxLength = 1_048_576

/** Why a file is none. */
export type Flaw = "TooLong" | "NoJson" | "NoObject"

export const parse = (
  provider: Extract<Provider, "MachineFile" | "ManagedFile">,
  text: string
): Result.Result<Said, Flaw> => {
  if (text.length > maxLength) return Result.fail("TooLong")
  const parsed = Result.try(() => JSON.parse(text.replace(/^\ufeff/, "")) as unknown)
  if (Result.isFailure(parsed)) return Result.fail("NoJson")
  const value = parsed.success
  if (typeof value !== "object" || value === null || Array.isArray(value)) return Result.fail("NoObject")
  const { $schema: _, ...values } = value as { readonly [name: string]: unknown }
  return Result.succeed({ provider, values })
}

/** What the environment says: `PIECEWORK_` and the setting's name, in capital letters. */
export const fromEnvironment = (environment: { readonly [name: string]: string | undefined }): Said => {
  const values: { [name: string]: unknown } = {}
  for (const name of names) {
    const text = environment[variableOf(name)]
    if (text !== undefined) values[name] = text
  }
  return { provider: "Environment", values }
}

/** An environment in which every device takes part in peering, however small it and its contents are and whatever it is connected to: for trials. */
export const anyDevice: { readonly [name: string]: string } = {
  PIECEWORK_DOMINRAMALLOWEDTOPEER: "1",
  PIECEWORK_DOMINDISKSIZEALLOWEDTOPEER: "1",
  PIECEWORK_DOMINFILESIZETOCACHE: "1",
  PIECEWORK_DOALLOWVPNPEERCACHING: "1",
  PIECEWORK_DOMINBATTERYPERCENTAGEALLOWEDTOUPLOAD: "1"
}

export const variableOf = (name: string): string => `PIECEWORK_${name.toUpperCase()}`

/** The schema of the file (draft 2020-12). */
export const jsonSchema = (): { readonly [keyword: string]: unknown } => ({
  $schema: "https://json-schema.org/draft/2020-12/schema",
  title: "Policy of a Piecework client",
  type: "object",
  properties: {
    $schema: { type: "string" },
    ...Object.fromEntries(names.map((name) => [name, describe(settings[name])]))
  },
  additionalProperties: false
})

const describe = (setting: Setting<unknown>): { readonly [keyword: string]: unknown } => ({
  description: setting.unit === undefined ? setting.summary : `${setting.summary} In ${setting.unit}.`,
  ...setting.kind.jsonSchema,
  ...(setting.default === undefined ? {} : { default: setting.default }),
  ...(setting.deprecated === undefined ? {} : { deprecated: true })
})
