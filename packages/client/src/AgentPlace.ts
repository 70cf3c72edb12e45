/**
 * Where an agent is found on this machine: the folder in which it leaves the port of its REST interface and its socket, and where programs look
 * for it. Agent and programs read the rule here, so that they meet.
 */
import { homedir } from "node:os"
import { join } from "node:path"

export const socketName = "agent.sock"

/** Bytes of the longest path a socket can have: 108 with the zero at its end. Source: Linux, unix(7). */
export const longestPath = 107

/** Where programs of the Linux agent look, and where their kit writes its own settings. Source: spec.md §1 and §3.4. */
export const compatible = {
  run: "/var/run/deliveryoptimization-agent",
  etc: "/etc/deliveryoptimization-agent"
} as const

const ofSystem = "/run/piecework"

type Environment = Readonly<Record<string, string | undefined>>

/** The folder of a program's state when none is named: `$STATE_DIRECTORY` (systemd), root's, else the user's. Default the agent's. */
export const stateFolder = (env: Environment, isRoot = process.getuid?.() === 0, program = "piecework"): string =>
  // systemd names several folders with colons between them when a unit has several.
  env["STATE_DIRECTORY"]?.split(":")[0] || (isRoot ? `/var/lib/${program}` : join(ofUser(env), program))

const ofUser = (env: Environment): string => env["XDG_STATE_HOME"] || join(home(), ".local", "state")

/** A user whom the system does not know has no home. */
const home = (): string => {
  try {
    return homedir()
  } catch {
    return "/"
  }
}

export interface Chosen {
  /** `--run-dir`. */
  readonly named: string | undefined
  /** `--compat-dirs`. */
  readonly isCompatible: boolean
  /** `--state`: a process that keeps apart what it holds keeps apart where it is found, too. */
  readonly state: string | undefined
}

/** The folder in which an agent is found. */
export const runFolder = (
  { isCompatible, named, state }: Chosen,
  env: Environment,
  isRoot = process.getuid?.() === 0
): string => {
  if (named !== undefined) return named
  if (isCompatible) return compatible.run
  if (state !== undefined) return join(state, "run")
  if (env["RUNTIME_DIRECTORY"]) return env["RUNTIME_DIRECTORY"].split(":")[0] ?? ofSystem
  if (isRoot) return ofSystem
  return env["XDG_RUNTIME_DIR"] ? join(env["XDG_RUNTIME_DIR"], "piecework") : join(stateFolder(env, isRoot), "run")
}

/**
 * The sockets to try, best first: `$PIECEWORK_SOCKET` alone when it is set, else the agent of `$PIECEWORK_STATE`, that of this user, and that of
 * the machine. What systemd says to a service of its own folders says nothing of the agent's.
 */
export const sockets = (env: Environment, isRoot = process.getuid?.() === 0): ReadonlyArray<string> => {
  if (env["PIECEWORK_SOCKET"]) return [env["PIECEWORK_SOCKET"]]
  const { RUNTIME_DIRECTORY: _, STATE_DIRECTORY: __, ...own } = env
  const state = own["PIECEWORK_STATE"] || undefined
  const folders = [
    ...(state === undefined ? [] : [runFolder({ named: undefined, isCompatible: false, state }, own, isRoot)]),
    runFolder({ named: undefined, isCompatible: false, state: undefined }, own, isRoot),
    ofSystem
  ]
  return [...new Set(folders)].map((folder) => join(folder, socketName))
}
