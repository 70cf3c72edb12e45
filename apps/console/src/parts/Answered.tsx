/**
 * Shows what was answered. Before the first answer it shows that one is awaited, or why there is none; later failures stand above the last
 * answer, which stays.
 */
import type { ReactNode } from "react"
import type { Answer } from "../calls/useAsk.ts"
import { Failed } from "./Failed.tsx"
import { Waiting } from "./Waiting.tsx"

export interface Props<A> {
  readonly of: Answer<A>
  /** What is awaited, for readers of the screen. */
  readonly label: string
  readonly children: (data: A) => ReactNode
}

export const Answered = <A,>({ children, label, of }: Props<A>): ReactNode => {
  if (of.data === undefined) return of.error === null ? <Waiting label={label} /> : <Failed of={of} />
  return (
    <>
      <Failed of={of} />
      {children(of.data)}
    </>
  )
}
