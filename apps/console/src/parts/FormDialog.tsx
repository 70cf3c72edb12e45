/** A form in a dialog: what is asked, why it was refused, and the two ways out of it. */
import { Button, Group, Modal } from "@mantine/core"
import type { ReactNode } from "react"
import { type Props as ConfirmProps, Refused } from "./Confirm.tsx"

export interface Props extends Pick<ConfirmProps, "act" | "isOpen" | "onClose" | "title" | "word"> {
  /** The fields. */
  readonly children: ReactNode
  /** Whether it can be sent, as far as the browser does not see that by itself; default true. */
  readonly isReady?: boolean
  readonly isWide?: boolean
  readonly onSend: () => void
}

export const FormDialog = (props: Props) => {
  const { act, children, isOpen, isReady = true, isWide = false, onClose, onSend, title, word } = props
  return (
    <Modal
      opened={isOpen}
      onClose={onClose}
      title={title}
      size={isWide ? "lg" : "md"}
      closeButtonProps={{ "aria-label": "Close" }}
    >
      <form
        onSubmit={(event) => {
          event.preventDefault()
          if (isReady) onSend()
        }}
      >
        {children}
        <Refused by={act.error} />
        <Group justify="flex-end" mt="lg">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" loading={act.isPending} disabled={!isReady}>
            {word}
          </Button>
        </Group>
      </form>
    </Modal>
  )
}
