/**
 * Runs the scripts of a bundle, and keeps what V8 compiled of them for the next start. Node's own cache keeps a script as it is
 * before it runs; a start compiles most functions when they are first called, and those are kept here.
 *
 * What is kept is believed if its checksum is right and it was made of this very source by this V8: V8 itself looks at neither
 * the bytes nor the source, only at its length. A folder that cannot be used costs the time to compile, and nothing else.
 */
import { readFileSync, renameSync, writeFileSync } from "node:fs"
import { createRequire } from "node:module"
import { join } from "node:path"
import { cachedDataVersionTag, getHeapCodeStatistics } from "node:v8"
import { constants, Script } from "node:vm"
import { crc32 } from "node:zlib"

/**
 * Of a kept file, in four bytes each: the checksum of what follows, that of the source, what V8 calls its version, flags
 * included, and how many bytes of compiled code the process had that kept it.
 */
const headerBytes = 16

/** A process that compiled so much more than the one that kept it keeps its own: a `get` compiles more than a `--version`. */
const growth = 1.1

/** Modules are strict, and what comes of them in a bundle stays so. What begins with `#!` begins with a comment. */
const wrap = (source) =>
  `(function (exports, require, module, __filename, __dirname) { "use strict"; ${source.replace(/^#!/, "//")}\n})`

/**
 * Runs `entry`, a CommonJS script in `folder`, and what it requires of that folder (`./name`). At the end of the process what was compiled is
 * kept in the folder `kept`, in one file for each script; nothing is if that is `undefined`.
 */
export const run = (folder, entry, kept) => {
  const loaded = []
  const modules = new Map()

  const load = (name) => {
    const begun = modules.get(name)
    if (begun !== undefined) return begun.exports
    const module = { exports: {} }
    modules.set(name, module)
    const path = join(folder, name)
    const source = readFileSync(path)
    const place = kept === undefined ? undefined : join(kept, `${crc32(path).toString(16).padStart(8, "0")}.script`)
    const origin = crc32(source)
    const found = place === undefined ? undefined : read(place, origin)
    const script = new Script(wrap(source.toString()), {
      filename: path,
      ...(found === undefined ? {} : { cachedData: found.data }),
      importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER
    })
    if (place !== undefined) {
      const known = found === undefined || script.cachedDataRejected ? 0 : found.codeBytes
      loaded.push({ script, place, origin, known })
    }
    const outer = createRequire(path)
    const require = (id) => (id.startsWith("./") ? load(id.slice(2)) : outer(id))
    script.runInThisContext()(module.exports, require, module, path, folder)
    return module.exports
  }

  process.once("exit", () => {
    if (kept === undefined) return
    const codeBytes = getHeapCodeStatistics().bytecode_and_metadata_size
    for (const { known, origin, place, script } of loaded) {
      if (codeBytes > known * growth) write(place, origin, codeBytes, script.createCachedData())
    }
  })
  load(entry)
}

const read = (place, origin) => {
  try {
    const file = readFileSync(place)
    const data = file.subarray(headerBytes)
    const isRight =
      file.length > headerBytes &&
      file.readUInt32LE(0) === crc32(data) &&
      file.readUInt32LE(4) === origin &&
      file.readUInt32LE(8) === cachedDataVersionTag()
    return isRight ? { data, codeBytes: file.readUInt32LE(12) } : undefined
  } catch {
    return undefined
  }
}

/** Others may start or end at this moment: the file appears whole. */
const write = (place, origin, codeBytes, data) => {
  const header = Buffer.alloc(headerBytes)
  header.writeUInt32LE(crc32(data), 0)
  header.writeUInt32LE(origin, 4)
  header.writeUInt32LE(cachedDataVersionTag(), 8)
  header.writeUInt32LE(Math.min(codeBytes, 0xffff_ffff), 12)
  const draft = `${place}.${process.pid}`
  try {
    writeFileSync(draft, Buffer.concat([header, data]), { mode: 0o600 })
    renameSync(draft, place)
  } catch {
    // The next start compiles again.
  }
}
