/** The button that makes a token or a device good for nothing; it asks first. */
import { Button } from "@mantine/core"
import type { Credential } from "@piecework/trust/Credential"
import { useState } from "react"
import * as Trust from "../../calls/Trust.ts"
import { useAct } from "../../calls/useAct.ts"
import { Confirm } from "../../parts/Confirm.tsx"

const nouns = { Operator: "token", Enrolment: "enrolment token", Device: "device", Session: "session" } as const

const then = {
  Operator: "Whoever uses it is refused within five seconds. There is no way back; another one can be made.",
  Enrolment: "No device can enrol with it any more. Devices that did stay enrolled.",
  Device: "It gets nothing that is for enrolled devices any more, within five seconds, until it enrols again.",
  Session: "Whoever uses the console with it has to sign in again."
} as const

export const Revoke = ({ of: { id, kind, name } }: { readonly of: Credential }) => {
  const [isAsking, setAsking] = useState(false)
  const act = useAct(Trust.revoke, { changes: ["trust"], onDone: () => setAsking(false) })
  return (
    <>
      <Button size="compact-sm" variant="default" aria-label={`Revoke ${name}`} onClick={() => setAsking(true)}>
        Revoke
      </Button>
      <Confirm
        title={`Revoke the ${nouns[kind]} ${name}?`}
        word="Revoke"
        isOpen={isAsking}
        isDangerous
        act={act}
        onClose={() => setAsking(false)}
        onConfirm={() => act.mutate({ kind, id })}
      >
        {then[kind]}
      </Confirm>
    </>
  )
}
