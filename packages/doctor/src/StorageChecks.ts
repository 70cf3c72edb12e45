/** Whether what the device keeps can be kept: folders, files and room. */
import { type Check, type CheckId, disabled, fail, pass, warn } from "./Check.ts"
import type { Disk, Folder, Storage } from "./Findings.ts"

/** Bytes: less is a full disk, for records and logs are to be written as well. */
const leastBytes = 64 * 1_048_576
/** Files: a content takes a handful. */
const leastInodes = 1000

export const all = (storage: Storage): ReadonlyArray<Check> => [
  folder("state-folder", storage.state),
  files(storage),
  cache(storage),
  space(storage),
  inodes(storage)
]

const folder = (id: CheckId, { detail, is, path }: Folder): Check => {
  const said = detail === undefined ? "" : ` (${detail})`
  switch (is) {
    case "Usable":
      return pass(id, `${path} can be written`)
    case "Missing":
      return disabled(id, `${path} is not there yet; the first download makes it`)
    case "NoFolder":
      return fail(id, `${path} is no folder${said}`, "Move away what is there, or name another folder with --state.")
    case "ReadOnly":
      return fail(
        id,
        `${path} is on a file system that can only be read${said}`,
        "Mount it so that it can be written; look into the system's log for why it is not."
      )
    case "Foreign":
      return fail(
        id,
        `${path} belongs to another user, and this one may not write there${said}`,
        "Run the client as the user that the folder belongs to, or give the folder to this one with chown."
      )
    case "Denied":
      return fail(
        id,
        `${path} may not be written by this user${said}`,
        "Give its owner the right to read, write and enter it (chmod u+rwx)."
      )
    case "Full":
      // Told by the check of the disk, which says how full it is.
      return disabled(id, `${path} takes nothing new${said}`)
    case "Broken":
      return fail(id, `${path} cannot be used${said}`, "Look into the system's log: the disk may be failing.")
  }
}

const files = ({ damaged, state }: Storage): Check => {
  if (state.is === "Missing") return disabled("state-files", "there are none yet")
  const [first, ...more] = damaged.map(({ what, why }) => `${what} ${why}`)
  return first === undefined
    ? pass("state-files", "all that are read here can be read")
    : warn(
        "state-files",
        `${first}${more.length === 0 ? "" : `; and ${more.length} more`}`,
        "Delete the file: what it said is learnt again. An enrolment is made anew with piecework enrol."
      )
}

const cache = ({ cache: at, drive }: Storage): Check =>
  drive === undefined
    ? folder("cache-folder", at)
    : fail("cache-folder", drive.replace(/\.$/, ""), "Mount the disk or make the folder, or change DOModifyCacheDrive.")

const inMegabytes = (bytes: number): string =>
  bytes >= 1e9 ? `${(bytes / 1e9).toFixed(1)} GB` : `${(bytes / 1e6).toFixed(1)} MB`

const onDisks = (disks: ReadonlyArray<Disk>, of: (disk: Disk) => string): string =>
  disks.map((disk) => `${disk.holds}: ${of(disk)}`).join(", ")

const space = ({ disks }: Storage): Check => {
  if (disks.length === 0) return disabled("free-space", "the system does not tell how much is free")
  const full = disks.find(({ free }) => free < leastBytes)
  if (full !== undefined) {
    return fail(
      "free-space",
      `the disk of the ${full.holds} is full: ${inMegabytes(full.free)} of ${inMegabytes(full.total)} are free`,
      full.holds === "cache"
        ? "Make room; piecework cache list shows what the cache holds, and piecework cache delete frees it."
        : "Make room, or name a folder on another disk with --state."
    )
  }
  const low = disks.find(({ free, holds, leastFree }) => holds === "cache" && free < leastFree)
  return low === undefined
    ? pass(
        "free-space",
        onDisks(disks, ({ free }) => `${inMegabytes(free)} free`)
      )
    : warn(
        "free-space",
        `${inMegabytes(low.free)} of the cache's disk are free, less than the twentieth that stays free, so contents leave the cache`,
        "Make room on the disk, or let the cache lie on another one (DOModifyCacheDrive)."
      )
}

const inodes = ({ disks }: Storage): Check => {
  const limited = disks.filter(({ filesFree }) => filesFree !== undefined)
  if (limited.length === 0) return disabled("inodes", "the file system has no fixed number of files")
  const few = limited.find(({ filesFree }) => (filesFree ?? 0) < leastInodes)
  if (few === undefined)
    return pass(
      "inodes",
      onDisks(limited, ({ filesFree }) => `${filesFree ?? 0} free`)
    )
  const hint = "Delete files that nobody needs: each takes an inode, however small it is (df -i)."
  return (few.filesFree ?? 0) < 10
    ? fail("inodes", `no more files can be made on the disk of the ${few.holds}`, hint)
    : warn("inodes", `${few.filesFree ?? 0} more files can be made on the disk of the ${few.holds}`, hint)
}
