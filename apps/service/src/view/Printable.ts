/** Text from outside as a terminal may be shown it: control characters move cursors and change colours. */
export const printable = (text: string): string => text.replaceAll(/\p{Cc}/gu, "?")
