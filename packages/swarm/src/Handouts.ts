/** What a swarm hands out, as the contract says it: as values, and as the JSON that these values are on the wire. */
import { Handout } from "@piecework/cloud/ArrayRpcs"
import { Peer, PeerAddress, type PeerKind } from "@piecework/domain/Peer"
import { Duration } from "effect"
import type { Member } from "./Member.ts"
import * as PeerJson from "./PeerJson.ts"
import type { Joined } from "./SwarmState.ts"

export const toHandout = ({ candidates, far, farKind, near, nextJoin }: Joined): Handout =>
  Handout.make(
    {
      peers: [...near.map((member) => peerOf(member, "Lan")), ...far.map((member) => peerOf(member, farKind))],
      candidates,
      nextJoin: Duration.millis(nextJoin)
    },
    unchecked
  )

/** The same, as JSON. */
export const toJson = ({ candidates, far, farKind, near, nextJoin }: Joined): string => {
  let peers = ""
  for (const member of near) peers += `${peers === "" ? "" : ","}${member.json}Lan"}`
  for (const member of far) peers += `${peers === "" ? "" : ","}${jsonOf(member, farKind)}${farKind}"}`
  return `{"peers":[${peers}],"nextJoin":${nextJoin},"candidates":${candidates}}`
}

const peerOf = (member: Member, kind: PeerKind): Peer => {
  const { json } = member
  const host = kind === "Internet" ? member.externalIp : PeerJson.hostOf(json)
  const address = PeerAddress.make({ host, port: PeerJson.portOf(json) }, unchecked)
  return Peer.make({ id: PeerJson.idOf(json), address, kind }, unchecked)
}

/** Members of the group are at one network, though at several sites; strangers come from outside. */
const jsonOf = ({ externalIp, json }: Member, kind: PeerKind): string =>
  kind === "Internet" ? PeerJson.elsewhere(json, externalIp) : json

/** What a member is was checked when it joined. */
const unchecked = { disableChecks: true }
