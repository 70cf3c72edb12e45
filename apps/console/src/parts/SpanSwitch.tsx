/** The last 7 or 28 days; what is chosen holds for all pages, for as long as the console is open. */
import { SegmentedControl } from "@mantine/core"
import type { Span } from "@piecework/reports/Days"
import { useSyncExternalStore } from "react"

let chosen: Span = 28
const hearers = new Set<() => void>()

const hear = (hearer: () => void): (() => void) => {
  hearers.add(hearer)
  return () => void hearers.delete(hearer)
}

const choose = (span: Span): void => {
  chosen = span
  for (const hearer of hearers) hearer()
}

export const useSpan = (): Span => useSyncExternalStore(hear, () => chosen)

export const SpanSwitch = () => (
  <SegmentedControl
    aria-label="Time"
    value={String(useSpan())}
    onChange={(value) => choose(value === "7" ? 7 : 28)}
    data={[
      { value: "7", label: "7 days" },
      { value: "28", label: "28 days" }
    ]}
  />
)
