/** Questions of pages: asked again and again while the page is looked at, ended with it, and shared by all who ask the same. */
import { keepPreviousData, QueryCache, QueryClient, useQuery, type UseQueryResult } from "@tanstack/react-query"
import { CallFailed } from "./CallFailed.ts"
import type { Ask } from "./Service.ts"

export interface Question<A> {
  /** Names the question with all that it depends on. */
  readonly key: ReadonlyArray<string | number | boolean | undefined>
  readonly ask: Ask<A>
}

export type Answer<A> = UseQueryResult<A, CallFailed>

/** Milliseconds between two askings. Live: what changes while one looks. Slow: what is summed up by day. */
export const every = { second: 1_000, live: 2_000, normal: 15_000, slow: 60_000 } as const
export type Pace = keyof typeof every

/** Asks while `isWanted`. What was answered before to another question is shown until this one is answered. */
export const useAsk = <A>({ ask, key }: Question<A>, pace: Pace = "normal", isWanted = true): Answer<A> =>
  useQuery<A, CallFailed>({
    enabled: isWanted,
    queryKey: key,
    queryFn: ({ signal }) => ask(signal),
    refetchInterval: every[pace],
    placeholderData: keepPreviousData
  })

/** Calls `onSignedOut` when an answer says that nobody is signed in any more. */
export const makeClient = (onSignedOut: () => void): QueryClient =>
  new QueryClient({
    queryCache: new QueryCache({
      onError: (error) => {
        if (error instanceof CallFailed && error.kind === "SignIn") onSignedOut()
      }
    }),
    defaultOptions: {
      queries: {
        staleTime: 1_000,
        // The interval asks again anyway.
        retry: (failures, error) => failures < 1 && error instanceof CallFailed && error.mayPass
      }
    }
  })
