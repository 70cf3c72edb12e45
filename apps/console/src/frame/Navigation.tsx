/** The menu: pages under their headings, the open one marked. */
import { Link, useLocation } from "wouter"
import classes from "./Navigation.module.css"
import { isOpen, type Place, sections } from "./Places.ts"

export const Navigation = ({ places }: { readonly places: ReadonlyArray<Place> }) => {
  const [location] = useLocation()
  return (
    <nav aria-label="Pages" className={classes["nav"]}>
      {sections.map((section) => {
        const within = places.filter(({ menu }) => menu?.section === section)
        if (within.length === 0) return null
        return (
          <div key={section}>
            <h2 className={classes["section"]}>{section}</h2>
            <ul className={classes["list"]}>
              {within.map((place) => {
                const Icon = place.menu?.icon
                return (
                  <li key={place.path}>
                    <Link
                      href={place.path}
                      className={classes["link"] ?? ""}
                      aria-current={isOpen(place, location) ? "page" : undefined}
                    >
                      {Icon === undefined ? null : <Icon size={19} stroke={1.7} aria-hidden />}
                      {place.title}
                    </Link>
                  </li>
                )
              })}
            </ul>
          </div>
        )
      })}
    </nav>
  )
}
