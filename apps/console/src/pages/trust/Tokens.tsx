/** Tokens of operators: made here, shown once, revoked. */
import { Checkbox, Text } from "@mantine/core"
import type { OperatorScope } from "@piecework/cloud/Identity"
import type { Credential } from "@piecework/trust/Credential"
import { IconKey } from "@tabler/icons-react"
import { useState } from "react"
import * as Trust from "../../calls/Trust.ts"
import { useAsk } from "../../calls/useAsk.ts"
import { Answered } from "../../parts/Answered.tsx"
import { Empty } from "../../parts/Empty.tsx"
import { Page as Within } from "../../parts/Page.tsx"
import { Panel } from "../../parts/Panel.tsx"
import { type Column, DataTable } from "../../parts/table/DataTable.tsx"
import { Tag } from "../../parts/Tag.tsx"
import { useSession } from "../../session/useSession.ts"
import * as Amount from "../../view/Amount.ts"
import { NewToken } from "./NewToken.tsx"
import { Revoke } from "./Revoke.tsx"
import * as Standing from "./Standing.ts"

export const Page = () => {
  const { operator } = useSession()
  const asked = useAsk(Trust.list("Operator"))
  return (
    <Within
      title="Tokens"
      about="By these operators, publishers and programs prove who they are."
      actions={<NewOperator />}
    >
      <Answered of={asked} label="Asking for the tokens">
        {(tokens) => (
          <Panel title="Tokens of operators" about={limit(tokens)}>
            <DataTable
              label="Tokens"
              rows={tokens}
              columns={columns(operator)}
              keyOf={({ id }) => id}
              order={{ key: "made", isDescending: true }}
              search="Search tokens"
              empty={<Empty title="There are no tokens" icon={<IconKey size={36} stroke={1.4} aria-hidden />} />}
            />
          </Panel>
        )}
      </Answered>
    </Within>
  )
}

const limit = (rows: ReadonlyArray<unknown>): string | undefined =>
  rows.length < Trust.mostShown ? undefined : `The first ${Trust.mostShown}; the commands show all.`

const columns = (own: string): ReadonlyArray<Column<Credential>> => [
  {
    key: "name",
    label: "Name",
    value: ({ id, name }) => `${name} ${id}`,
    cell: ({ id, name }) => (
      <>
        <Text size="sm" fw={600}>
          {name}
          {id === own ? " (yours)" : ""}
        </Text>
        <Text size="xs" c="dimmed">
          {id}
        </Text>
      </>
    )
  },
  { key: "scopes", label: "May", value: ({ scopes }) => scopes.join(", ").toLowerCase() },
  {
    key: "standing",
    label: "State",
    value: (row) => Standing.of(row, Date.now()).word,
    cell: (row) => {
      const { tone, word } = Standing.of(row, Date.now())
      return <Tag tone={tone}>{word}</Tag>
    }
  },
  {
    key: "made",
    label: "Made",
    value: ({ createdAt }) => createdAt,
    cell: ({ createdAt, createdBy }) => (
      <>
        {Amount.moment(createdAt)}
        <Text size="xs" c="dimmed">
          by {createdBy}
        </Text>
      </>
    ),
    isNumber: true
  },
  {
    key: "used",
    label: "Used",
    value: ({ usedAt }) => usedAt ?? 0,
    cell: ({ usedAt }) => (usedAt === null ? "never" : Amount.ago(usedAt, Date.now())),
    isNumber: true
  },
  {
    key: "expires",
    label: "Good until",
    value: ({ expiresAt }) => expiresAt ?? Number.MAX_SAFE_INTEGER,
    cell: ({ expiresAt }) => (expiresAt === null ? "for ever" : Amount.moment(expiresAt)),
    isNumber: true
  },
  {
    key: "act",
    label: "Change",
    isSortable: false,
    value: () => "",
    cell: (row) => (row.isAlive(Date.now()) ? <Revoke of={row} /> : null)
  }
]

const scopes: ReadonlyArray<{ readonly scope: OperatorScope; readonly about: string }> = [
  { scope: "Read", about: "look at everything but tokens" },
  { scope: "Publish", about: "publish contents, halt them, set their policy" },
  { scope: "Enrol", about: "make enrolment tokens, and look after devices" },
  { scope: "Admin", about: "all of that, and tokens, settings and cache nodes" }
]

const NewOperator = () => {
  const [chosen, setChosen] = useState<ReadonlyArray<OperatorScope>>(["Read"])
  const [first, ...others] = chosen
  return (
    <NewToken
      button="New token"
      title="New token"
      word="Make it"
      nameAbout="What it is for, so that it can be recognized later."
      lifetime={String(365 * 86_400)}
      isReady={first !== undefined}
      make={(common) => Trust.createToken({ ...common, scopes: [first ?? "Read", ...others] })}
      onReset={() => setChosen(["Read"])}
      secretTitle="The new token"
      secretAbout="Programs take it from the variable PIECEWORK_TOKEN, and this console asks for it at its door."
    >
      <Checkbox.Group
        label="What it may do"
        mt="md"
        value={[...chosen]}
        onChange={(values) => setChosen(scopes.map(({ scope }) => scope).filter((scope) => values.includes(scope)))}
      >
        {scopes.map(({ about, scope }) => (
          <Checkbox key={scope} value={scope} label={scope} description={about} mt="xs" />
        ))}
      </Checkbox.Group>
    </NewToken>
  )
}
