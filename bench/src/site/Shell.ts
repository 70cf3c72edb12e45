/** Commands as values, and one shell script made of many: hundreds of small programs cost one process of ours. */

/** A program and its arguments. */
export type Command = readonly [program: string, ...args: ReadonlyArray<string>]

/** A command whose words hold no spaces, as it is typed. */
export const typed = (text: string): Command => {
  const [program = "", ...args] = text.split(" ")
  return [program, ...args]
}

/** A word as the shell reads it. */
export const quote = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`

/** Runs all in order, and stops at the first that fails, saying which it was. */
export const script = (commands: ReadonlyArray<Command>): string =>
  commands
    .map((command) => command.map(quote).join(" "))
    .map((line) => `${line} || { echo ${quote(`failed: ${line}`)} >&2; exit 1; }\n`)
    .join("")
