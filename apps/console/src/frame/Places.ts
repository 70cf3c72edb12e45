/** The pages of the console: where each is, what it is called, and which of the service's areas it asks. Adding a page is adding a line. */
import type { OperatorScope } from "@piecework/cloud/Identity"
import { IconChartBar, type Icon } from "@tabler/icons-react"
import type { ComponentType } from "react"
import type { Area } from "../session/Session.ts"

/** A page's module; `params` are what stands in its path behind colons, decoded. */
export interface PageModule {
  readonly Page: ComponentType<{ readonly params: Readonly<Record<string, string>> }>
}

export interface Place {
  /** Behind the `#`; the first that fits is shown. */
  readonly path: string
  readonly title: string
  readonly load: () => Promise<PageModule>
  /** Shown where the service has this area. */
  readonly area: Area
  /** Shown to who may do this; default Read. */
  readonly scope?: OperatorScope
  /** In the menu under this heading; else only links lead there. */
  readonly menu?: { readonly section: Section; readonly icon: Icon }
}

/** Headings of the menu, in their order. */
export const sections = ["Savings", "Delivery", "Service"] as const
export type Section = (typeof sections)[number]

export const places: ReadonlyArray<Place> = [
  {
    path: "/",
    title: "Overview",
    load: () => import("../pages/overview/Overview.tsx"),
    area: "Reports",
    menu: { section: "Savings", icon: IconChartBar }
  }
]

/** What a session may see. */
export const placesFor = (
  { areas, isAllowed }: { readonly areas: ReadonlyArray<Area>; readonly isAllowed: (scope: OperatorScope) => boolean },
  of: ReadonlyArray<Place> = places
): ReadonlyArray<Place> => of.filter(({ area, scope }) => areas.includes(area) && isAllowed(scope ?? "Read"))

/** Whether the menu shows it as the one that is open: its own page, or one that hangs under it. */
export const isOpen = ({ path }: Place, location: string): boolean =>
  location === path || (path !== "/" && location.startsWith(`${path}/`))
