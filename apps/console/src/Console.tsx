/** The console as a whole: who is not signed in sees the form for that, and who is sees the page that the address names. */
import type { QueryClient } from "@tanstack/react-query"
import { useSyncExternalStore } from "react"
import { Router } from "wouter"
import { useHashLocation } from "wouter/use-hash-location"
import { makeClient, useAsk } from "./calls/useAsk.ts"
import { Frame } from "./frame/Frame.tsx"
import { Failed } from "./parts/Failed.tsx"
import { Waiting } from "./parts/Waiting.tsx"
import { Choice } from "./session/Choice.tsx"
import * as Link from "./session/Link.ts"
import * as Session from "./session/Session.ts"
// The first page of whoever comes, and small: what is loaded later React shows 300 ms later.
import { SignIn } from "./session/SignIn.tsx"
import { SessionContext } from "./session/useSession.ts"
import { Looks } from "./theme/Looks.tsx"

const client: QueryClient = makeClient(() => void client.invalidateQueries({ queryKey: Session.state.key }))

export const Console = () => (
  <Looks client={client}>
    <Router hook={useHashLocation}>
      <Door />
    </Router>
  </Looks>
)

// Who is not signed in is, with the token that another address brings.
Link.hear(() => {
  if (Link.token() !== undefined) void client.invalidateQueries({ queryKey: Session.state.key })
})

const Door = () => {
  const token = useSyncExternalStore(Link.hear, Link.token)
  const session = useAsk(Session.state, "slow")
  if (session.data === undefined) {
    return session.error === null ? <Waiting label="Asking the service" /> : <Failed of={session} />
  }
  if (session.data._tag === "SignedOut") return <SignIn state={session.data} />
  if (token !== undefined) return <Choice session={session.data} token={token} />
  return (
    <SessionContext value={session.data}>
      <Frame />
    </SessionContext>
  )
}
