/** Publishing a file by its URL: the service reads it once from its origin and hashes it. What is under way stands on the page. */
import { Anchor, Progress, Text, TextInput } from "@mantine/core"
import type { Publication } from "@piecework/cloud/ContentAdminRpcs"
import * as ContentUrl from "@piecework/domain/ContentUrl"
import * as PolicySettings from "@piecework/cloud/PolicySettings"
import { useQueryClient } from "@tanstack/react-query"
import { Result } from "effect"
import { useEffect, useState } from "react"
import { Link } from "wouter"
import { useAct } from "../../calls/useAct.ts"
import * as Contents from "../../calls/Contents.ts"
import { useAsk } from "../../calls/useAsk.ts"
import { FormDialog } from "../../parts/FormDialog.tsx"
import { Panel } from "../../parts/Panel.tsx"
import { Tag } from "../../parts/Tag.tsx"
import { nameOf } from "../../view/Address.ts"
import * as Amount from "../../view/Amount.ts"
import * as Policy from "./Policy.ts"
import { PolicyFields } from "./PolicyFields.tsx"
import classes from "./Publish.module.css"

const usual = Policy.formOf(PolicySettings.none)

export const Publish = ({ isOpen, onClose }: { readonly isOpen: boolean; readonly onClose: () => void }) => {
  const [text, setText] = useState("")
  const [wrong, setWrong] = useState<string>()
  const [form, setForm] = useState(usual)
  const close = () => {
    setText("")
    setWrong(undefined)
    setForm(usual)
    act.reset()
    onClose()
  }
  const act = useAct(Contents.publish, { changes: ["contents"], onDone: close })
  const send = () =>
    Result.match(ContentUrl.parse(text.trim()), {
      onFailure: (error) => setWrong(error.message),
      onSuccess: (url) => act.mutate({ url, policy: Policy.changeOf(usual, form) })
    })
  return (
    <FormDialog title="Publish a file" word="Publish" isOpen={isOpen} isWide act={act} onClose={close} onSend={send}>
      <TextInput
        label="URL of the file at its origin"
        description="The service reads it once, to make its hashes; devices then share it under this URL."
        placeholder="https://files.example/image.iso"
        type="url"
        required
        maxLength={2048}
        data-autofocus
        value={text}
        error={wrong}
        onChange={(event) => {
          setText(event.currentTarget.value)
          setWrong(undefined)
        }}
        mb="md"
      />
      <PolicyFields form={form} onChange={setForm} />
    </FormDialog>
  )
}

/** Nothing when nothing is or was lately under way. */
export const Publications = () => {
  const { data = [] } = useAsk(Contents.publications, "live")
  const client = useQueryClient()
  const published = data.filter(({ state }) => state._tag === "Published").length
  // What was published is in the list at once.
  useEffect(() => {
    if (published > 0) void client.invalidateQueries({ queryKey: ["contents", "pages"] })
  }, [client, published])
  return data.length === 0 ? null : (
    <Panel title="Lately published by URL" about="What this process of the service hashes, or hashed since its start.">
      <ul className={classes["list"]}>
        {data.slice(0, 8).map((one) => (
          <li key={one.id} className={classes["item"]}>
            <div className={classes["name"]}>
              <Text size="sm" fw={600}>
                {nameOf(one.url)}
              </Text>
              <Text size="xs" c="dimmed">
                {one.queryHidden === true ? `${one.url}?…` : one.url}
              </Text>
            </div>
            <State of={one.state} />
          </li>
        ))}
      </ul>
    </Panel>
  )
}

const State = ({ of }: { readonly of: Publication["state"] }) => {
  switch (of._tag) {
    case "Waiting":
      return <Tag tone="none">Waits its turn</Tag>
    case "Hashing":
      return (
        <div className={classes["hashing"]}>
          <Text size="sm">
            {of.total === undefined
              ? `${Amount.bytes(of.hashed)} hashed`
              : `${Amount.bytes(of.hashed)} of ${Amount.bytes(of.total)}`}
          </Text>
          <Progress
            value={of.total === undefined ? 100 : Amount.share(of.hashed, of.total)}
            animated={of.total === undefined}
            size="sm"
            aria-label="Hashed"
          />
        </div>
      )
    case "Published":
      return (
        <Anchor component={Link} href={`/contents/${of.contentId}`} size="sm">
          {of.isNew ? "Published" : "Was published already"}, {Amount.bytes(of.contentSize)}
        </Anchor>
      )
    case "Failed":
      return (
        <Text size="sm" c="var(--grade-error)">
          {of.sentence}
        </Text>
      )
  }
}
