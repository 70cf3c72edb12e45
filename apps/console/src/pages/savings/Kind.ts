/** What savings are looked at by: a page for each, and where the page of one of them is. */
import type * as Views from "@piecework/reports/Views"

export interface Kind {
  /** In addresses. */
  readonly key: string
  readonly label: string
  /** Of one of them. */
  readonly noun: string
  /** What the service calls it; types of content are in the summary. */
  readonly by: Views.By | "Type"
  readonly about: string
}

export const kinds: ReadonlyArray<Kind> = [
  {
    key: "content",
    label: "Contents",
    noun: "content",
    by: "Content",
    about: "The files that devices fetched, those with most bytes first."
  },
  {
    key: "type",
    label: "Types",
    noun: "type of content",
    by: "Type",
    about: "Who asked for the files, as programs say it."
  },
  {
    key: "device",
    label: "Devices",
    noun: "device",
    by: "Device",
    about: "Devices that reported a download in the time shown."
  },
  {
    key: "group",
    label: "Groups",
    noun: "group",
    by: "Group",
    about: "Groups of devices; their ids are hashed, so nobody can read them here."
  },
  { key: "site", label: "Sites", noun: "site", by: "Site", about: "Devices that share an external address." },
  {
    key: "city",
    label: "Cities",
    noun: "city",
    by: "City",
    about: "Where devices fetched, as the service's places say it."
  },
  {
    key: "country",
    label: "Countries",
    noun: "country",
    by: "Country",
    about: "Where devices fetched, as the service's places say it."
  },
  {
    key: "isp",
    label: "Providers",
    noun: "provider",
    by: "Isp",
    about: "Whose lines devices fetched over, as the service's places say it."
  }
]

export const kindOf = (key: string | undefined): Kind | undefined =>
  kinds.find((kind) => kind.key === (key ?? "content"))

/** Names of one of them may have any character. */
export const pathOf = ({ key }: Kind, name: string): string => `/savings/${key}/${encodeURIComponent(name)}`

export const devicePath = (name: string, isEnrolled: boolean): string =>
  `/savings/device/${isEnrolled ? "enrolled" : "claimed"}/${encodeURIComponent(name)}`
