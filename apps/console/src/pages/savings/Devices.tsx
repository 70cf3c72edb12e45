/** Savings by device. There may be more devices than one answer holds: the service searches them, and hands them out in pages. */
import { Button, TextInput } from "@mantine/core"
import { useDebouncedValue } from "@mantine/hooks"
import { IconSearch } from "@tabler/icons-react"
import { keepPreviousData, useInfiniteQuery, type InfiniteData } from "@tanstack/react-query"
import { useState } from "react"
import type { CallFailed } from "../../calls/CallFailed.ts"
import * as Reports from "../../calls/Reports.ts"
import { Empty } from "../../parts/Empty.tsx"
import { Failed } from "../../parts/Failed.tsx"
import { useSpan } from "../../parts/SpanSwitch.tsx"
import { Surface } from "../../parts/Surface.tsx"
import { Waiting } from "../../parts/Waiting.tsx"
import * as Amount from "../../view/Amount.ts"
import type { Kind } from "./Kind.ts"
import { ofDevice } from "./Row.ts"
import { SavingsTable } from "./SavingsTable.tsx"

export const Devices = ({ kind }: { readonly kind: Kind }) => {
  const days = useSpan()
  const [text, setText] = useState("")
  const [search] = useDebouncedValue(text.trim(), 300)
  const found = useInfiniteQuery<
    Reports.DevicePage,
    CallFailed,
    InfiniteData<Reports.DevicePage>,
    ReadonlyArray<string | number>,
    string | undefined
  >({
    queryKey: ["reports", "devices", days, search],
    queryFn: ({ pageParam, signal }) => Reports.devices(days, { after: pageParam, search })(signal),
    initialPageParam: undefined,
    getNextPageParam: ({ next }) => next,
    placeholderData: keepPreviousData
  })
  const rows = found.data?.pages.flatMap((page) => page.rows.map(ofDevice))
  return (
    <Surface>
      <TextInput
        mb="sm"
        maw="20rem"
        type="search"
        size="sm"
        maxLength={64}
        aria-label="Search devices by id"
        placeholder="Search devices by id"
        leftSection={<IconSearch size={16} aria-hidden />}
        value={text}
        onChange={(event) => setText(event.currentTarget.value)}
      />
      <Failed of={found} />
      {rows === undefined ? (
        found.error === null ? (
          <Waiting label="Asking for devices" />
        ) : null
      ) : (
        <SavingsTable
          kind={kind}
          rows={rows}
          isSearched={false}
          empty={
            <Empty
              title={search === "" ? "No device has reported anything in this time" : "No device has that in its id"}
            >
              {search === ""
                ? "Devices report what they downloaded within a minute of its end."
                : "Enrolled devices have the id that they were given when they enrolled."}
            </Empty>
          }
        />
      )}
      {found.hasNextPage ? (
        <Button mt="sm" variant="default" loading={found.isFetchingNextPage} onClick={() => void found.fetchNextPage()}>
          {`Ask for more; ${Amount.number(rows?.length ?? 0)} are here`}
        </Button>
      ) : null}
    </Surface>
  )
}
