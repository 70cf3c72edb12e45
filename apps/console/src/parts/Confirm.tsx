/** Asks before something is done that others notice, and says why it could not be. */
import { Button, Group, Modal, Text } from "@mantine/core"
import type { ReactNode } from "react"
import type { CallFailed } from "../calls/CallFailed.ts"

export interface Props {
  readonly title: string
  /** What happens then. */
  readonly children: ReactNode
  /** On the button that does it. */
  readonly word: string
  readonly isOpen: boolean
  readonly isDangerous?: boolean
  readonly act: { readonly isPending: boolean; readonly error: CallFailed | null; readonly reset: () => void }
  readonly onConfirm: () => void
  readonly onClose: () => void
}

export const Confirm = ({ act, children, isDangerous = false, isOpen, onClose, onConfirm, title, word }: Props) => {
  const close = () => {
    act.reset()
    onClose()
  }
  return (
    <Modal opened={isOpen} onClose={close} title={title} closeButtonProps={{ "aria-label": "Close" }}>
      <Text size="sm" component="div">
        {children}
      </Text>
      <Refused by={act.error} />
      <Group justify="flex-end" mt="lg">
        <Button variant="default" onClick={close}>
          Cancel
        </Button>
        <Button {...(isDangerous ? { color: "red.9" } : {})} loading={act.isPending} onClick={onConfirm}>
          {word}
        </Button>
      </Group>
    </Modal>
  )
}

/** Why something could not be done. */
export const Refused = ({ by }: { readonly by: CallFailed | null }) =>
  by === null ? null : (
    <Text size="sm" mt="sm" role="alert" c="var(--grade-error)">
      {by.sentence} {by.advice}
    </Text>
  )
