/** The session that pages are shown in. */
import { createContext, useContext } from "react"
import type { SignedIn } from "./Session.ts"

export const SessionContext = createContext<SignedIn | undefined>(undefined)

/** Only within the frame, where somebody is signed in. */
export const useSession = (): SignedIn => {
  const session = useContext(SessionContext)
  if (session === undefined) throw new Error("Pages are shown to who is signed in.")
  return session
}
