/** What a page has done: one call that changes something, after which questions about it are asked anew. */
import { useMutation, type UseMutationResult, useQueryClient } from "@tanstack/react-query"
import type { CallFailed } from "./CallFailed.ts"
import type { Ask } from "./Service.ts"

export type Act<I, A> = UseMutationResult<A, CallFailed, I>

export const useAct = <I, A>(
  call: (input: I) => Ask<A>,
  options: {
    /** First words of the keys of questions that it may have changed the answers to. */
    readonly changes: ReadonlyArray<string>
    readonly onDone?: (answer: A) => void
  }
): Act<I, A> => {
  const client = useQueryClient()
  return useMutation<A, CallFailed, I>({
    mutationFn: (input) => call(input)(),
    onSuccess: (answer) => options.onDone?.(answer),
    // Also after a failure: what is shown may not be so any more.
    onSettled: () => Promise.all(options.changes.map((word) => client.invalidateQueries({ queryKey: [word] })))
  })
}
