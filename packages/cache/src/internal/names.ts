/** The names that the cache gives in its folder. */
import { randomBytes } from "node:crypto"

/** Folder of the partial files, beside the contents' folders. */
export const partialsFolder = "simple"

/** Bytes of a name that go into a temporary one, so that this fits into the 255 bytes that file systems allow. */
const shortened = 200

/** `.NAME.RANDOM.part`: hidden, beside the file it becomes, and nobody else's. */
export const temporary = (name: string): string => {
  let kept = name
  while (Buffer.byteLength(kept) > shortened) kept = kept.slice(0, -1)
  return `.${kept}.${randomBytes(6).toString("hex")}.part`
}

/** A content that is being deleted: whole under this name at first, then less and less. Whoever finds it deletes the rest. */
export const deleted = (): string => `.deleted-${randomBytes(6).toString("hex")}`

export const isDeleted = (name: string): boolean => /^\.deleted-[0-9a-f]{12}$/.test(name)
