/**
 * Builds the pages into `dist/site`: static files that find each other by relative addresses, so they run under any path. Nothing in them
 * is inline and nothing comes from elsewhere: they run under `default-src 'self'`. The packages of the workspace are built from their sources.
 */
import { fileURLToPath } from "node:url"
import react from "@vitejs/plugin-react"
import { defaultClientConditions, defineConfig } from "vite"

/** Where calls go while developing. */
const service = process.env["PIECEWORK_SERVICE"] ?? "http://127.0.0.1:7670"

const at = (page: string) => fileURLToPath(new URL(page, import.meta.url))

export default defineConfig({
  root: fileURLToPath(new URL(".", import.meta.url)),
  base: "./",
  plugins: [react()],
  resolve: { conditions: ["source", ...defaultClientConditions] },
  build: {
    outDir: "dist/site",
    target: "es2023",
    // A file in the page's address would be inline.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // Of what is built in, for the packages that the pages are part of.
    license: { fileName: "licences.md" },
    // The console, which the service serves, and the page of a device, which its agent serves.
    rolldownOptions: {
      input: { console: at("index.html"), activity: at("activity.html") },
      output: {
        codeSplitting: {
          groups: [
            { name: "react", test: /node_modules\/(react|react-dom|scheduler|wouter|regexparam|@tanstack)\// },
            { name: "effect", test: /node_modules\/effect\/|packages\/[a-z]+\/src\// },
            // What some pages share is one file; what a single one needs comes with it.
            {
              name: "shared",
              test: /node_modules\/(@mantine\/(core|hooks)|@floating-ui|@tabler|clsx)\/|src\/[a-z]+\//,
              minShareCount: 3
            }
          ]
        }
      }
    }
  },
  server: {
    host: "127.0.0.1",
    proxy: { "/rpc": { target: service, secure: false }, "/console/session": { target: service, secure: false } }
  }
})
