/** `piecework-cache log`: what the cache server said. */
import { defaultRoot } from "@piecework/device/StateFolder"
import * as LogFolder from "@piecework/logs/LogFolder"
import * as LogCommand from "@piecework/terminal/LogCommand"
import { Option } from "effect"
import { program } from "../RunFolder.ts"
import { usable } from "../Startup.ts"
import * as options from "./options.ts"

const rootOf = (state: Option.Option<string>): string =>
  Option.getOrElse(state, () => defaultRoot(process.env, program))

export const folderOf = (state: Option.Option<string>): string => LogFolder.folderIn(rootOf(state))

const check = (state: Option.Option<string>) => usable(rootOf(state))

export const log = LogCommand.make({ state: options.state, folderOf, check })
