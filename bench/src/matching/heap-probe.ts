/**
 * Preloaded into a server (`--expose-gc --import "file:///…/heap-probe.ts?to=FILE"`), writes to FILE at each SIGUSR2 what
 * its heap holds once all that nobody needs is gone: bytes of V8's heap and of buffers outside it, as text.
 */
import { writeFileSync } from "node:fs"

const to = new URL(import.meta.url).searchParams.get("to")
const { gc } = globalThis
if (to === null || gc === undefined) throw new Error("usage: node --expose-gc --import heap-probe.ts?to=FILE …")

process.on("SIGUSR2", () => {
  // Twice: what the first finds to be finalised goes with the second.
  gc()
  setImmediate(() => {
    gc()
    const { external, heapUsed } = process.memoryUsage()
    writeFileSync(to, `${heapUsed + external}\n`)
  })
})
