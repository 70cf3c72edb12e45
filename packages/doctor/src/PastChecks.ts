/** What the downloads of late tell: whether the peers that they were told of were reached, and whether they ended with their file; and what the log has of errors. */
import { type Check, disabled, pass, warn } from "./Check.ts"
import type { Past } from "./Findings.ts"

/** Of downloads that may fail before somebody should look: a wrong URL is nobody's trouble. */
const mostFailing = 0.25

export const all = (past: Past): ReadonlyArray<Check> => [peers(past), downloads(past), log(past)]

const peers = ({ peers: found }: Past): Check => {
  if (found === undefined) return disabled("peers", "no download of the last 15 days was told of peers")
  const { connected, known, why } = found
  return connected > 0
    ? pass("peers", `the last download was told of ${known} and connected with ${connected}`)
    : warn(
        "peers",
        `the last download was told of ${known} ${known === 1 ? "peer" : "peers"} and connected with none${why === undefined ? "" : ` (${why})`}`,
        "Something between the devices does not let TCP port 7680 through: firewalls, client isolation of a WLAN, subnets without a route. piecework explain says it of each peer."
      )
}

const downloads = ({ ended, failed, why }: Past): Check => {
  if (ended === 0) return disabled("downloads", "none in the last 15 days")
  const sentence = `${failed} of ${ended} ${ended === 1 ? "download" : "downloads"} of the last 15 days failed`
  if (failed <= ended * mostFailing)
    return pass("downloads", failed === 0 ? `${ended} of the last 15 days, and none failed` : sentence)
  const last = why === undefined ? "" : `, the last with: ${why.replace(/\.$/, "")}`
  return warn("downloads", `${sentence}${last}`, "piecework explain says of each download what became of it and why.")
}

const log = ({ errors }: Past): Check => {
  if (errors === undefined) return disabled("log", "there is no log that could be read")
  const times = errors.reduce((sum, error) => sum + error.times, 0)
  const [most] = errors
  if (most === undefined) return pass("log", "none in the last 15 days that does not pass by itself")
  const often = errors.length === 1 ? "" : `, most often (${most.times})`
  return warn(
    "log",
    `the log has ${times} ${times === 1 ? "error" : "errors"} of the last 15 days${often}: ${most.what.replace(/\.$/, "")}`,
    "piecework log --level error --since 15d shows them, with the function that each is from."
  )
}
