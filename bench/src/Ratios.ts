/** What Piecework's standings come to beside those of every tool, in one number each. Pure. */
import * as Contest from "./Contest.ts"
import * as Statistics from "./Statistics.ts"

/** Standings over a small file and a large one. */
export interface Pair {
  readonly small: Contest.Standings
  readonly large: Contest.Standings
}

export type Ratios = Readonly<Record<string, number | null>>

/** The end of a ratio's name: `simpleToCurl`, `peerToAria2`. */
const nameOf = (tool: string): string => {
  const short = tool === "aria2c" ? "aria2" : tool
  return `${short.charAt(0).toUpperCase()}${short.slice(1)}`
}

/** One ratio of times for each tool that is there; above 1, Piecework is faster. */
export const times = (prefix: "simpleTo" | "peerTo", { large, small }: Pair): Ratios =>
  Object.fromEntries(
    others(large).flatMap(([tool, standing]) => {
      const name = `${prefix}${nameOf(tool)}`
      const own = large["piecework"]
      const [ownSmall, otherSmall] = [small["piecework"], small[tool]]
      if (own === undefined || ownSmall === undefined || otherSmall === undefined) return []
      return [
        [name, Contest.ratio(own, standing)],
        [`${name}BeyondStart`, Contest.ratioBeyond([ownSmall, own], [otherSmall, standing])]
      ]
    })
  )

/** One ratio of processor time, both ends together, for each tool that is there; below 1, Piecework takes less. */
export const processors = ({ large }: Pair): Ratios => {
  const own = bothEnds(large["piecework"])
  return Object.fromEntries(
    others(large).map(([tool, standing]) => {
      const theirs = bothEnds(standing)
      const known = own !== undefined && theirs !== undefined && theirs > 0
      return [`cpuTo${nameOf(tool)}`, known ? Statistics.round(own / theirs, 3) : null]
    })
  )
}

const others = (standings: Contest.Standings) =>
  Object.entries(standings).filter(([tool, { installed }]) => tool !== "piecework" && installed)

const bothEnds = (standing: Contest.Standing | undefined): number | undefined =>
  standing?.failed !== undefined ||
  standing?.cpuSecondsPerGib === undefined ||
  standing.otherEndCpuSecondsPerGib === undefined
    ? undefined
    : standing.cpuSecondsPerGib + standing.otherEndCpuSecondsPerGib
