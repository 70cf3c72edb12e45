/** `piecework log`: what the programs of this device said. */
import * as LogCommand from "@piecework/terminal/LogCommand"
import { folderOf } from "../Logging.ts"
import * as options from "./options.ts"

export const log = LogCommand.make({ state: options.state, folderOf })
