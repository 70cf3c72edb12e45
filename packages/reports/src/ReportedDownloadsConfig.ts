/** What is told of a download beside what became of it. */
import type { PeerId } from "@piecework/domain/Peer"
import { Context, Layer } from "effect"

/** How much of a URL: its place without query and credentials, its host alone, or nothing. */
export type Urls = "Path" | "Host" | "None"

export class ReportedDownloadsConfig extends Context.Service<
  ReportedDownloadsConfig,
  {
    /** Default "Path". */
    readonly urls: Urls
    /** The group that the device is in. Default none. */
    readonly groupId: string | undefined
    readonly peerId: PeerId | undefined
    /** Who asks for the files, at most 64 characters. Default nobody. */
    readonly caller: string | undefined
  }
>()("@piecework/reports/ReportedDownloadsConfig") {}

export const defaults: ReportedDownloadsConfig["Service"] = {
  urls: "Path",
  groupId: undefined,
  peerId: undefined,
  caller: undefined
}

export const layer = (options?: Partial<ReportedDownloadsConfig["Service"]>): Layer.Layer<ReportedDownloadsConfig> =>
  Layer.succeed(ReportedDownloadsConfig, { ...defaults, ...options })
