/** Enrolled devices, and the tokens by which others may enrol. */
import { Button, Group, Modal, NumberInput, Select, TagsInput, Text, TextInput } from "@mantine/core"
import { useDebouncedValue } from "@mantine/hooks"
import type { Credential } from "@piecework/trust/Credential"
import { IconDeviceDesktop, IconPlus, IconSearch } from "@tabler/icons-react"
import { Redacted } from "effect"
import { useState } from "react"
import * as Service from "../../calls/Service.ts"
import * as Trust from "../../calls/Trust.ts"
import { useAct } from "../../calls/useAct.ts"
import { useAsk } from "../../calls/useAsk.ts"
import { Answered } from "../../parts/Answered.tsx"
import { Refused } from "../../parts/Confirm.tsx"
import { Empty } from "../../parts/Empty.tsx"
import { Page as Within } from "../../parts/Page.tsx"
import { Panel } from "../../parts/Panel.tsx"
import { Secret } from "../../parts/Secret.tsx"
import { type Column, DataTable } from "../../parts/table/DataTable.tsx"
import { Tag } from "../../parts/Tag.tsx"
import { useMay } from "../../session/useMay.ts"
import * as Amount from "../../view/Amount.ts"
import { Revoke } from "./Revoke.tsx"
import * as Standing from "./Standing.ts"

export const Page = () => {
  const mayEnrol = useMay("Enrol")
  const [text, setText] = useState("")
  const [search] = useDebouncedValue(text, 300)
  const [isMaking, setMaking] = useState(false)
  const [secret, setSecret] = useState<string>()
  const [edited, edit] = useState<Credential>()
  const asked = useAsk(Trust.list("Device", search.trim()))
  return (
    <Within
      title="Enrolled devices"
      about="Devices that proved to the service who they are. Others are served, too, where the service is open."
      actions={
        mayEnrol ? (
          <Button leftSection={<IconPlus size={17} aria-hidden />} onClick={() => setMaking(true)}>
            Let devices enrol
          </Button>
        ) : undefined
      }
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
      {mayEnrol ? <Making isOpen={isMaking} onClose={() => setMaking(false)} onMade={setSecret} /> : null}
      {edited === undefined ? null : <Groups of={edited} onClose={() => edit(undefined)} />}
      <Secret
        title="Enrol with this"
        value={secret === undefined ? undefined : `piecework enrol --service ${Service.url} ${secret}`}
        onClose={() => setSecret(undefined)}
      >
        Run this on each device; where other users can see commands, give the token in the variable
        PIECEWORK_ENROL_TOKEN instead.
      </Secret>
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
  const [groups, setGroups] = useState([...of.groups])
  const act = useAct(Trust.setGroups, { changes: ["trust"], onDone: onClose })
  return (
    <Modal opened onClose={onClose} title={`Groups of ${of.name}`} closeButtonProps={{ "aria-label": "Close" }}>
      <TagsInput
        label="Groups"
        description="Contents may be limited to groups; the device may have those of all groups that it is in."
        value={groups}
        maxTags={64}
        data-autofocus
        onChange={(values) => setGroups(values.map((value) => value.slice(0, 128)))}
      />
      <Refused by={act.error} />
      <Group justify="flex-end" mt="lg">
        <Button variant="default" onClick={onClose}>
          Cancel
        </Button>
        <Button loading={act.isPending} onClick={() => act.mutate({ id: of.id, groups })}>
          Save
        </Button>
      </Group>
    </Modal>
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

interface MakingProps {
  readonly isOpen: boolean
  readonly onClose: () => void
  readonly onMade: (secret: string) => void
}

const Making = ({ isOpen, onClose, onMade }: MakingProps) => {
  const [name, setName] = useState("")
  const [groups, setGroups] = useState<Array<string>>([])
  const [uses, setUses] = useState(100)
  const [lifetime, setLifetime] = useState(String(30 * 86_400))
  const close = () => {
    setName("")
    setGroups([])
    act.reset()
    onClose()
  }
  const act = useAct(Trust.createEnrolment, {
    changes: ["trust"],
    onDone: ({ token }) => {
      close()
      onMade(Redacted.value(token))
    }
  })
  return (
    <Modal opened={isOpen} onClose={close} title="Let devices enrol" closeButtonProps={{ "aria-label": "Close" }}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          act.mutate({ name: name.trim(), groups, uses, ...Standing.lifetimeOf(lifetime) })
        }}
      >
        <TextInput
          label="Name"
          description="Which devices it is for."
          required
          maxLength={128}
          data-autofocus
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
        />
        <TagsInput
          mt="md"
          label="Groups of these devices"
          value={groups}
          maxTags={64}
          onChange={(values) => setGroups(values.map((value) => value.slice(0, 128)))}
        />
        <NumberInput
          mt="md"
          label="How many devices may use it"
          min={1}
          max={1_000_000}
          allowDecimal={false}
          value={uses}
          onChange={(value) => setUses(typeof value === "number" ? value : 1)}
        />
        <Select
          label="Good for"
          mt="md"
          allowDeselect={false}
          data={Standing.lifetimes}
          value={lifetime}
          onChange={(value) => setLifetime(value ?? "")}
        />
        <Refused by={act.error} />
        <Group justify="flex-end" mt="lg">
          <Button variant="default" onClick={close}>
            Cancel
          </Button>
          <Button type="submit" loading={act.isPending}>
            Make a token
          </Button>
        </Group>
      </form>
    </Modal>
  )
}
