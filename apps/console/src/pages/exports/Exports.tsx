/** Reports as files of comma-separated values, for spreadsheets and programs. */
import { Button, Text } from "@mantine/core"
import { IconDownload } from "@tabler/icons-react"
import { useEffect, useRef, useState } from "react"
import { CallFailed } from "../../calls/CallFailed.ts"
import { Page as Within } from "../../parts/Page.tsx"
import { SpanSwitch, useSpan } from "../../parts/SpanSwitch.tsx"
import { Surface } from "../../parts/Surface.tsx"
import * as Amount from "../../view/Amount.ts"
import { type Export, exports } from "./Export.ts"
import classes from "./Exports.module.css"
import { fileNameOf, write } from "./Writing.ts"

export const Page = () => (
  <Within
    title="Exports"
    about="Comma-separated values with the field names of Delivery Optimization's reports. Ids of groups are hashed."
    actions={<SpanSwitch />}
  >
    <Surface>
      <ul className={classes["list"]}>
        {exports.map((one) => (
          <li key={one.key}>
            <Line of={one} />
          </li>
        ))}
      </ul>
    </Surface>
  </Within>
)

type State =
  | { readonly _tag: "Idle"; readonly said: string }
  | { readonly _tag: "Running"; readonly rows: number }
  | { readonly _tag: "Failed"; readonly sentence: string }

const Line = ({ of }: { readonly of: Export }) => {
  const days = useSpan()
  const [state, setState] = useState<State>({ _tag: "Idle", said: "" })
  const running = useRef<AbortController>(undefined)
  useEffect(() => () => running.current?.abort(), [])
  const stop = () => running.current?.abort()
  const start = async () => {
    const controller = new AbortController()
    running.current = controller
    setState({ _tag: "Running", rows: 0 })
    try {
      let count = 0
      const parts = await write(of.pages(days), of.columns, controller.signal, (rows) => {
        count = rows
        setState({ _tag: "Running", rows })
      })
      save(parts, fileNameOf(of.key, days, Date.now()))
      setState({ _tag: "Idle", said: `${Amount.count(count, "row")} written.` })
    } catch (error) {
      setState(
        controller.signal.aborted
          ? { _tag: "Idle", said: "Stopped; no file was written." }
          : {
              _tag: "Failed",
              sentence: error instanceof CallFailed ? error.sentence : "The file could not be written."
            }
      )
    }
  }
  return (
    <>
      <div className={classes["words"]}>
        <Text fw={600}>{of.label}</Text>
        <Text size="sm" c="dimmed">
          {of.about}
        </Text>
        <Text size="sm" role="status" c={state._tag === "Failed" ? "var(--grade-error)" : "dimmed"}>
          {state._tag === "Running"
            ? `${Amount.count(state.rows, "row")} so far`
            : state._tag === "Failed"
              ? state.sentence
              : state.said}
        </Text>
      </div>
      {state._tag === "Running" ? (
        <Button variant="default" size="sm" onClick={stop}>
          Stop
        </Button>
      ) : (
        <Button
          variant="default"
          size="sm"
          leftSection={<IconDownload size={16} aria-hidden />}
          aria-label={`Download ${of.label.toLowerCase()} as CSV`}
          onClick={() => void start()}
        >
          CSV
        </Button>
      )}
    </>
  )
}

/** Hands the browser a file to keep. */
const save = (parts: ReadonlyArray<string>, name: string): void => {
  const address = URL.createObjectURL(new Blob([...parts], { type: "text/csv;charset=utf-8" }))
  const link = document.createElement("a")
  link.href = address
  link.download = name
  link.click()
  // The browser has taken it by the next turn.
  setTimeout(() => URL.revokeObjectURL(address), 1_000)
}
