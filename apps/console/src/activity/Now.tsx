/** This moment: how fast bytes come and go, and every download with what its user may do about it. */
import { Text } from "@mantine/core"
import { IconDownload } from "@tabler/icons-react"
import type { ActivityPage } from "@piecework/client/ActivityPage"
import { Empty } from "../parts/Empty.tsx"
import { Panel } from "../parts/Panel.tsx"
import * as Amount from "../view/Amount.ts"
import { Download } from "./Download.tsx"
import classes from "./Now.module.css"
import * as Running from "./Running.ts"
import { Speed } from "./Speed.tsx"

export const Now = ({ page }: { readonly page: ActivityPage }) => {
  const rows = Running.of(page)
  const hidden = page.jobCount - page.jobs.length
  return (
    <>
      <Panel title="Speed now">
        <Speed moment={page.moment} />
      </Panel>
      <Panel
        title="Downloads"
        about={
          rows.length === 0
            ? undefined
            : "What programs have this agent download, and what else this device fetches now."
        }
      >
        {rows.length === 0 ? (
          <Empty title="Nothing is being downloaded" icon={<IconDownload size={36} stroke={1.4} aria-hidden />}>
            Programs that use the agent appear here, and so does <code>piecework get --agent URL</code>.
          </Empty>
        ) : (
          <ul className={classes["list"]}>
            {rows.map((row) => (
              <Download key={row.id} row={row} />
            ))}
          </ul>
        )}
        {hidden <= 0 ? null : (
          <Text size="sm" c="dimmed" mt="sm">
            {Amount.count(hidden, "older job")} not shown; piecework jobs list shows all.
          </Text>
        )}
      </Panel>
    </>
  )
}
