/** A question that brought no answer: what is the matter, what to do, and a button to ask again. */
import { Alert, Button } from "@mantine/core"
import { IconAlertTriangle } from "@tabler/icons-react"
import type { CallFailed } from "../calls/CallFailed.ts"

/** What is needed of an `Answer`. */
export interface Asked {
  readonly error: CallFailed | null
  readonly isFetching: boolean
  readonly refetch: () => unknown
}

export const Failed = ({ of: { error, isFetching, refetch } }: { readonly of: Asked }) =>
  error === null ? null : (
    <Alert
      role="alert"
      variant="light"
      color={error.mayPass ? "yellow" : "red"}
      icon={<IconAlertTriangle size={20} aria-hidden />}
      title={error.sentence}
      my="md"
    >
      {error.advice}
      <div>
        <Button mt="sm" size="xs" variant="default" loading={isFetching} onClick={() => void refetch()}>
          Ask again
        </Button>
      </div>
    </Alert>
  )
