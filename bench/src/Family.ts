/** What a process and all that descend from it use, as the system tells it now: servers hand their work to processes of their own. */
import { readdirSync, readFileSync } from "node:fs"
import { ticksPerSecond } from "./Usage.ts"

export interface Use {
  /** User and system time of all of them so far. */
  readonly cpuSeconds: number
  /** Memory that is resident now, and the most that was, as the sum over the processes: what they share counts for each. */
  readonly rssBytes: number
  readonly peakRssBytes: number
}

interface Process {
  readonly pid: number
  readonly parent: number
  readonly ticks: number
}

/** From /proc/PID/stat. Its second field, the name, may hold any character, so fields are counted from the last bracket. Source: proc_pid_stat(5). */
export const parse = (pid: number, stat: string): Process => {
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
  return { pid, parent: Number(fields[1]), ticks: Number(fields[11]) + Number(fields[12]) }
}

/** The process and its descendants among all that there are. */
export const familyOf = (pid: number, all: ReadonlyArray<Process>): ReadonlyArray<Process> => {
  const family = all.filter((one) => one.pid === pid)
  for (let from = 0; from < family.length; from++) {
    family.push(...all.filter(({ parent }) => parent === family[from]?.pid))
  }
  return family
}

/** `undefined` once the process is gone, and on systems without /proc. */
export const useOf = (pid: number): Use | undefined => {
  const family = familyOf(pid, processes())
  if (family.length === 0) return undefined
  const memory = family.map((one) => read(`/proc/${one.pid}/status`))
  const sum = (field: RegExp) =>
    memory.reduce((total, status) => total + Number(field.exec(status ?? "")?.[1] ?? 0) * 1024, 0)
  return {
    cpuSeconds: family.reduce((total, { ticks }) => total + ticks, 0) / ticksPerSecond,
    rssBytes: sum(/^VmRSS:\s*(\d+) kB$/m),
    peakRssBytes: sum(/^VmHWM:\s*(\d+) kB$/m)
  }
}

const processes = (): ReadonlyArray<Process> =>
  (entries("/proc") ?? []).flatMap((name) => {
    const stat = /^\d+$/.test(name) ? read(`/proc/${name}/stat`) : undefined
    return stat === undefined ? [] : [parse(Number(name), stat)]
  })

/** A process may be gone by the time that it is looked at. */
const read = (path: string): string | undefined => {
  try {
    return readFileSync(path, "latin1")
  } catch {
    return undefined
  }
}

const entries = (path: string): ReadonlyArray<string> | undefined => {
  try {
    return readdirSync(path)
  } catch {
    return undefined
  }
}
