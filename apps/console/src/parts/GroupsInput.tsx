/** Names of groups of devices, as many and as long as the service takes. */
import { TagsInput, type TagsInputProps } from "@mantine/core"
import { maxGroups } from "@piecework/cloud/PolicySettings"

export interface Props extends Omit<TagsInputProps, "maxTags" | "onChange" | "value"> {
  readonly groups: ReadonlyArray<string>
  readonly onGroups: (groups: ReadonlyArray<string>) => void
}

/** Characters: what `GroupId` takes. */
const longest = 128

export const GroupsInput = ({ groups, onGroups, ...rest }: Props) => (
  <TagsInput
    label="Groups"
    {...rest}
    value={[...groups]}
    maxTags={maxGroups}
    onChange={(names) => onGroups(names.map((name) => name.slice(0, longest)))}
  />
)
