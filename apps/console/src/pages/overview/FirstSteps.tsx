/** What an organisation sees of which no device has reported anything: how to get there. */
import { List, Text } from "@mantine/core"
import { url } from "../../calls/Service.ts"
import { Command } from "../../parts/Command.tsx"
import { Panel } from "../../parts/Panel.tsx"
import { useSession } from "../../session/useSession.ts"
import { Now } from "./Now.tsx"

export const FirstSteps = () => {
  const { areas } = useSession()
  return (
    <>
      <Panel
        title="First steps"
        about="No device has reported a download in the last 28 days. Savings are shown here once one has."
      >
        <List type="ordered" spacing="lg" styles={{ itemWrapper: { width: "100%" }, itemLabel: { width: "100%" } }}>
          <List.Item>
            <Text fw={600}>Publish a file</Text>
            <Text size="sm" c="dimmed" mb={6}>
              On this service&apos;s machine. It is read once and hashed; the file stays with its origin. Files under 10
              MB always come from there.
            </Text>
            <Command>piecework-service publish image.iso --url http://origin.example/image.iso</Command>
          </List.Item>
          <List.Item>
            <Text fw={600}>Let devices give what they have</Text>
            <Text size="sm" c="dimmed" mb={6}>
              On each device; the agent serves what the device holds, and downloads for its programs.
            </Text>
            <Command>{`piecework agent --service ${url}`}</Command>
          </List.Item>
          <List.Item>
            <Text fw={600}>Download it on two of them</Text>
            <Text size="sm" c="dimmed" mb={6}>
              The first has it from the origin, the second from the first. Both report within a minute.
            </Text>
            <Command>{`piecework get http://origin.example/image.iso --service ${url}`}</Command>
          </List.Item>
        </List>
        <Text size="sm" c="dimmed" mt="lg">
          Nothing comes from peers? On the device, <code>piecework doctor</code> tells what stands in the way.
        </Text>
      </Panel>
      {areas.includes("Swarms") ? <Now /> : null}
    </>
  )
}
