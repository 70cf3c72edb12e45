import { readFile } from "node:fs/promises"
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import * as Amount from "../../src/view/Amount.ts"
import * as Scene from "./support/Scene.ts"
import * as Seeded from "./support/Seeded.ts"
import * as Shots from "./support/Shots.ts"
import { Stage } from "./support/Stage.ts"
import * as TwoSites from "./support/TwoSites.ts"
import { go, heading, look, menu, panel, signIn, signOut, tabTo } from "./support/Steps.ts"

/** Clients that download at the same time. */
const clients = 10

/** What `get` ends with when the service has halted the content: docs of `piecework get`. */
const halted = 14

/** Bytes a second, at which nobody is done while he is looked at. */
const almostHeld = 100_000

/** Fast enough to be done at once, in bytes a second. */
const unpaced = 200_000_000

interface Summary {
  readonly BytesFetched: number
  readonly BytesFromPeers: number
  readonly BytesFromCache: number
  readonly DeviceCount: number
}

/** In the page: a member names another one that is in the table, too. */
const isFedByAnother = (): boolean => {
  // The page is sent this function alone.
  // oxlint-disable-next-line unicorn/consistent-function-scoping
  const texts = (label: string): ReadonlyArray<string> =>
    [...document.querySelectorAll(`td[data-label="${label}"]`)].map((cell) => cell.textContent ?? "")
  const names = texts("Member").map((text) => text.slice(0, 6))
  return texts("Fed by").some((text) => names.some((name) => text.startsWith(name)))
}

layer(Stage.layer, { excludeTestServices: true, timeout: "2 minutes" })("The console", (it) => {
  it.effect(
    "shows ten clients that feed each other, halts what they download and says what it saved, where there is a browser",
    (context) =>
      Effect.gen(function* () {
        const stage = yield* Stage
        if (stage._tag === "Failure") return context.skip(stage.failure.message)
        const scene = yield* Scene.make
        const watched = yield* stage.success.page()
        const { page } = watched
        const found: Array<string> = []

        yield* Effect.promise(async () => {
          // With nothing in the browser's cache.
          const begun = performance.now()
          await page.goto(`${scene.service}/console/`, { waitUntil: "commit" })
          // Looked for with each frame; a locator looks every half second after the first.
          await page.waitForFunction(() => document.querySelector("form input") !== null)
          const usable = performance.now() - begun
          await Shots.note("firstPageUsableMillis", Math.round(usable))
          // Far more than it takes, since machines do other things as well.
          assert.isBelow(usable, 20_000)
          await page.getByLabel("Operator's token").waitFor()
          await look(watched, "sign-in", found)
          await signIn(page, scene.token)
          await heading(page, "Overview").waitFor()

          // A file is published without a mouse.
          await tabTo(page, menu(page, "Contents"))
          await page.keyboard.press("Enter")
          await heading(page, "Contents").waitFor()
          await tabTo(page, page.getByRole("button", { name: "Publish a file" }))
          await page.keyboard.press("Enter")
          await page.waitForFunction(() => document.activeElement?.getAttribute("type") === "url")
          await page.keyboard.insertText(scene.origin.url(Scene.otherName))
          await page.keyboard.press("Enter")
          await page.getByText("Published, 11.0 MiB").waitFor()
          await look(watched, "contents", found)

          await page.getByRole("link", { name: scene.fileName }).click()
          await page.getByRole("link", { name: "Its swarm now" }).click()
          await page.getByText("Nobody is in this swarm now").waitFor()
        })

        // The page shows by itself who comes, and who gives to whom.
        const running = yield* scene.download(clients)
        yield* Effect.promise(async () => {
          await page.waitForFunction(isFedByAnother)
          scene.origin.pace(almostHeld)
          await panel(page, "Members")
            .locator("tbody tr")
            .nth(clients - 1)
            .waitFor()
          assert.strictEqual(await panel(page, "Members").locator("tbody tr").count(), clients)
          await look(watched, "swarm", found)
          const asItIs = await TwoSites.show(page)
          const flows = panel(page, "Between sites").locator("tbody tr")
          for (const site of TwoSites.sites) {
            await flows.filter({ hasText: site }).first().waitFor()
            await panel(page, "Who feeds whom").locator("svg text").filter({ hasText: site }).waitFor()
          }
          await look(watched, "swarm-of-two-sites", found)
          await asItIs()
          await go(page, "Swarms")
          await page
            .getByRole("row", { name: scene.fileName })
            .getByRole("cell", { name: String(clients) })
            .first()
            .waitFor()
          await look(watched, "swarms", found)

          await go(page, "Contents")
          await page.getByRole("link", { name: scene.fileName }).click()
          await page.getByRole("button", { name: "Halt it" }).click()
          await page.getByRole("dialog").getByRole("button", { name: "Halt" }).click()
          await page.getByRole("button", { name: "Resume it" }).waitFor()
          await look(watched, "content", found)
        })

        // All of them hear of it, whoever they have it from.
        for (const client of running) assert.strictEqual((yield* client.ended).code, halted)

        yield* Effect.promise(async () => {
          await page.getByRole("button", { name: "Resume it" }).click()
          await page.getByRole("dialog").getByRole("button", { name: "Resume" }).click()
          await page.getByRole("button", { name: "Halt it" }).waitFor()
        })
        scene.origin.pace(unpaced)
        const again = yield* scene.download(clients, "result")
        for (const client of again) yield* client.stop
        for (const client of again) assert.strictEqual((yield* client.ended).code, 0)

        // What the page says is what the command says.
        const summary = JSON.parse(yield* scene.command("report", "summary")) as Summary
        assert.strictEqual(summary.DeviceCount, clients)
        const saved = Amount.bytes(summary.BytesFromPeers + summary.BytesFromCache)
        yield* Effect.promise(async () => {
          await go(page, "Overview")
          await page.reload()
          await page
            .getByText(`${saved} of ${Amount.bytes(summary.BytesFetched)} did not come from the origin`)
            .waitFor()
          await look(watched, "overview", found)
        })

        assert.deepStrictEqual(found, [])
        assert.deepStrictEqual(watched.complaints(), [])
      }),
    170_000
  )

  it.effect(
    "lets administrators look after tokens, devices and cache nodes, and others look only, where there is a browser",
    (context) =>
      Effect.gen(function* () {
        const stage = yield* Stage
        if (stage._tag === "Failure") return context.skip(stage.failure.message)
        const scene = yield* Scene.make
        const watched = yield* stage.success.page()
        const { page } = watched
        const found: Array<string> = []
        yield* Effect.promise(async () => {
          await page.goto(`${scene.service}/console/`)
          await signIn(page, scene.token)

          await go(page, "Tokens")
          await page.getByRole("button", { name: "New token" }).click()
          await page.getByRole("dialog").getByLabel("Name").fill("Build server")
          await page.getByRole("button", { name: "Make it" }).click()
          assert.match((await page.getByRole("dialog").locator("code").textContent()) ?? "", /^pwo_/)
          await page.getByRole("button", { name: "I have kept it" }).click()
          await page.getByRole("button", { name: "Revoke Build server" }).click()
          await page.getByRole("dialog").getByRole("button", { name: "Revoke" }).click()
          await page.getByText("Revoked").waitFor()
          // There is no order in buttons.
          const heads = page.getByRole("columnheader")
          assert.strictEqual(await heads.filter({ hasText: "Change" }).getByRole("button").count(), 0)
          assert.strictEqual(await heads.filter({ hasText: "Used" }).getByRole("button").count(), 1)
          await look(watched, "tokens", found)

          await go(page, "Enrolled devices")
          await page.getByText("No device is enrolled").waitFor()
          await page.getByRole("button", { name: "Let devices enrol" }).click()
          await page.getByRole("dialog").getByLabel("Name").fill("Lab, second floor")
          await page.getByRole("dialog").getByLabel("Groups of these devices").focus()
          await look(watched, "form", found)
          await page.getByRole("button", { name: "Make a token" }).click()
          await page.getByRole("button", { name: "I have kept it" }).click()
          await page.getByText("Lab, second floor").waitFor()
          await look(watched, "enrolled-devices", found)

          await go(page, "Cache nodes")
          await page.getByText("There are no cache nodes").waitFor()
          await page.getByRole("button", { name: "New node" }).click()
          await page.getByRole("dialog").getByLabel("Name").fill("Bonn")
          await page.getByRole("button", { name: "Make it" }).click()
          await heading(page, "Bonn").waitFor()
          await page.getByRole("button", { name: "Switch off" }).click()
          await page.getByRole("dialog").getByRole("button", { name: "Switch off" }).click()
          await page.getByRole("button", { name: "Switch on" }).waitFor()
          await look(watched, "cache-node", found)

          await go(page, "Audit log")
          const changed = page.getByRole("row").filter({ hasText: "node.update" })
          await changed.getByText("Maria Lopez").waitFor()
          await look(watched, "audit-log", found)

          // Who may look only is shown no button that would be refused.
          await signOut(page)
          await signIn(page, scene.readToken)
          await go(page, "Contents")
          await page.getByRole("link", { name: scene.fileName }).click()
          await page.getByText("Your token may look only").waitFor()
          assert.strictEqual(await page.getByRole("button", { name: /^(?:Halt it|Unpublish|Save)/ }).count(), 0)
          assert.strictEqual(await menu(page, "Tokens").count(), 0)
        })
        assert.deepStrictEqual(found, [])
        assert.deepStrictEqual(watched.complaints(), [])
      }),
    170_000
  )

  it.effect(
    "tells an organisation how to begin, then what it saves and where, where there is a browser",
    (context) =>
      Effect.gen(function* () {
        const stage = yield* Stage
        if (stage._tag === "Failure") return context.skip(stage.failure.message)
        const fleet = yield* Seeded.make
        const watched = yield* stage.success.page()
        const { page } = watched
        const found: Array<string> = []
        yield* Effect.promise(async () => {
          await page.goto(fleet.door)
          await panel(page, "First steps").waitFor()
          // The token is in no address and no history.
          assert.notInclude(page.url(), "token")
          await look(watched, "first-steps", found)
        })

        // Another address that signs in, while a session is open: whoever sits there is asked, whether the page is loaded for it or there already.
        const another = yield* fleet.anotherDoor
        yield* Effect.promise(async () => {
          const own = page.getByRole("button", { name: /^Signed in as/ })
          const name = await own.getAttribute("aria-label")
          await page.goto(another)
          await page.getByRole("button", { name: /^Stay signed in/ }).waitFor()
          assert.notInclude(page.url(), "token")
          await look(watched, "two-sessions", found)
          await page.getByRole("button", { name: /^Stay signed in/ }).click()
          await panel(page, "First steps").waitFor()
          assert.strictEqual(await own.getAttribute("aria-label"), name)
          await page.goto("about:blank")
          await page.goto(another)
          await page.getByRole("button", { name: "Sign in with the other token" }).click()
          await panel(page, "First steps").waitFor()
          assert.strictEqual(await own.getAttribute("aria-label"), "Signed in as Auditor")
          assert.notInclude(page.url(), "token")
        })
        const devices = yield* fleet.report
        const file = yield* Effect.promise(async () => {
          await page.reload()
          await page.getByText(`${devices}`, { exact: true }).waitFor()
          await page.getByRole("button", { name: "Show as a table" }).click()
          await page
            .getByRole("row")
            .filter({ hasText: /^20\d\d-\d\d-\d\d/ })
            .nth(27)
            .waitFor()
          await page.getByRole("button", { name: "Show the chart" }).click()
          await page.locator(".recharts-bar-rectangle").first().waitFor()
          await look(watched, "overview-of-a-fleet", found)

          await go(page, "Savings")
          await page.getByRole("link", { name: "feature-update-26h2.img" }).waitFor()
          await look(watched, "savings", found)
          await page.getByRole("link", { name: "Cities" }).click()
          await page.getByRole("link", { name: "Bonn" }).click()
          await heading(page, "Bonn").waitFor()
          await panel(page, "Peering").waitFor()
          await page.getByRole("link", { name: "Cities" }).click()
          await page.getByRole("link", { name: "Devices", exact: true }).click()
          await page.getByRole("columnheader", { name: "Last seen" }).waitFor()
          await page.getByRole("cell").getByRole("link").first().click()
          await panel(page, "Events").getByText("completed").first().waitFor()
          await look(watched, "device", found)

          await go(page, "Exports")
          const [download] = await Promise.all([
            page.waitForEvent("download"),
            page.getByRole("button", { name: "Download devices as CSV" }).click()
          ])
          return readFile(await download.path(), "utf8")
        })
        assert.strictEqual(
          file.trimEnd(),
          (yield* fleet.csv("devices")).replaceAll("\r", "").replaceAll("\n", "\r\n").trimEnd()
        )
        assert.deepStrictEqual(found, [])
        assert.deepStrictEqual(watched.complaints(), [])
      }),
    300_000
  )

  it.effect(
    "shows the user of a device what it downloads and lets nobody else see it, where there is a browser",
    (context) =>
      Effect.gen(function* () {
        const stage = yield* Stage
        if (stage._tag === "Failure") return context.skip(stage.failure.message)
        const device = yield* Scene.device
        const job = yield* device.get
        const { url } = JSON.parse(yield* device.command("activity", "--json")) as { readonly url: string }
        const watched = yield* stage.success.page()
        const { page } = watched
        const found: Array<string> = []
        yield* Effect.promise(async () => {
          const begun = performance.now()
          await page.goto(url)
          await page.getByRole("heading", { level: 1, name: /^Activity of / }).waitFor()
          await Shots.note("activityUsableMillis", Math.round(performance.now() - begun))
          // The secret is not left where somebody could read it over a shoulder, or in the history.
          assert.notInclude(page.url(), "key=")
          await page.reload()
          const row = panel(page, "Downloads").getByRole("listitem").filter({ hasText: Scene.fileName })
          await row.getByText("Downloading").waitFor()
          await row.getByText(/Servers on the Internet \d/).waitFor()
          await look(watched, "activity", found)
          // The job of a program that has not looked after it since its end.
          await page.route("**/api/now", async (route) => {
            const response = await route.fetch()
            const now = (await response.json()) as {
              readonly jobs: ReadonlyArray<{ readonly bytesTotal: number }>
              readonly moment: object
            }
            const jobs = now.jobs.map((one) => ({
              ...one,
              state: "Transferred",
              bytesTransferred: one.bytesTotal,
              transfer: undefined
            }))
            const moment = { ...now.moment, Downloads: [] }
            await route.fulfill({ response, json: { ...now, jobs, moment, why: {} } })
          })
          await row.getByText("Complete, 24.0 MiB").waitFor()
          await look(watched, "activity-done", found)
          await page.unroute("**/api/now")
          await tabTo(page, row.getByRole("button", { name: "Pause" }))
          await page.keyboard.press("Enter")
          await row.getByText("Paused", { exact: true }).waitFor()
          await row.getByRole("button", { name: "Resume" }).click()
          await row.getByText("Downloading").waitFor()
          await row.getByRole("button", { name: "Abort" }).click()
          await page.getByRole("dialog").getByRole("button", { name: "Abort" }).click()
          await page.getByText("Nothing is being downloaded").waitFor()
        })
        assert.notStrictEqual((yield* job.ended).code, 0)
        assert.deepStrictEqual(found, [])
        assert.deepStrictEqual(watched.complaints(), [])

        // Another page of the same browser knows no secret, and a program that guesses is told nothing.
        const other = yield* stage.success.page()
        const { origin } = new URL(url)
        yield* Effect.promise(async () => {
          await other.page.goto(origin)
          await other.page.getByText("This page was not opened by you").waitFor()
          const guess = await fetch(`${origin}/api/now`, { headers: { authorization: "Bearer guess" } })
          assert.strictEqual(guess.status, 401)
        })
        assert.deepStrictEqual(other.complaints(), [])
      }),
    170_000
  )
})
