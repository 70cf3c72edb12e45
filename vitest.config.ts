import { availableParallelism } from "node:os"
import { fileURLToPath } from "node:url"
import { defineConfig } from "vitest/config"

export default defineConfig({
  resolve: { conditions: ["source"] },
  ssr: { resolve: { conditions: ["source"] } },
  test: {
    // Programs that tests start read what was compiled of them, from the second on.
    env: { NODE_COMPILE_CACHE: fileURLToPath(new URL("./node_modules/.cache/compiled", import.meta.url)) },
    globalSetup: "./scripts/bundles.mjs",
    include: ["{packages,apps}/*/test/**/*.test.ts", "{bench,demo,simulate}/test/**/*.test.ts"],
    pool: "threads",
    // Half of the time is spent waiting for programs, so no processor is left out.
    maxWorkers: availableParallelism(),
    // Most tests take milliseconds; those that start programs may meet a machine that is busy.
    testTimeout: 120_000
  }
})
