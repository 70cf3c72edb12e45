/** `piecework-cache log`: what the cache server said. */
import { defaultRoot } from "@piecework/device/StateFolder"
import * as LogFolder from "@piecework/logs/LogFolder"
import * as LogCommand from "@piecework/terminal/LogCommand"
import { Option } from "effect"
import { program } from "../RunFolder.ts"
import * as options from "./options.ts"

export const folderOf = (state: Option.Option<string>): string =>
  LogFolder.folderIn(Option.getOrElse(state, () => defaultRoot(process.env, program)))

export const log = LogCommand.make({ state: options.state, folderOf })
