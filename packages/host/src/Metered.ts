/** Whether bytes cost money, as NetworkManager knows or guesses it: `nmcli -t -f GENERAL.METERED,IP4.GATEWAY device show`. */

/** `undefined` when it does not know, or is not there. A device without a gateway carries nothing beyond its own network. */
export const fromNetworkManager = (text: string): boolean | undefined => {
  let metered: string | undefined
  const said: Array<boolean> = []
  for (const line of text.split("\n")) {
    const [field = "", ...rest] = line.split(":")
    const value = rest.join(":").trim()
    if (field === "GENERAL.METERED") metered = value
    const known = field === "IP4.GATEWAY" && value !== "" && value !== "--" ? words.get(metered ?? "") : undefined
    if (known !== undefined) said.push(known)
  }
  return said.length === 0 ? undefined : said.includes(true)
}

const words: ReadonlyMap<string, boolean> = new Map([
  ["yes", true],
  ["yes (guessed)", true],
  ["no", false],
  ["no (guessed)", false]
])
