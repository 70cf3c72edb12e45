/** Addresses for people. Pure. */

/** The last part of a URL or a path, decoded: what a person calls the file. */
export const nameOf = (address: string): string => {
  const path = URL.canParse(address) ? new URL(address).pathname : address
  const last = path.split("/").findLast((part) => part !== "") ?? address
  try {
    return decodeURIComponent(last)
  } catch {
    return last
  }
}

/** The server of a URL; the text itself when it is none. */
export const hostOf = (address: string): string => (URL.canParse(address) ? new URL(address).host : address)

/** URLs of a content as they are shown: those whose query is not for who looks end in "?…". */
export const shownUrls = ({
  queryHidden = [],
  urls
}: {
  readonly urls: ReadonlyArray<string>
  readonly queryHidden?: ReadonlyArray<number>
}): ReadonlyArray<string> => urls.map((url, place) => (queryHidden.includes(place) ? `${url}?…` : url))
