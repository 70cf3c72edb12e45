/** What people call a content: the last part of its URL's path, else its host; a content without a URL by the beginning of its id. */
export const fileName = (url: string, contentId: string): string => {
  if (URL.canParse(url)) {
    const { host, pathname } = new URL(url)
    const last = pathname.split("/").findLast((part) => part !== "")
    return last === undefined ? host : decoded(last)
  }
  return contentId === "" ? "not known" : short(contentId)
}

/** "DO-abcdefgh…" */
export const short = (id: string, length = 14): string => (id.length <= length ? id : `${id.slice(0, length)}…`)

const decoded = (text: string): string => {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
