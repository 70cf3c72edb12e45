/** The pages of the console: where each is, what it is called, and which of the service's areas it asks. Adding a page is adding a line. */
import type { OperatorScope } from "@piecework/cloud/Identity"
import {
  IconAffiliate,
  IconChartBar,
  IconChartDonut,
  IconDeviceDesktopCheck,
  IconFileExport,
  IconHistory,
  IconKey,
  IconPackage,
  IconServer2,
  type Icon
} from "@tabler/icons-react"
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
export const sections = ["Reports", "Delivery", "Service"] as const
export type Section = (typeof sections)[number]

export const places: ReadonlyArray<Place> = [
  {
    path: "/",
    title: "Overview",
    load: () => import("../pages/overview/Overview.tsx"),
    area: "Reports",
    menu: { section: "Reports", icon: IconChartBar }
  },
  {
    path: "/savings",
    title: "Savings",
    load: () => import("../pages/savings/Savings.tsx"),
    area: "Reports",
    menu: { section: "Reports", icon: IconChartDonut }
  },
  { path: "/savings/:by", title: "Savings", load: () => import("../pages/savings/Savings.tsx"), area: "Reports" },
  {
    path: "/savings/device/:kind/:name",
    title: "Device",
    load: () => import("../pages/device/Device.tsx"),
    area: "Reports"
  },
  { path: "/savings/:by/*", title: "Savings", load: () => import("../pages/savings/One.tsx"), area: "Reports" },
  {
    path: "/exports",
    title: "Exports",
    load: () => import("../pages/exports/Exports.tsx"),
    area: "Reports",
    menu: { section: "Reports", icon: IconFileExport }
  },
  {
    path: "/swarms",
    title: "Swarms",
    load: () => import("../pages/swarms/Swarms.tsx"),
    area: "Swarms",
    menu: { section: "Delivery", icon: IconAffiliate }
  },
  { path: "/swarms/:content", title: "Swarm", load: () => import("../pages/swarms/Swarm.tsx"), area: "Swarms" },
  { path: "/swarms/:content/:group", title: "Swarm", load: () => import("../pages/swarms/Swarm.tsx"), area: "Swarms" },
  {
    path: "/contents",
    title: "Contents",
    load: () => import("../pages/contents/Contents.tsx"),
    area: "Contents",
    menu: { section: "Delivery", icon: IconPackage }
  },
  {
    path: "/contents/:content",
    title: "Content",
    load: () => import("../pages/contents/Content.tsx"),
    area: "Contents"
  },
  {
    path: "/nodes",
    title: "Cache nodes",
    load: () => import("../pages/nodes/Nodes.tsx"),
    area: "Nodes",
    menu: { section: "Delivery", icon: IconServer2 }
  },
  { path: "/nodes/:node", title: "Cache node", load: () => import("../pages/nodes/Node.tsx"), area: "Nodes" },
  {
    path: "/enrolled",
    title: "Enrolled devices",
    load: () => import("../pages/trust/Devices.tsx"),
    area: "Trust",
    menu: { section: "Service", icon: IconDeviceDesktopCheck }
  },
  {
    path: "/tokens",
    title: "Tokens",
    load: () => import("../pages/trust/Tokens.tsx"),
    area: "Trust",
    scope: "Admin",
    menu: { section: "Service", icon: IconKey }
  },
  {
    path: "/audit",
    title: "Audit log",
    load: () => import("../pages/audit/Audit.tsx"),
    area: "Contents",
    menu: { section: "Service", icon: IconHistory }
  }
]

/** What a session may see. */
export const placesFor = (
  { areas, isAllowed }: { readonly areas: ReadonlyArray<Area>; readonly isAllowed: (scope: OperatorScope) => boolean },
  of: ReadonlyArray<Place> = places
): ReadonlyArray<Place> => of.filter(({ area, scope }) => areas.includes(area) && isAllowed(scope ?? "Read"))

/** Loads the page of an address (what stands behind the `#`) before it is shown. */
export const preload = (address: string): void => {
  const path = address.replace(/^#?\/?/, "/")
  const found = places.find((place) => place.path === path) ?? places.find((place) => isOpen(place, path))
  // What cannot be loaded now is said when it is to be shown.
  found?.load().catch(() => undefined)
}

/** Whether the menu shows it as the one that is open: its own page, or one that hangs under it. */
export const isOpen = ({ path }: Place, location: string): boolean =>
  location === path || (path !== "/" && location.startsWith(`${path}/`))
