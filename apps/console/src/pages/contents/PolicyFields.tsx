/** What a publisher may say of a content. */
import { NumberInput, Switch, TextInput } from "@mantine/core"
import { GroupsInput } from "../../parts/GroupsInput.tsx"
import type { PolicyForm } from "./Policy.ts"
import classes from "./PolicyFields.module.css"

export interface Props {
  readonly form: PolicyForm
  readonly onChange: (form: PolicyForm) => void
  readonly isReadOnly?: boolean
}

export const PolicyFields = ({ form, isReadOnly = false, onChange }: Props) => (
  <fieldset className={classes["fields"]} disabled={isReadOnly}>
    <legend className="unseen">Policy</legend>
    <Switch
      className={classes["whole"] ?? ""}
      label="Devices may take it from each other"
      description="Otherwise each takes it from the origin or a cache server."
      checked={form.peersAllowed}
      onChange={(event) => onChange({ ...form, peersAllowed: event.currentTarget.checked })}
    />
    <GroupsInput
      description="Only devices of these groups may have it; none: all devices."
      placeholder={form.groups.length === 0 ? "All devices" : ""}
      groups={form.groups}
      onGroups={(groups) => onChange({ ...form, groups })}
      disabled={isReadOnly}
    />
    <TextInput
      label="Expires"
      description="From then on nobody gets it by Piecework; empty: never."
      type="datetime-local"
      value={form.expireAt}
      onChange={(event) => onChange({ ...form, expireAt: event.currentTarget.value })}
    />
    <NumberInput
      label="Devices keep it for, in days"
      description="Empty: as their own settings say."
      min={0}
      max={3650}
      value={form.cacheDays}
      onChange={(value) => onChange({ ...form, cacheDays: numberIn(value) })}
    />
    <NumberInput
      label="HTTP helps below, in Mbit/s"
      description="While a person waits: what is lacking to this rate comes from the origin. Empty: as the settings say."
      min={0}
      max={100_000}
      value={form.foreground}
      onChange={(value) => onChange({ ...form, foreground: numberIn(value) })}
    />
    <NumberInput
      label="The same in the background, in Mbit/s"
      description="Empty: as the settings say."
      min={0}
      max={100_000}
      value={form.background}
      onChange={(value) => onChange({ ...form, background: numberIn(value) })}
    />
  </fieldset>
)

const numberIn = (value: string | number): number | "" => (typeof value === "number" ? value : "")
