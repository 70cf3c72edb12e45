/** All published contents. */
import { Anchor, Button, Text } from "@mantine/core"
import type { ContentRecord } from "@piecework/cloud/ContentAdminRpcs"
import { IconFileUpload, IconPackage } from "@tabler/icons-react"
import { useState } from "react"
import { Link } from "wouter"
import * as Calls from "../../calls/Contents.ts"
import { useAsk } from "../../calls/useAsk.ts"
import { Answered } from "../../parts/Answered.tsx"
import { Empty } from "../../parts/Empty.tsx"
import { Page as Within } from "../../parts/Page.tsx"
import { Panel } from "../../parts/Panel.tsx"
import { type Column, DataTable } from "../../parts/table/DataTable.tsx"
import { Tag } from "../../parts/Tag.tsx"
import { useMay } from "../../session/useMay.ts"
import { hostOf, nameOf } from "../../view/Address.ts"
import * as Amount from "../../view/Amount.ts"
import { Publications, Publish } from "./Publish.tsx"
import * as Status from "./Status.ts"

export const Page = () => {
  const [count, setCount] = useState(1)
  const [isPublishing, setPublishing] = useState(false)
  const mayPublish = useMay("Publish")
  const asked = useAsk(Calls.pages(count))
  const button = mayPublish ? (
    <Button leftSection={<IconFileUpload size={17} aria-hidden />} onClick={() => setPublishing(true)}>
      Publish a file
    </Button>
  ) : undefined
  return (
    <Within
      title="Contents"
      about="Files whose hashes the service vouches for, so that devices can share them."
      actions={button}
    >
      <Publications />
      <Answered of={asked} label="Asking for the contents">
        {({ contents, next }) => (
          <Panel
            title={
              next === undefined
                ? Amount.count(contents.length, "content")
                : `The first ${Amount.count(contents.length, "content")}`
            }
          >
            <DataTable
              label="Contents"
              rows={contents}
              columns={columns(Date.now())}
              keyOf={({ contentId }) => contentId}
              order={{ key: "published", isDescending: true }}
              search="Search contents"
              empty={
                <Empty title="Nothing is published" icon={<IconPackage size={36} stroke={1.4} aria-hidden />}>
                  {mayPublish
                    ? "Publish a file by its URL here, or with piecework-service publish."
                    : "Your token may look only; one with the scope publish can publish files."}
                </Empty>
              }
              actions={
                next === undefined ? null : (
                  <Button variant="default" size="sm" loading={asked.isFetching} onClick={() => setCount(count + 1)}>
                    Load more
                  </Button>
                )
              }
            />
          </Panel>
        )}
      </Answered>
      {mayPublish ? <Publish isOpen={isPublishing} onClose={() => setPublishing(false)} /> : null}
    </Within>
  )
}

const columns = (now: number): ReadonlyArray<Column<ContentRecord>> => [
  {
    key: "name",
    label: "Content",
    value: ({ contentId, urls }) => `${nameOf(urls.at(-1) ?? contentId)} ${contentId} ${urls.join(" ")}`,
    cell: ({ contentId, urls }) => (
      <>
        <Anchor component={Link} href={`/contents/${contentId}`} size="sm" fw={600}>
          {nameOf(urls.at(-1) ?? contentId)}
        </Anchor>
        <Text size="xs" c="dimmed">
          {urls.length === 0 ? contentId : hostOf(urls.at(-1) ?? "")}
          {urls.length > 1 ? ` and ${Amount.count(urls.length - 1, "other URL")}` : ""}
        </Text>
      </>
    )
  },
  {
    key: "size",
    label: "Size",
    value: ({ contentSize }) => contentSize,
    cell: ({ contentSize }) => Amount.bytes(contentSize),
    isNumber: true
  },
  {
    key: "status",
    label: "Status",
    value: (row) => Status.of(row, now).word,
    cell: (row) => {
      const { tone, word } = Status.of(row, now)
      return <Tag tone={tone}>{word}</Tag>
    }
  },
  { key: "policy", label: "Policy", value: (row) => Status.rules(row).join(", ") || "–" },
  {
    key: "published",
    label: "Published",
    value: ({ publishedAt }) => publishedAt,
    cell: ({ publishedAt }) => Amount.moment(publishedAt),
    isNumber: true
  }
]
