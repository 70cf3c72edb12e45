/** Whether the one who is signed in may do something; pages show nobody a button that would be refused. */
import type { OperatorScope } from "@piecework/cloud/Identity"
import * as Session from "./Session.ts"
import { useSession } from "./useSession.ts"

export const useMay = (scope: OperatorScope): boolean => Session.may(useSession(), scope)
