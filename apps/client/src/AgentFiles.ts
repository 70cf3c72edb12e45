/**
 * What the files of the Linux agent of Delivery Optimization say of settings, for devices that have them already: the administrator's file
 * and the one that its kit writes. Both speak after our own. Source: spec.md §1, the Linux agent's own configuration.
 */
import type { Said } from "@piecework/policy/Policy"
import * as PolicyFile from "@piecework/policy/PolicyFile"
import { Result } from "effect"

/** Where they are. */
export const usualFolder = "/etc/deliveryoptimization-agent"

export const fileNames = { admin: "admin-config.json", kit: "sdk-config.json" } as const

type Parse = (text: string) => Result.Result<Said, PolicyFile.Flaw>

const values = (text: string, of: (file: Said["values"]) => Said["values"]): Result.Result<Said, PolicyFile.Flaw> =>
  Result.map(PolicyFile.parse("MachineFile", text), (said) => ({ ...said, values: of(said.values) }))

/** Its keys for the cache server; that agent tells no foreground from background, and looks at the background's delay first. */
export const admin: Parse = (text) =>
  values(text, (file) => {
    const delay = file["DODelayCacheServerFallbackBackground"] ?? file["DODelayCacheServerFallbackForeground"]
    const seconds = never.has(String(delay)) ? -1 : delay
    return {
      ...("DOCacheHost" in file ? { DOCacheHost: file["DOCacheHost"] } : {}),
      ...(delay === undefined
        ? {}
        : { DODelayCacheServerFallbackBackground: seconds, DODelayCacheServerFallbackForeground: seconds })
    }
  })

/** That agent keeps it in 32 bits without a sign. */
const never: ReadonlySet<string> = new Set(["-1", String(2 ** 32 - 1)])

/** The gateway in the connection string of a device is its cache server. The rest of that string is a secret, which nobody here looks at. */
export const kit: Parse = (text) =>
  values(text, (file) => {
    const connection = file["ADUC_IoTConnectionString"]
    const gateway = typeof connection === "string" ? /GatewayHostName=([^;]*)/i.exec(connection)?.[1] : undefined
    return gateway ? { DOCacheHost: gateway } : {}
  })
