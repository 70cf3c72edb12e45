/** Writes what `packages/policy` knows of the settings to `docs/`: the table for people, the schema for editors. */
import { writeFileSync } from "node:fs"
import { PolicyFile, Reference } from "@piecework/policy"

const docs = new URL("../docs/", import.meta.url)
writeFileSync(new URL("settings.md", docs), Reference.markdown())
writeFileSync(new URL("policy.schema.json", docs), `${JSON.stringify(PolicyFile.jsonSchema(), null, 2)}\n`)
