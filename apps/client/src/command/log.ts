/** `piecework log`: what the programs of this device said. */
import { defaultRoot } from "@piecework/device/StateFolder"
import * as LogCommand from "@piecework/terminal/LogCommand"
import { Option } from "effect"
import { folderOf } from "../Logging.ts"
import { usable } from "../Startup.ts"
import * as options from "./options.ts"

const check = (state: Option.Option<string>) => usable(Option.getOrElse(state, () => defaultRoot(process.env)))

export const log = LogCommand.make({ state: options.state, folderOf, check })
