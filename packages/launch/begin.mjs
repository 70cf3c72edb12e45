#!/usr/bin/env node
/**
 * Where a bundle begins: what was compiled of the app is taken from where an earlier start left it, then the app is run. A
 * folder that cannot be used costs the time to compile, and nothing else.
 */
import { enableCompileCache } from "node:module"
import { compiled } from "./compiled.mjs"

const folder = compiled()
if (process.env.NODE_COMPILE_CACHE === undefined && folder !== undefined) enableCompileCache?.(folder)
await import("piecework:app")
