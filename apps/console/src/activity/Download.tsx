/** One download: how far it is, where its bytes come from, why so, and buttons for what its user may do. */
import { Button, Group, Modal, Text } from "@mantine/core"
import { useMutation, useQueryClient } from "@tanstack/react-query"
import { IconCheck, IconCircleCheckFilled, IconPlayerPause, IconPlayerPlay, IconTrash } from "@tabler/icons-react"
import { useState } from "react"
import { CallFailed } from "../calls/CallFailed.ts"
import { Tag } from "../parts/Tag.tsx"
import * as Amount from "../view/Amount.ts"
import { hostOf } from "../view/Address.ts"
import * as DeviceAgent from "./DeviceAgent.ts"
import classes from "./Download.module.css"
import * as Parts from "./Parts.ts"
import * as Running from "./Running.ts"
import { Bar } from "./Split.tsx"

const looks = {
  Waiting: { word: "Not started", tone: "none" },
  Downloading: { word: "Downloading", tone: "active" },
  Paused: { word: "Paused", tone: "warning" },
  Failed: { word: "Stopped", tone: "error" },
  Done: { word: "Done", tone: "good" }
} as const

const buttons = {
  pause: { word: "Pause", Icon: IconPlayerPause },
  resume: { word: "Resume", Icon: IconPlayerPlay },
  abort: { word: "Abort", Icon: IconTrash },
  finalize: { word: "Take off the list", Icon: IconCheck }
} as const

export const Download = ({ row }: { readonly row: Running.Running }) => {
  const client = useQueryClient()
  const [isAsking, setAsking] = useState(false)
  const act = useMutation<void, CallFailed, DeviceAgent.Action>({
    mutationFn: (action) => DeviceAgent.act(action, row.id),
    onSettled: async () => {
      setAsking(false)
      await client.invalidateQueries({ queryKey: DeviceAgent.now.key })
    }
  })
  const look = looks[row.state]
  const parts = Parts.of(row)
  return (
    <li className={classes["download"]}>
      <div className={classes["head"]}>
        <div className={classes["words"]}>
          <Text fw={600} className={classes["name"] ?? ""}>
            {row.name}
          </Text>
          <Text size="xs" c="dimmed" className={classes["name"] ?? ""}>
            {[row.from === undefined ? undefined : `from ${hostOf(row.from)}`, row.path].filter(Boolean).join(" to ")}
          </Text>
        </div>
        <Tag tone={look.tone}>{look.word}</Tag>
      </div>
      <Bar parts={parts.bar} of={parts.of} />
      <div className={classes["line"]}>
        <Text size="sm" component="div" className={classes["progress"] ?? ""}>
          {row.state === "Done" ? <IconCircleCheckFilled size={16} className={classes["done"]} aria-hidden /> : null}
          {progress(row)}
        </Text>
        <Text size="sm" c="dimmed">
          {parts.known.map(({ bytes, label }) => `${label} ${Amount.bytes(bytes)}`).join(" · ")}
        </Text>
      </div>
      {row.trouble === undefined ? null : (
        <Text size="sm" c="var(--grade-error)">
          {row.trouble}
        </Text>
      )}
      {row.why === undefined ? null : (
        <Text size="sm" c="dimmed">
          {row.why}
        </Text>
      )}
      {act.error === null ? null : (
        <Text size="sm" role="alert">
          {act.error.sentence}
        </Text>
      )}
      {row.actions.length === 0 ? null : (
        <Group gap="xs" mt={4}>
          {row.actions.map((action) => {
            const { Icon, word } = buttons[action]
            return (
              <Button
                key={action}
                size="compact-sm"
                variant="default"
                leftSection={<Icon size={15} aria-hidden />}
                loading={act.isPending && act.variables === action}
                aria-label={`${word}: ${row.name}`}
                onClick={() => (action === "abort" ? setAsking(true) : act.mutate(action))}
              >
                {word}
              </Button>
            )
          })}
        </Group>
      )}
      <Modal opened={isAsking} onClose={() => setAsking(false)} title={`Abort ${row.name}?`}>
        <Text size="sm">
          The job is taken off the list and its file deleted, as far as it is there. What the cache holds of it stays
          for other devices.
        </Text>
        <Group justify="flex-end" mt="lg">
          <Button variant="default" onClick={() => setAsking(false)}>
            Keep it
          </Button>
          <Button color="red" loading={act.isPending} onClick={() => act.mutate("abort")}>
            Abort
          </Button>
        </Group>
      </Modal>
    </li>
  )
}

const progress = (row: Running.Running): string => {
  if (row.state === "Done") return `Complete, ${Amount.bytes(row.done)}`
  const left = Running.secondsLeft(row)
  return [
    row.total === 0 ? Amount.bytes(row.done) : `${Amount.bytes(row.done)} of ${Amount.bytes(row.total)}`,
    row.total === 0 ? undefined : Amount.percent(Amount.share(row.done, row.total)),
    row.rate === 0 ? undefined : Amount.byteRate(row.rate),
    left === undefined ? undefined : `${Amount.span(left * 1000)} left`,
    row.peers === 0 ? undefined : Amount.count(row.peers, "device")
  ]
    .filter((part) => part !== undefined)
    .join(" · ")
}
