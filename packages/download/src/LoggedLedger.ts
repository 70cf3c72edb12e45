/** A recorder that tells the log, too, where that is verbose: what a download decides and with whom it deals, never of single pieces. */
import type { Recorder } from "@piecework/ledger/Recorder"
import type { Pen } from "@piecework/logs/Journal"

/** `write` takes what is to be said and makes it if it is wanted; `file` names the content as far as it is known. */
export const of = (inner: Recorder, write: Pen, file: () => string): Recorder => {
  const tell = (text: string, notes: () => { readonly [name: string]: unknown }) =>
    write(() => [text, { file: file(), ...notes() }])
  /** What was decided last, of each kind: some is looked at again and again, and comes to the same. */
  const last = new Map<string, string>()
  return {
    ...inner,
    note: (said) => {
      inner.note(said)
      write(() => {
        const { _tag, ...rest } = said
        const text = JSON.stringify(rest)
        if (last.get(_tag) === text) return undefined
        last.set(_tag, text)
        return ["A download decided.", { file: file(), decision: _tag, ...rest }]
      })
    },
    offered: (from, peers) => {
      inner.offered(from, peers)
      tell("Peers were named.", () => ({ from, peers: peers.length }))
    },
    refused: (peer, reason) => {
      inner.refused(peer, reason)
      tell("A peer was not connected.", () => ({ peer, reason }))
    },
    joined: (source, kind, address) => {
      inner.joined(source, kind, address)
      tell("A source is there.", () => ({ source, kind, address }))
    },
    left: (source, reason) => {
      inner.left(source, reason)
      tell("A source has left.", () => ({ source, reason }))
    },
    banned: (peer) => {
      inner.banned(peer)
      tell("A peer was banned.", () => ({ peer }))
    },
    failed: (source, reason, detail) => {
      inner.failed(source, reason, detail)
      tell("A source failed.", () => ({ source, reason, detail }))
    }
  }
}
