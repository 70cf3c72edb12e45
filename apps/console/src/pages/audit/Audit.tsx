/** Who changed what, the latest first. */
import { Button, Code, Text } from "@mantine/core"
import type { AuditEntry } from "@piecework/cloud/ContentAdminRpcs"
import { IconHistory } from "@tabler/icons-react"
import { useState } from "react"
import * as Contents from "../../calls/Contents.ts"
import * as Trust from "../../calls/Trust.ts"
import { useAsk } from "../../calls/useAsk.ts"
import { Answered } from "../../parts/Answered.tsx"
import { Empty } from "../../parts/Empty.tsx"
import { Page as Within } from "../../parts/Page.tsx"
import { Panel } from "../../parts/Panel.tsx"
import { type Column, DataTable } from "../../parts/table/DataTable.tsx"
import * as Session from "../../session/Session.ts"
import { useSession } from "../../session/useSession.ts"
import * as Amount from "../../view/Amount.ts"
import * as Who from "./Who.ts"

export const Page = () => {
  const [count, setCount] = useState(1)
  const asked = useAsk(Contents.audit(count))
  const names = useNames()
  return (
    <Within title="Audit log" about="Every change that an operator made, here or by a command.">
      <Answered of={asked} label="Asking for the log">
        {({ entries, isAll }) => (
          <Panel
            title={
              isAll ? Amount.count(entries.length, "change") : `The latest ${Amount.count(entries.length, "change")}`
            }
          >
            <DataTable
              label="Changes"
              rows={entries}
              columns={columns(names)}
              keyOf={({ place }) => String(place)}
              order={{ key: "at", isDescending: true }}
              search="Filter by who, what or which"
              empty={
                <Empty title="Nothing was changed yet" icon={<IconHistory size={36} stroke={1.4} aria-hidden />}>
                  What operators publish, halt, revoke and set appears here.
                </Empty>
              }
              actions={
                isAll ? null : (
                  <Button variant="default" size="sm" loading={asked.isFetching} onClick={() => setCount(count + 1)}>
                    Load older changes
                  </Button>
                )
              }
            />
          </Panel>
        )}
      </Answered>
    </Within>
  )
}

/** "name: Wall display, scopes: Read". What says nothing is left out, and moments are for people. */
const inWords = (detail: AuditEntry["detail"]): string =>
  Object.entries(detail)
    .flatMap(([name, value]) => {
      const words = name.endsWith("At") && typeof value === "number" ? Amount.moment(value) : plain(value)
      return words === "" ? [] : [`${name}: ${words}`]
    })
    .join(", ")

const plain = (value: unknown): string => {
  if (value === null || value === undefined) return ""
  if (Array.isArray(value)) return value.map(plain).join(" ")
  if (typeof value !== "object") return String(value)
  return Object.entries(value)
    .map(([name, part]) => `${name} ${plain(part)}`)
    .join(" ")
}

/** Of operators by their ids, for who may see them. */
const useNames = (): ReadonlyMap<string, string> => {
  const session = useSession()
  const isAllowed = session.areas.includes("Trust") && Session.may(session, "Admin")
  const { data = [] } = useAsk(Trust.list("Operator"), "slow", isAllowed)
  return new Map(data.map(({ id, name }) => [id, name]))
}

const columns = (names: ReadonlyMap<string, string>): ReadonlyArray<Column<AuditEntry>> => [
  {
    key: "at",
    label: "When",
    value: ({ place }) => place,
    cell: ({ at }) => Amount.moment(at),
    isTitle: false
  },
  {
    key: "action",
    label: "What",
    value: ({ action }) => action,
    cell: ({ action }) => (
      <Text size="sm" fw={600}>
        {action}
      </Text>
    ),
    isTitle: true
  },
  {
    key: "subject",
    label: "Which",
    value: ({ subject }) => subject,
    cell: ({ subject }) => <Wrapped>{subject}</Wrapped>
  },
  {
    key: "who",
    label: "Who",
    value: ({ who }) => `${Who.of(who, names).name ?? ""} ${who}`.trim(),
    cell: (row) => {
      const { name, who } = Who.of(row.who, names)
      return name === undefined ? (
        who
      ) : (
        <>
          {name}
          <Text size="xs" c="dimmed">
            {who.replace(/^operator /, "")}
          </Text>
        </>
      )
    }
  },
  {
    key: "detail",
    label: "How",
    value: ({ detail }) => inWords(detail),
    cell: ({ detail }) => {
      const words = inWords(detail)
      return words === "" ? (
        "–"
      ) : (
        <Code style={{ overflowWrap: "anywhere", whiteSpace: "normal" }}>{words.slice(0, 400)}</Code>
      )
    }
  }
]

const Wrapped = ({ children }: { readonly children: string }) => (
  <span style={{ overflowWrap: "anywhere" }}>{children}</span>
)
