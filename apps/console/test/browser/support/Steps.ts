/** What people do with the console: sign in, go to a page, look at it, use the keyboard alone. */
import type { Locator, Page } from "playwright-core"
import { barriers, type Watched } from "./Browser.ts"
import * as Shots from "./Shots.ts"

/** With the keyboard: the field has the focus when the form comes. */
export const signIn = async (page: Page, token: string): Promise<void> => {
  await page.getByLabel("Operator's token").focus()
  await page.keyboard.insertText(token)
  await page.keyboard.press("Enter")
  await page.getByRole("navigation", { name: "Pages" }).waitFor()
}

export const signOut = async (page: Page): Promise<void> => {
  await page.getByRole("button", { name: /^Signed in as/ }).click()
  await page.getByRole("menuitem", { name: "Sign out" }).click()
  await page.getByLabel("Operator's token").waitFor()
}

/** By the menu. */
export const go = async (page: Page, title: string): Promise<void> => {
  await menu(page, title).click()
  await heading(page, title).waitFor()
}

export const menu = (page: Page, title: string): Locator =>
  page.getByRole("navigation", { name: "Pages" }).getByRole("link", { name: title, exact: true })

export const heading = (page: Page, title: string): Locator =>
  page.getByRole("heading", { level: 1, name: title, exact: true })

/** The part of a page under a heading. */
export const panel = (page: Page, title: string): Locator =>
  page.locator("section", { has: page.getByRole("heading", { level: 2, name: title, exact: true }) })

/** Most steps from one place to another that a person takes patiently. */
const mostTabs = 40

/** Goes to it by the Tab key; whoever cannot be reached so is not there for many people. */
export const tabTo = async (page: Page, to: Locator): Promise<void> => {
  for (let n = 0; n < mostTabs; n++) {
    if (await to.evaluate((element) => element === document.activeElement)) return
    await page.keyboard.press("Tab")
  }
  throw new Error(`The Tab key did not come to ${String(to)} in ${mostTabs} steps.`)
}

/** Pictures in both sizes and colours, and what a tool finds that knows what keeps people out: on a wide light page and on a narrow dark one. */
export const look = async ({ page }: Watched, name: string, found: Array<string>): Promise<void> => {
  // A page without its styles can be used, and found faultless, all the same.
  const surface = await page.evaluate(() => getComputedStyle(document.documentElement).getPropertyValue("--surface"))
  if (surface === "") found.push(`${name}: it has no styles`)
  await Shots.take(page, name, async ({ scheme, size }) => {
    if ((size === "desktop") !== (scheme === "light")) return
    for (const barrier of await barriers(page)) found.push(`${name}, ${size}, ${scheme}: ${barrier}`)
  })
}
