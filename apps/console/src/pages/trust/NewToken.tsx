/** The button that makes a token: a form with what it is for and how long it is good, then the token, which is shown this once. */
import { Button, Select, TextInput } from "@mantine/core"
import { IconPlus } from "@tabler/icons-react"
import { Redacted } from "effect"
import { type ReactNode, useState } from "react"
import type { Ask } from "../../calls/Service.ts"
import { useAct } from "../../calls/useAct.ts"
import { FormDialog } from "../../parts/FormDialog.tsx"
import { Secret } from "../../parts/Secret.tsx"
import * as Standing from "./Standing.ts"

/** What every token has. */
export interface Common {
  readonly name: string
  readonly lifetimeSeconds?: number
}

export interface Props {
  /** On the button that opens it. */
  readonly button: string
  readonly title: string
  /** On the button that makes it. */
  readonly word: string
  /** What the name says. */
  readonly nameAbout: string
  /** In seconds, one of `Standing.lifetimes`. */
  readonly lifetime: string
  /** The fields that only this kind has. */
  readonly children: ReactNode
  /** Whether they can be sent; default true. */
  readonly isReady?: boolean
  readonly make: (common: Common) => Ask<{ readonly token: Redacted.Redacted }>
  /** The fields are closed: they go back to what they were at first. */
  readonly onReset: () => void
  readonly secretTitle: string
  /** What is to be done with the token. */
  readonly secretAbout: string
  /** What is copied; default the token. */
  readonly secretOf?: (token: string) => string
}

export const NewToken = (props: Props) => {
  const [isOpen, setOpen] = useState(false)
  const [name, setName] = useState("")
  const [lifetime, setLifetime] = useState(props.lifetime)
  const [token, setToken] = useState<string>()
  const close = () => {
    setOpen(false)
    setName("")
    setLifetime(props.lifetime)
    act.reset()
    props.onReset()
  }
  const act = useAct(props.make, {
    changes: ["trust"],
    onDone: (made) => {
      close()
      setToken(Redacted.value(made.token))
    }
  })
  const { secretOf = (text: string) => text } = props
  return (
    <>
      <Button leftSection={<IconPlus size={17} aria-hidden />} onClick={() => setOpen(true)}>
        {props.button}
      </Button>
      <FormDialog
        title={props.title}
        word={props.word}
        isOpen={isOpen}
        isReady={props.isReady ?? true}
        act={act}
        onClose={close}
        onSend={() => act.mutate({ name: name.trim(), ...Standing.lifetimeOf(lifetime) })}
      >
        <TextInput
          label="Name"
          description={props.nameAbout}
          required
          maxLength={128}
          data-autofocus
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
        />
        {props.children}
        <Select
          label="Good for"
          mt="md"
          allowDeselect={false}
          data={Standing.lifetimes}
          value={lifetime}
          onChange={(value) => setLifetime(value ?? "")}
        />
      </FormDialog>
      <Secret
        title={props.secretTitle}
        value={token === undefined ? undefined : secretOf(token)}
        onClose={() => setToken(undefined)}
      >
        {props.secretAbout}
      </Secret>
    </>
  )
}
