/** What a process has used, as the system tells it. Pure readings of its texts. */
import { Option } from "effect"

export interface Usage {
  /** User and system time of all threads. */
  readonly cpuSeconds: number
  /** Most memory that was resident at once. */
  readonly peakRssBytes: number
}

/** Makes GNU time and its kin write what `fromTime` reads: user and system seconds, and kilobytes. */
export const timeFormat = "%U %S %M"

/** The last line that `time` wrote; lines before it complain about the exit code. */
export const fromTime = (text: string): Option.Option<Usage> => {
  const [user, system, kilobytes, ...more] = (text.trim().split("\n").at(-1) ?? "").split(" ").map(Number)
  const complete = more.length === 0 && [user, system, kilobytes].every((n) => n !== undefined && Number.isFinite(n))
  return complete && user !== undefined && system !== undefined && kilobytes !== undefined
    ? Option.some({ cpuSeconds: user + system, peakRssBytes: kilobytes * 1024 })
    : Option.none()
}

/** Ticks a second in /proc/PID/stat: USER_HZ, 100 on every machine that Node runs on. Source: proc_pid_stat(5). */
export const ticksPerSecond = 100

/**
 * From /proc/PID/stat and /proc/PID/status. The name of the program stands in brackets in the former and may hold any
 * character, so fields are counted from the last bracket: user and system ticks are fields 14 and 15.
 */
export const fromProc = (stat: string, status: string): Option.Option<Usage> => {
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
  const ticks = Number(fields[11]) + Number(fields[12])
  const kilobytes = Number(/^VmHWM:\s*(\d+) kB$/m.exec(status)?.[1])
  return Number.isFinite(ticks) && Number.isFinite(kilobytes)
    ? Option.some({ cpuSeconds: ticks / ticksPerSecond, peakRssBytes: kilobytes * 1024 })
    : Option.none()
}
