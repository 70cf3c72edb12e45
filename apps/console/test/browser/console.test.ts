import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, layer } from "@effect/vitest"
import { Effect, Fiber, Layer, Option, Schedule } from "effect"
import type { Page } from "playwright-core"
import { barriers, Browser, type Watched } from "./support/Browser.ts"
import * as Programs from "./support/Programs.ts"
import * as Scene from "./support/Scene.ts"
import * as Shots from "./support/Shots.ts"

/** How many look after each other in the main test. */
const clientCount = 10

const signIn = async (page: Page, service: string, token: string): Promise<void> => {
  await page.goto(`${service}/console/`)
  await page.getByLabel("Operator's token").fill(token)
  await page.getByRole("button", { name: "Sign in" }).click()
  await page.getByRole("heading", { level: 1, name: "Overview" }).waitFor()
}

/** By the menu, as a person goes. */
const go = async (page: Page, title: string): Promise<void> => {
  await page.getByRole("navigation", { name: "Pages" }).getByRole("link", { name: title, exact: true }).click()
  await page.getByRole("heading", { level: 1, name: title, exact: true }).waitFor()
}

/** Looks at the page as a person does, in both sizes and colours, and as a tool does that knows what keeps people out. */
const look = async ({ page }: Watched, name: string, found: Array<string>): Promise<void> => {
  await Shots.take(page, name, async ({ scheme, size }) => {
    // What is wrong in one size is wrong in the other, but for colours.
    if (size === "desktop") for (const barrier of await barriers(page)) found.push(`${name}, ${scheme}: ${barrier}`)
  })
}

const within = (page: Page, heading: string) =>
  page.locator("section", { has: page.getByRole("heading", { level: 2, name: heading }) })

layer(NodeServices.layer, { excludeTestServices: true })("The console", (it) => {
  it.effect(
    "shows ten clients that feed each other, and halts what they download, where there is a browser",
    (context) =>
      Effect.gen(function* () {
        const launched = yield* Effect.result(Browser.launch)
        if (launched._tag === "Failure") return context.skip(launched.failure.message)
        const browser = launched.success
        yield* Programs.prepare
        const scene = yield* Scene.make
        const clients = yield* scene.download(clientCount)
        const watched = yield* browser.page()
        const { page } = watched
        const found: Array<string> = []

        yield* Effect.promise(async () => {
          // A page that nobody is signed in to: how long until it can be used, on an empty cache.
          const begun = performance.now()
          await page.goto(`${scene.service}/console/`)
          await page.getByLabel("Operator's token").waitFor()
          const usable = performance.now() - begun
          await Shots.note("firstPageUsableMillis", Math.round(usable))
          // Loopback takes a fraction of a second; this is for machines that do much else.
          assert.isBelow(usable, 20_000)
          await look(watched, "sign-in", found)
          await page.getByLabel("Operator's token").fill(scene.token)
          await page.keyboard.press("Enter")
          await page.getByRole("heading", { level: 1, name: "Overview" }).waitFor()

          await go(page, "Swarms")
          await page.getByRole("link", { name: scene.fileName }).waitFor()
          await page.getByText(`Devices in swarms${clientCount}`).waitFor()
          await look(watched, "swarms", found)
          await page.getByRole("link", { name: scene.fileName }).click()
          await page.getByRole("heading", { level: 1, name: scene.fileName }).waitFor()
          // Who feeds whom: some member names another one that is on the page, too.
          const rows = within(page, "Members").locator("tbody tr")
          await page.waitForFunction(() => {
            const cells = [...document.querySelectorAll('td[data-label="Fed by"]')].map((cell) => cell.textContent)
            const names = [...document.querySelectorAll('td[data-label="Member"]')].map(
              (cell) => cell.textContent?.slice(0, 6) ?? ""
            )
            return cells.some((text) => names.some((name) => name !== "" && text?.includes(name)))
          })
          assert.strictEqual(await rows.count(), clientCount)
          await look(watched, "swarm", found)
        })

        const rest = yield* Effect.promise(async () => {
          await go(page, "Contents")
          await page.getByRole("link", { name: scene.fileName }).waitFor()
          return page.getByRole("button", { name: "Publish a file" })
        })
        yield* Effect.promise(async () => {
          await rest.click()
          await page.getByLabel("URL of the file at its origin").fill(scene.origin.url(Scene.otherName))
          await page.getByRole("dialog").getByRole("button", { name: "Publish" }).click()
          await page.getByText("Published, 11.0 MiB").waitFor()
          await look(watched, "contents", found)
        })
        assert.deepStrictEqual(found, [])
        assert.deepStrictEqual(watched.complaints(), [])
        void [Fiber, Layer, Option, Schedule, clients, signIn]
      }),
    180_000
  )
})
