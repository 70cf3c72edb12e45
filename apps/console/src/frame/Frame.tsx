/** What is around every page: the menu, who is signed in, and the way past all of it to the page. */
import { ActionIcon, Menu, Text, UnstyledButton } from "@mantine/core"
import { useQueryClient } from "@tanstack/react-query"
import { IconLogout, IconMenu2, IconUser, IconX } from "@tabler/icons-react"
import { type MouseEvent, type RefObject, useEffect, useRef } from "react"
import { useLocation } from "wouter"
import * as Session from "../session/Session.ts"
import { useSession } from "../session/useSession.ts"
import classes from "./Frame.module.css"
import { Logo } from "./Logo.tsx"
import { Navigation } from "./Navigation.tsx"
import { placesFor } from "./Places.ts"
import { Routes } from "./Routes.tsx"
import { ThemeSwitch } from "./ThemeSwitch.tsx"

export const Frame = () => {
  const session = useSession()
  const mine = placesFor({ areas: session.areas, isAllowed: (scope) => Session.may(session, scope) })
  const drawer = useRef<HTMLDialogElement>(null)
  const main = useRef<HTMLElement>(null)
  const [location] = useLocation()
  useEffect(() => drawer.current?.close(), [location])
  useArrival(location, main)
  // The address behind the # is the page's, so a link to an anchor would lead away from it.
  const skip = (event: MouseEvent) => {
    event.preventDefault()
    main.current?.focus()
  }
  return (
    <div className={classes["frame"]}>
      <a href="#main" className={classes["skip"]} onClick={skip}>
        Skip to the page
      </a>
      <header className={classes["top"]}>
        <ActionIcon
          className={classes["burger"] ?? ""}
          variant="subtle"
          color="gray"
          size="lg"
          aria-label="Open the menu"
          onClick={() => drawer.current?.showModal()}
        >
          <IconMenu2 size={22} aria-hidden />
        </ActionIcon>
        <Logo />
        <span className={classes["space"]} />
        <ThemeSwitch />
        <Who />
      </header>
      <aside className={classes["side"]}>
        <Navigation places={mine} />
        <Text size="xs" c="dimmed" className={classes["version"] ?? ""}>
          Version {session.version}
        </Text>
      </aside>
      <dialog ref={drawer} className={classes["drawer"]} aria-label="Menu">
        <div className={classes["drawerTop"]}>
          <Logo />
          <ActionIcon
            variant="subtle"
            color="gray"
            size="lg"
            aria-label="Close the menu"
            onClick={() => drawer.current?.close()}
          >
            <IconX size={22} aria-hidden />
          </ActionIcon>
        </div>
        <Navigation places={mine} />
      </dialog>
      <main ref={main} id="main" tabIndex={-1} className={classes["main"]}>
        <Routes places={mine} />
      </main>
    </div>
  )
}

/** Whoever goes to another page begins at its top, with the keyboard too; whoever comes back is where the browser remembers. */
const useArrival = (location: string, main: RefObject<HTMLElement | null>): void => {
  const before = useRef(location)
  const isBack = useRef(false)
  useEffect(() => {
    const noted = () => {
      isBack.current = true
    }
    window.addEventListener("popstate", noted)
    return () => window.removeEventListener("popstate", noted)
  }, [])
  useEffect(() => {
    if (before.current === location) return
    before.current = location
    if (!isBack.current) {
      window.scrollTo(0, 0)
      main.current?.focus({ preventScroll: true })
    }
    isBack.current = false
  }, [location, main])
}

const Who = () => {
  const session = useSession()
  const client = useQueryClient()
  const signOut = async () => {
    const state = await Session.signOut().catch(() => undefined)
    if (state === undefined) await client.invalidateQueries({ queryKey: Session.state.key })
    else Session.become(client, state)
  }
  return (
    <Menu position="bottom-end" width={240}>
      <Menu.Target>
        <UnstyledButton className={classes["me"] ?? ""} aria-label={`Signed in as ${session.name}`}>
          <IconUser size={20} aria-hidden />
          <span className={classes["name"]}>{session.name}</span>
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown>
        <div className={classes["who"]}>
          <Text size="sm" fw={600} truncate>
            {session.name}
          </Text>
          <Text size="xs" c="dimmed">
            Token {session.operator}: {session.scopes.join(", ").toLowerCase()}
          </Text>
        </div>
        <Menu.Divider />
        <Menu.Item leftSection={<IconLogout size={16} aria-hidden />} onClick={() => void signOut()}>
          Sign out
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  )
}
