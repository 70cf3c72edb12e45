/** A secret that was just made, shown this once, and what to do with it. */
import { Alert, Button, Group, Modal, Text } from "@mantine/core"
import { IconKey } from "@tabler/icons-react"
import type { ReactNode } from "react"
import { Command } from "./Command.tsx"

export interface Props {
  readonly title: string
  /** What is to be copied: the secret itself, or a command with it. */
  readonly value: string | undefined
  readonly children: ReactNode
  readonly onClose: () => void
}

export const Secret = ({ children, onClose, title, value }: Props) => (
  <Modal
    opened={value !== undefined}
    onClose={onClose}
    title={title}
    size="lg"
    // What is shown once is not to be lost by a click beside it.
    closeOnClickOutside={false}
    closeButtonProps={{ "aria-label": "Close" }}
  >
    <Text size="sm" component="div" mb="sm">
      {children}
    </Text>
    {value === undefined ? null : <Command>{value}</Command>}
    <Alert variant="light" color="yellow" icon={<IconKey size={18} aria-hidden />} mt="md">
      It is not shown again: the service keeps no copy of it.
    </Alert>
    <Group justify="flex-end" mt="lg">
      <Button onClick={onClose}>I have kept it</Button>
    </Group>
  </Modal>
)
