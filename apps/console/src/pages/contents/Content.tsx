/** One content: where it is, what its publisher says of it, and halting it. */
import { Anchor, Button, Group, Textarea } from "@mantine/core"
import type { ContentRecord } from "@piecework/cloud/ContentAdminRpcs"
import { ContentId } from "@piecework/domain/Content"
import { IconHandStop, IconPlayerPlay, IconTrash } from "@tabler/icons-react"
import { Option, Schema } from "effect"
import { useState } from "react"
import { Link, useLocation } from "wouter"
import * as Calls from "../../calls/Contents.ts"
import { useAct } from "../../calls/useAct.ts"
import { useAsk } from "../../calls/useAsk.ts"
import { Answered } from "../../parts/Answered.tsx"
import { Confirm, Refused } from "../../parts/Confirm.tsx"
import { Empty } from "../../parts/Empty.tsx"
import { Facts } from "../../parts/Facts.tsx"
import { Page as Within } from "../../parts/Page.tsx"
import { Panel } from "../../parts/Panel.tsx"
import { Tag } from "../../parts/Tag.tsx"
import { useMay } from "../../session/useMay.ts"
import { nameOf, shownUrls } from "../../view/Address.ts"
import * as Amount from "../../view/Amount.ts"
import classes from "./Content.module.css"
import * as Policy from "./Policy.ts"
import { PolicyFields } from "./PolicyFields.tsx"
import * as Status from "./Status.ts"

const decodeId = Schema.decodeUnknownOption(ContentId)

export const Page = ({ params }: { readonly params: Readonly<Record<string, string>> }) => {
  const id = Option.getOrUndefined(decodeId(params["content"]))
  return id === undefined ? (
    <Within title="No such content">
      <Empty title="This address names no content" />
    </Within>
  ) : (
    <Content contentId={id} />
  )
}

const Content = ({ contentId }: { readonly contentId: ContentId }) => {
  const asked = useAsk(Calls.one(contentId))
  const mayPublish = useMay("Publish")
  const { data } = asked
  return (
    <Within
      title={nameOf(data?.urls.at(-1) ?? contentId)}
      about={
        <>
          <Anchor component={Link} href="/contents" size="sm" underline="always">
            Contents
          </Anchor>{" "}
          / {contentId}
        </>
      }
      actions={data === undefined || !mayPublish ? undefined : <Halting of={data} />}
    >
      <Answered of={asked} label="Asking for the content">
        {(record) => (
          <>
            <About of={record} />
            {/* Another policy is another form: what was typed belongs to the one before. */}
            <PolicyPanel key={JSON.stringify(record.policy)} of={record} mayPublish={mayPublish} />
            <Urls of={record} mayPublish={mayPublish} />
          </>
        )}
      </Answered>
    </Within>
  )
}

const About = ({ of }: { readonly of: ContentRecord }) => {
  const { tone, word } = Status.of(of, Date.now())
  return (
    <Panel
      title="Content"
      actions={
        <Anchor component={Link} href={`/swarms/${of.contentId}`} size="sm">
          Its swarm now
        </Anchor>
      }
    >
      <Facts
        of={[
          ["Status", <Tag tone={tone}>{word}</Tag>],
          ...(of.haltedAt === null ? [] : [["Halted since", Amount.moment(of.haltedAt)] as const]),
          ["Size", `${Amount.bytes(of.contentSize)} (${Amount.number(of.contentSize)} bytes)`],
          ["Pieces", `${Amount.number(Math.ceil(of.contentSize / of.pieceSize))} of ${Amount.bytes(of.pieceSize)}`],
          ["Published", Amount.moment(of.publishedAt)]
        ]}
      />
    </Panel>
  )
}

const PolicyPanel = ({ mayPublish, of }: { readonly of: ContentRecord; readonly mayPublish: boolean }) => {
  const before = Policy.formOf(of.policy)
  const [form, setForm] = useState(before)
  const change = Policy.changeOf(before, form)
  const act = useAct(Calls.setPolicy, { changes: ["contents"] })
  return (
    <Panel
      title="Policy"
      about={
        mayPublish
          ? "What is left empty, the settings of devices say. Devices hear of a change with the next question that they ask about the content."
          : "Your token may look only; one with the scope publish can change it."
      }
    >
      <form
        onSubmit={(event) => {
          event.preventDefault()
          act.mutate({ name: of.contentId, change })
        }}
      >
        <PolicyFields form={form} onChange={setForm} isReadOnly={!mayPublish} />
        <Refused by={act.error} />
        {mayPublish ? (
          <Group justify="flex-end" mt="lg">
            <Button variant="default" disabled={Policy.isNothing(change)} onClick={() => setForm(before)}>
              Undo
            </Button>
            <Button type="submit" disabled={Policy.isNothing(change)} loading={act.isPending}>
              Save the policy
            </Button>
          </Group>
        ) : null}
      </form>
    </Panel>
  )
}

const Halting = ({ of }: { readonly of: ContentRecord }) => {
  const [isAsking, setAsking] = useState(false)
  const [why, setWhy] = useState("")
  const isHalted = of.haltedAt !== null
  const close = () => {
    setAsking(false)
    setWhy("")
  }
  const act = useAct(Calls.setHalted, { changes: ["contents", "swarms"], onDone: close })
  const name = nameOf(of.urls.at(-1) ?? of.contentId)
  return (
    <>
      <Button
        {...(isHalted ? {} : { color: "red.9" })}
        leftSection={isHalted ? <IconPlayerPlay size={17} aria-hidden /> : <IconHandStop size={17} aria-hidden />}
        onClick={() => setAsking(true)}
      >
        {isHalted ? "Resume it" : "Halt it"}
      </Button>
      <Confirm
        title={isHalted ? `Resume ${name}?` : `Halt ${name}?`}
        word={isHalted ? "Resume" : "Halt"}
        isOpen={isAsking}
        isDangerous={!isHalted}
        act={act}
        onClose={close}
        onConfirm={() =>
          act.mutate({ name: of.contentId, isHalted: !isHalted, ...(why.trim() === "" ? {} : { why: why.trim() }) })
        }
      >
        {isHalted ? (
          "Devices may have it again, from each other and from the origin."
        ) : (
          <>
            No device gets it any more: downloads under way end with an error that says so, and devices stop giving it
            to each other. It can be resumed.
            <Textarea
              mt="md"
              label="Why (for the audit log)"
              maxLength={500}
              value={why}
              onChange={(event) => setWhy(event.currentTarget.value)}
            />
          </>
        )}
      </Confirm>
    </>
  )
}

const Urls = ({ mayPublish, of }: { readonly of: ContentRecord; readonly mayPublish: boolean }) => {
  const [asked, setAsked] = useState<ContentRecord["urls"][number] | "all">()
  const [, go] = useLocation()
  const shown = shownUrls(of)
  const act = useAct(Calls.unpublish, {
    changes: ["contents"],
    onDone: () => {
      if (asked === "all" || of.urls.length <= 1) go("/contents")
      setAsked(undefined)
    }
  })
  return (
    <Panel
      title={Amount.count(of.urls.length, "URL")}
      about={`Under these devices ask for it; the latest last.${
        of.queryHidden === undefined ? "" : " A query is shown to tokens with the scope publish only."
      }`}
      actions={
        mayPublish ? (
          <Button
            size="xs"
            variant="default"
            leftSection={<IconTrash size={15} aria-hidden />}
            onClick={() => setAsked("all")}
          >
            Unpublish all of it
          </Button>
        ) : undefined
      }
    >
      <ul className={classes["urls"]}>
        {of.urls.map((url, place) => (
          // Some may differ in what is not shown.
          <li key={`${place} ${url}`}>
            <span>{shown[place]}</span>
            {mayPublish ? (
              <Button size="compact-xs" variant="default" aria-label={`Unpublish ${url}`} onClick={() => setAsked(url)}>
                Unpublish
              </Button>
            ) : null}
          </li>
        ))}
      </ul>
      <Confirm
        title={asked === "all" ? "Unpublish the content?" : "Unpublish this URL?"}
        word="Unpublish"
        isOpen={asked !== undefined}
        isDangerous
        act={act}
        onClose={() => setAsked(undefined)}
        onConfirm={() => act.mutate(asked === undefined || asked === "all" ? of.contentId : asked)}
      >
        Devices download it from its origin from then on, each for itself; what they hold stays until it expires.
      </Confirm>
    </Panel>
  )
}
