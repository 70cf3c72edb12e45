/** Enrolled devices, and the tokens by which others may enrol. */
import { Button, Group, NumberInput, Text, TextInput } from "@mantine/core"
import { useDebouncedValue } from "@mantine/hooks"
import type { Credential } from "@piecework/trust/Credential"
import { IconDeviceDesktop, IconSearch } from "@tabler/icons-react"
import { useState } from "react"
import * as Service from "../../calls/Service.ts"
import * as Trust from "../../calls/Trust.ts"
import { useAct } from "../../calls/useAct.ts"
import { useAsk } from "../../calls/useAsk.ts"
import { Answered } from "../../parts/Answered.tsx"
import { Empty } from "../../parts/Empty.tsx"
import { FormDialog } from "../../parts/FormDialog.tsx"
import { GroupsInput } from "../../parts/GroupsInput.tsx"
import { Page as Within } from "../../parts/Page.tsx"
import { Panel } from "../../parts/Panel.tsx"
import { type Column, DataTable } from "../../parts/table/DataTable.tsx"
import { Tag } from "../../parts/Tag.tsx"
import { useMay } from "../../session/useMay.ts"
import * as Amount from "../../view/Amount.ts"
import { NewToken } from "./NewToken.tsx"
import { Revoke } from "./Revoke.tsx"
import * as Standing from "./Standing.ts"

export const Page = () => {
  const mayEnrol = useMay("Enrol")
  const [text, setText] = useState("")
  const [search] = useDebouncedValue(text, 300)
  const [edited, edit] = useState<Credential>()
  const asked = useAsk(Trust.list("Device", search.trim()))
  return (
    <Within
      title="Enrolled devices"
      about="Devices that proved to the service who they are. Others are served, too, where the service is open."
      actions={mayEnrol ? <NewEnrolment /> : undefined}
    >
      <Panel
        title="Devices"
        about={
          mayEnrol ? undefined : "Your token may look only; one with the scope enrol can change groups and revoke."
        }
      >
        <TextInput
          aria-label="Search devices by name or id"
          placeholder="Search devices by name or id"
          type="search"
          maxLength={64}
          maw="20rem"
          mb="sm"
          leftSection={<IconSearch size={16} aria-hidden />}
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
        />
        <Answered of={asked} label="Asking for the devices">
          {(devices) => (
            <>
              <DataTable
                label="Enrolled devices"
                rows={devices}
                columns={columns(mayEnrol ? edit : undefined)}
                keyOf={({ id }) => id}
                order={{ key: "used", isDescending: true }}
                empty={
                  search.trim() === "" ? (
                    <Empty
                      title="No device is enrolled"
                      icon={<IconDeviceDesktop size={36} stroke={1.4} aria-hidden />}
                    >
                      {mayEnrol
                        ? "Make an enrolment token, and give it to piecework enrol on the devices."
                        : "Somebody with the scope enrol can make a token for it."}
                    </Empty>
                  ) : (
                    <Empty title="No device has that in its name or id" />
                  )
                }
              />
              {devices.length < Trust.mostShown ? null : (
                <Text size="sm" c="dimmed">
                  The first {Trust.mostShown}; search for the others.
                </Text>
              )}
            </>
          )}
        </Answered>
      </Panel>
      {mayEnrol ? <Enrolments /> : null}
      {edited === undefined ? null : <Groups of={edited} onClose={() => edit(undefined)} />}
    </Within>
  )
}

const named: Column<Credential> = {
  key: "name",
  label: "Name",
  value: ({ id, name }) => `${name} ${id}`,
  cell: ({ id, name }) => (
    <>
      <Text size="sm" fw={600}>
        {name}
      </Text>
      <Text size="xs" c="dimmed">
        {id}
      </Text>
    </>
  )
}

const groupsOf: Column<Credential> = {
  key: "groups",
  label: "Groups",
  value: (row) => (row.groups.length === 0 ? "none" : row.groups.join(", "))
}

const standing: Column<Credential> = {
  key: "standing",
  label: "State",
  value: (row) => Standing.of(row, Date.now()).word,
  cell: (row) => {
    const { tone, word } = Standing.of(row, Date.now())
    return <Tag tone={tone}>{word}</Tag>
  }
}

const columns = (edit: ((device: Credential) => void) | undefined): ReadonlyArray<Column<Credential>> => [
  named,
  groupsOf,
  standing,
  {
    key: "used",
    label: "Heard of",
    value: ({ usedAt }) => usedAt ?? 0,
    cell: ({ usedAt }) => (usedAt === null ? "never" : Amount.ago(usedAt, Date.now())),
    isNumber: true
  },
  {
    key: "made",
    label: "Enrolled",
    value: ({ createdAt }) => createdAt,
    cell: ({ createdAt }) => Amount.moment(createdAt),
    isNumber: true
  },
  ...(edit === undefined
    ? []
    : [
        {
          key: "act",
          label: "Change",
          isSortable: false,
          value: () => "",
          cell: (row: Credential) =>
            row.isAlive(Date.now()) ? (
              <Group gap="xs">
                <Button
                  size="compact-sm"
                  variant="default"
                  aria-label={`Groups of ${row.name}`}
                  onClick={() => edit(row)}
                >
                  Groups
                </Button>
                <Revoke of={row} />
              </Group>
            ) : null
        }
      ])
]

const Groups = ({ of, onClose }: { readonly of: Credential; readonly onClose: () => void }) => {
  const [groups, setGroups] = useState<ReadonlyArray<string>>(of.groups)
  const act = useAct(Trust.setGroups, { changes: ["trust"], onDone: onClose })
  return (
    <FormDialog
      title={`Groups of ${of.name}`}
      word="Save"
      isOpen
      act={act}
      onClose={onClose}
      onSend={() => act.mutate({ id: of.id, groups })}
    >
      <GroupsInput
        description="Contents may be limited to groups; the device may have those of all groups that it is in."
        groups={groups}
        data-autofocus
        onGroups={setGroups}
      />
    </FormDialog>
  )
}

const Enrolments = () => {
  const asked = useAsk(Trust.list("Enrolment"))
  return (
    <Panel title="Enrolment tokens" about="With such a token a device makes itself known; it gets the token's groups.">
      <Answered of={asked} label="Asking for the enrolment tokens">
        {(tokens) => (
          <DataTable
            label="Enrolment tokens"
            rows={tokens}
            columns={[
              named,
              groupsOf,
              standing,
              {
                key: "uses",
                label: "Uses left",
                value: ({ usesLeft }) => usesLeft ?? 0,
                cell: ({ usesLeft }) => Amount.number(usesLeft ?? 0),
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
            ]}
            keyOf={({ id }) => id}
            order={{ key: "expires", isDescending: true }}
            empty={<Empty title="There are no enrolment tokens" />}
          />
        )}
      </Answered>
    </Panel>
  )
}

const NewEnrolment = () => {
  const [groups, setGroups] = useState<ReadonlyArray<string>>([])
  const [uses, setUses] = useState(usual)
  return (
    <NewToken
      button="Let devices enrol"
      title="Let devices enrol"
      word="Make a token"
      nameAbout="Which devices it is for."
      lifetime={String(30 * 86_400)}
      make={(common) => Trust.createEnrolment({ ...common, groups, uses })}
      onReset={() => {
        setGroups([])
        setUses(usual)
      }}
      secretTitle="Enrol with this"
      secretAbout="Run this on each device; where other users can see commands, give the token in the variable PIECEWORK_ENROL_TOKEN instead."
      secretOf={(token) => `piecework enrol --service ${Service.url} ${token}`}
    >
      <GroupsInput mt="md" label="Groups of these devices" groups={groups} onGroups={setGroups} />
      <NumberInput
        mt="md"
        label="How many devices may use it"
        min={1}
        max={1_000_000}
        allowDecimal={false}
        value={uses}
        onChange={(value) => setUses(typeof value === "number" ? value : 1)}
      />
    </NewToken>
  )
}

/** Devices that may use a token, until its maker says another number. */
const usual = 100
