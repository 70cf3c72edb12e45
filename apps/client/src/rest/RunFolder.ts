/** Where programs look for the port of the REST interface. */
import { join } from "node:path"
import { defaultRoot } from "../StateFolder.ts"

/** Where programs of the Linux agent look, and where their kit writes its own settings. Source: spec.md §1 and §3.4. */
export const compatible = {
  run: "/var/run/deliveryoptimization-agent",
  etc: "/etc/deliveryoptimization-agent"
} as const

export interface Chosen {
  /** `--run-dir`. */
  readonly named: string | undefined
  /** `--compat-dirs`. */
  readonly isCompatible: boolean
  /** `--state`: a process that keeps apart what it holds keeps apart where it is found, too. */
  readonly state: string | undefined
}

export const of = (
  { isCompatible, named, state }: Chosen,
  env: NodeJS.ProcessEnv,
  isRoot = process.getuid?.() === 0
): string => {
  if (named !== undefined) return named
  if (isCompatible) return compatible.run
  if (state !== undefined) return join(state, "run")
  if (env["RUNTIME_DIRECTORY"]) return env["RUNTIME_DIRECTORY"].split(":")[0] ?? "/run/piecework"
  if (isRoot) return "/run/piecework"
  return env["XDG_RUNTIME_DIR"] ? join(env["XDG_RUNTIME_DIR"], "piecework") : join(defaultRoot(env), "run")
}
