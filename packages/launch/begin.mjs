#!/usr/bin/env node
/** Where a bundle begins: the app beside this file is run, with what an earlier start has compiled of it. */
import { dirname } from "node:path"
import { fileURLToPath } from "node:url"
import { compiled } from "./compiled.mjs"
import { run } from "./run.mjs"

const { NODE_COMPILE_CACHE, NODE_DISABLE_COMPILE_CACHE } = process.env
const kept = NODE_DISABLE_COMPILE_CACHE === "1" ? undefined : (NODE_COMPILE_CACHE ?? compiled())
run(dirname(fileURLToPath(import.meta.url)), "app.cjs", kept)
