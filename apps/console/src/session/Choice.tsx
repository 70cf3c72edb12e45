/** Somebody is signed in, and the page's address brought a token: which of the two it shall be is asked before anything else is shown. */
import { Button, Stack, Text } from "@mantine/core"
import { useMutation, useQueryClient } from "@tanstack/react-query"
import type { CallFailed } from "../calls/CallFailed.ts"
import { Refused } from "../parts/Confirm.tsx"
import { Card } from "./Card.tsx"
import * as Link from "./Link.ts"
import * as Session from "./Session.ts"

export const Choice = ({ session, token }: { readonly session: Session.SignedIn; readonly token: string }) => {
  const client = useQueryClient()
  const changing = useMutation<Session.State, CallFailed>({
    mutationFn: () => Session.signIn(token),
    onSuccess: (state) => {
      Link.drop()
      Session.become(client, state)
    }
  })
  return (
    <Card title="You are signed in already" version={session.version}>
      <Stack gap="md" mt="xs">
        <Text size="sm" c="dimmed">
          You are signed in as {session.name}, and opened an address that signs in with another token. That would end
          this session.
        </Text>
        <Button disabled={changing.isPending} data-autofocus onClick={Link.drop}>
          Stay signed in as {session.name}
        </Button>
        <Button variant="default" loading={changing.isPending} onClick={() => changing.mutate()}>
          Sign in with the other token
        </Button>
        <Refused by={changing.error} />
      </Stack>
    </Card>
  )
}
