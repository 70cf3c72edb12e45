import { defineConfig } from "vitest/config"

export default defineConfig({
  resolve: { conditions: ["source"] },
  ssr: { resolve: { conditions: ["source"] } },
  test: {
    include: ["{packages,apps}/*/test/**/*.test.ts", "{bench,demo,simulate}/test/**/*.test.ts"],
    pool: "threads",
    // Most tests take milliseconds; those that start programs may meet a machine that is busy.
    testTimeout: 120_000
  }
})
