/** `fetch-to-file.ts URL FILE`: what Node itself has for a download, as a process. */
import { createWriteStream } from "node:fs"
import { Readable } from "node:stream"
import { pipeline } from "node:stream/promises"

const [url, file] = process.argv.slice(2)
if (url === undefined || file === undefined) throw new Error("usage: fetch-to-file.ts URL FILE")
const response = await fetch(url)
if (!response.ok || response.body === null) throw new Error(`the server answered ${response.status}`)
await pipeline(Readable.fromWeb(response.body), createWriteStream(file))
