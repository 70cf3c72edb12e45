/** The page as a whole: this month, and what runs now. */
import { Alert, Code, Text, Title } from "@mantine/core"
import { IconLock } from "@tabler/icons-react"
import { makeClient, useAsk } from "../calls/useAsk.ts"
import { Logo } from "../frame/Logo.tsx"
import { ThemeSwitch } from "../frame/ThemeSwitch.tsx"
import { Failed } from "../parts/Failed.tsx"
import { Tag } from "../parts/Tag.tsx"
import { Waiting } from "../parts/Waiting.tsx"
import { Looks } from "../theme/Looks.tsx"
import * as Amount from "../view/Amount.ts"
import classes from "./Activity.module.css"
import * as DeviceAgent from "./DeviceAgent.ts"
import { Month } from "./Month.tsx"
import { Now } from "./Now.tsx"
import { Peers } from "./Peers.tsx"

const client = makeClient(() => undefined)

export const Activity = () => (
  <Looks client={client}>
    <Frame />
  </Looks>
)

const Frame = () => {
  const asked = useAsk(DeviceAgent.now, "second")
  const { data, error } = asked
  return (
    <>
      <header className={classes["top"]}>
        <Logo />
        <span className={classes["space"]} />
        {data === undefined ? null : (
          <Tag tone={error === null ? "good" : "none"}>{error === null ? "Live" : "Not live"}</Tag>
        )}
        <ThemeSwitch />
      </header>
      <main className={classes["main"]}>
        {error?.kind === "SignIn" ? (
          <Locked sentence={error.sentence} />
        ) : data === undefined ? (
          error === null ? (
            <Waiting label="Asking the agent" />
          ) : (
            <Failed of={asked} />
          )
        ) : (
          <>
            <div className={classes["head"]}>
              <Title order={1} size="h2">
                Activity of {data.device}
              </Title>
              <Text size="sm" c="dimmed">
                Agent {data.version}, running for {Amount.span(Math.max(0, data.moment.At - data.since))}
              </Text>
            </div>
            <Failed of={asked} />
            <Month month={data.month} />
            <Now page={data} />
            <Peers moment={data.moment} />
          </>
        )}
      </main>
    </>
  )
}

const Locked = ({ sentence }: { readonly sentence: string }) => (
  <>
    <Title order={1} size="h2" mb="md">
      Activity of this device
    </Title>
    <Alert
      role="alert"
      variant="light"
      color="yellow"
      icon={<IconLock size={20} aria-hidden />}
      title={sentence}
      className={classes["locked"] ?? ""}
    >
      What a device downloads is its user&apos;s business, so the page&apos;s address has a secret that only this
      command tells: <Code>piecework activity</Code>
    </Alert>
  </>
)
