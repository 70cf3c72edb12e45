/** Who reports, and how often. */
import type { DeviceId } from "@piecework/domain/Peer"
import * as Profile from "@piecework/cloud/Profile"
import { Context, Duration, Layer } from "effect"

export class CourierConfig extends Context.Service<
  CourierConfig,
  {
    readonly deviceId: DeviceId
    readonly clientVersion: string
    /** Default a PC. */
    readonly profile: number
    /** Name and version of the operating system, at most 64 characters; told when given. */
    readonly osVersion: string | undefined
    /** Between two looks for what other processes of the device left. Default 1 minute. */
    readonly every: Duration.Duration
    /** After the first failure; twice as long after each further one. Default 30 seconds. */
    readonly firstPause: Duration.Duration
    /** The longest of these. Default 30 minutes. */
    readonly longestPause: Duration.Duration
  }
>()("@piecework/reports/CourierConfig") {}

export const defaults: Omit<CourierConfig["Service"], "deviceId" | "clientVersion"> = {
  profile: Profile.pc,
  osVersion: undefined,
  every: Duration.minutes(1),
  firstPause: Duration.seconds(30),
  longestPause: Duration.minutes(30)
}

export const layer = (
  options: Partial<CourierConfig["Service"]> & Pick<CourierConfig["Service"], "deviceId" | "clientVersion">
): Layer.Layer<CourierConfig> => Layer.succeed(CourierConfig, { ...defaults, ...options })
