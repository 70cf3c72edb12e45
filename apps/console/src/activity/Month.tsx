/** This month: where bytes came from and went to, and how fast. Source: spec.md §8.2. */
import { Progress, Text } from "@mantine/core"
import { bytesOf, savedPercent } from "@piecework/client/ActivityPage"
import type { PerfMonth } from "@piecework/client/Activity"
import { Panel } from "../parts/Panel.tsx"
import * as Amount from "../view/Amount.ts"
import classes from "./Month.module.css"
import { down, up } from "./Sources.ts"
import { Split } from "./Split.tsx"

/** A kilobit of the month's rates is 1024 bits. */
const rate = (kbps: number): string => (kbps === 0 ? "none yet" : Amount.bitRate(kbps * 1024))

export const Month = ({ month }: { readonly month: PerfMonth }) => {
  const bytes = bytesOf(month)
  const received = Object.values(bytes.down).reduce((sum, n) => sum + n, 0)
  const sent = bytes.up.local + bytes.up.internet
  const saved = savedPercent(bytes)
  return (
    <Panel
      title={`Since ${begun(month.MonthStartDate)}`}
      about="Bytes of this calendar month, by the clock of this device."
    >
      <div className={classes["month"]}>
        <div className={classes["hero"]}>
          <Text className={classes["figure"] ?? ""}>{received === 0 ? "–" : Amount.percent(saved)}</Text>
          <Text size="sm" c="dimmed">
            {received === 0
              ? "Nothing was downloaded this month."
              : `of ${Amount.bytes(received)} came from other devices and cache servers, not from the Internet's servers.`}
          </Text>
          <dl className={classes["facts"]}>
            <Fact name="Mean speed, downloads you started" value={rate(month.DownloadFgRateKbps)} />
            <Fact name="Mean speed, in the background" value={rate(month.DownloadBgRateKbps)} />
            <Fact name="Files downloaded" value={Amount.number(month.FilesDownloaded)} />
          </dl>
        </div>
        <div className={classes["splits"]}>
          <Split title="Downloaded" parts={down.map((part) => ({ ...part, bytes: bytes.down[part.key] }))} />
          <Split
            title="Uploaded"
            parts={up.map((part) => ({ ...part, bytes: bytes.up[part.key] }))}
            none="Nothing was sent to other devices."
          />
          {month.MonthlyUploadRestriction === 0 ? null : (
            <Limit
              used={bytes.up.internet}
              limit={month.MonthlyUploadRestriction}
              isReached={month.UploadLimitReached}
            />
          )}
          {sent === 0 ? null : (
            <Text size="xs" c="dimmed">
              PCs on the local network are those of this device&apos;s network, its links and its group.
            </Text>
          )}
        </div>
      </div>
    </Panel>
  )
}

/** "2026-11-01T00:00:00…" → "1 November". */
const begun = (date: string): string => {
  const [year = 0, month = 1] = date.split("-").map((part) => Number.parseInt(part, 10))
  return `1 ${new Date(year, month - 1, 1).toLocaleDateString("en-GB", { month: "long" })}`
}

const Fact = ({ name, value }: { readonly name: string; readonly value: string }) => (
  <div className={classes["fact"]}>
    <dt>{name}</dt>
    <dd>{value}</dd>
  </div>
)

interface LimitProps {
  readonly used: number
  readonly limit: number
  readonly isReached: boolean
}

const Limit = ({ isReached, limit, used }: LimitProps) => (
  <div>
    <Text size="sm">
      Upload limit to the Internet: {Amount.bytes(used)} of {Amount.bytes(limit)}
      {isReached ? "; it is reached, and nothing more is sent there this month." : ""}
    </Text>
    <Progress
      value={Math.min(100, Amount.share(used, limit))}
      color={isReached ? "red" : "cyan"}
      size="sm"
      mt={4}
      aria-label="Upload limit"
    />
  </div>
)
