/** A command to be run somewhere, with a button that copies it where the browser lets pages do that. */
import { ActionIcon, CopyButton, Tooltip } from "@mantine/core"
import { IconCheck, IconCopy } from "@tabler/icons-react"
import classes from "./Command.module.css"

export const Command = ({ children }: { readonly children: string }) => (
  <div className={classes["command"]}>
    <code tabIndex={0}>{children}</code>
    {window.isSecureContext ? (
      <CopyButton value={children}>
        {({ copied, copy }) => (
          <Tooltip label={copied ? "Copied" : "Copy"}>
            <ActionIcon
              variant="subtle"
              color="gray"
              aria-label={copied ? "Copied" : "Copy the command"}
              onClick={copy}
            >
              {copied ? <IconCheck size={16} aria-hidden /> : <IconCopy size={16} aria-hidden />}
            </ActionIcon>
          </Tooltip>
        )}
      </CopyButton>
    ) : null}
  </div>
)
