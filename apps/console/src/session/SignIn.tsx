/** The form to sign in with an operator's token. The token goes to the service once, and is forgotten. */
import { Alert, Button, PasswordInput, Stack, Text } from "@mantine/core"
import { useMutation, useQueryClient } from "@tanstack/react-query"
import { type FormEvent, useState } from "react"
import type { CallFailed } from "../calls/CallFailed.ts"
import { Card } from "./Card.tsx"
import * as Session from "./Session.ts"

export const SignIn = ({ state: { hint, maySignIn, version } }: { readonly state: Session.SignedOut }) => {
  const client = useQueryClient()
  const [token, setToken] = useState("")
  const signingIn = useMutation<unknown, CallFailed, string>({
    mutationFn: async (text) => {
      Session.become(client, await Session.signIn(text))
    }
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (token.trim() !== "") signingIn.mutate(token.trim())
  }
  return (
    <Card title="Sign in" version={version}>
      {maySignIn ? (
        <form onSubmit={submit}>
          {/* For programs that keep passwords: they want a name to keep one under. */}
          <input type="text" name="username" autoComplete="username" defaultValue="operator" readOnly hidden />
          <Stack gap="md" mt="xs">
            <Text size="sm" c="dimmed">
              {hint}
            </Text>
            <PasswordInput
              label="Operator's token"
              placeholder="pwo_…"
              value={token}
              onChange={(event) => setToken(event.currentTarget.value)}
              error={signingIn.error?.sentence}
              autoComplete="current-password"
              maxLength={200}
              required
              withAsterisk={false}
              data-autofocus
            />
            <Button type="submit" loading={signingIn.isPending}>
              Sign in
            </Button>
          </Stack>
        </form>
      ) : (
        <Alert color="yellow" variant="light" mt="md" title="Signing in is not possible from here">
          {hint}
        </Alert>
      )}
    </Card>
  )
}
