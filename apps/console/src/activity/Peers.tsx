/** The devices that this one is connected to now, the busiest first. */
import { Table, Text } from "@mantine/core"
import type { Moment, PeerInfo } from "@piecework/client/Activity"
import { Empty } from "../parts/Empty.tsx"
import { Panel } from "../parts/Panel.tsx"
import { Tag } from "../parts/Tag.tsx"
import * as Amount from "../view/Amount.ts"

const kinds: Readonly<Record<PeerInfo["PeerType"], string>> = {
  LAN: "Local network",
  LinkLocal: "Same link",
  Group: "Group",
  Internet: "Internet"
}

export const Peers = ({ moment }: { readonly moment: Moment }) => {
  const peers = moment.Peers.flatMap(({ FileId, PeersInfo }) =>
    PeersInfo.map((peer, place) => ({ ...peer, key: `${FileId} ${place}` }))
  ).toSorted((a, b) => b.DownloadRateBytes + b.UploadRateBytes - a.DownloadRateBytes - a.UploadRateBytes)
  return (
    <Panel
      title="Devices connected now"
      about="Who gives to this device, and whom it gives to; rates are means of 20 seconds."
    >
      {peers.length === 0 ? (
        <Empty title="No device is connected">
          Devices connect while one of them downloads something that the other one has.
        </Empty>
      ) : (
        <Table.ScrollContainer minWidth={480} scrollAreaProps={{ viewportProps: { tabIndex: 0 } }}>
          <Table verticalSpacing="xs">
            <Table.Thead>
              <Table.Tr>
                <Table.Th scope="col">Address</Table.Th>
                <Table.Th scope="col">Where</Table.Th>
                <Table.Th scope="col" ta="right">
                  Gives
                </Table.Th>
                <Table.Th scope="col" ta="right">
                  Takes
                </Table.Th>
                <Table.Th scope="col" ta="right">
                  In all
                </Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {peers.map((peer) => (
                <Table.Tr key={peer.key}>
                  <Table.Td>{peer.IP}</Table.Td>
                  <Table.Td>
                    <Tag tone={peer.PeerType === "Internet" ? "none" : "good"}>{kinds[peer.PeerType]}</Tag>
                  </Table.Td>
                  <Table.Td ta="right">{Amount.byteRate(peer.DownloadRateBytes)}</Table.Td>
                  <Table.Td ta="right">{Amount.byteRate(peer.UploadRateBytes)}</Table.Td>
                  <Table.Td ta="right">
                    <Text size="sm" c="dimmed">
                      ↓ {Amount.bytes(peer.BytesReceived)} · ↑ {Amount.bytes(peer.BytesSent)}
                    </Text>
                  </Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
      )}
    </Panel>
  )
}
