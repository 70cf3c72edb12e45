/**
 * One browser for all tests of a file, and pages in it that notice what a person would: anything on the console, requests that failed or went
 * to another machine. A page with complaints fails its test.
 */
import { AxeBuilder } from "@axe-core/playwright"
import { Context, Effect, Layer, Schema, type Scope } from "effect"
import { type Browser as PlaywrightBrowser, type BrowserContext, chromium, type Page } from "playwright-core"
import * as Chromium from "./Chromium.ts"

/** There is none on this machine that starts. */
export class NoBrowser extends Schema.TaggedError<NoBrowser>()("NoBrowser", {
  /** What the ones that are there failed with. */
  failures: Schema.Array(Schema.String)
}) {
  override get message(): string {
    const why = this.failures.length === 0 ? "none is installed" : this.failures.join("; ")
    return `There is no browser to test with (${why}); install chromium, or name one in CHROME_PATH.`
  }
}

export type Scheme = "light" | "dark"

/** In CSS pixels: a small laptop, and a phone. */
export const sizes = {
  desktop: { width: 1280, height: 800 },
  phone: { width: 390, height: 844 }
} as const
export type Size = keyof typeof sizes

export interface Watched {
  readonly page: Page
  /** What went wrong since the page is there, a sentence each. */
  readonly complaints: () => ReadonlyArray<string>
  /** Answers of this status are part of the test from now on. */
  readonly expect: (status: number) => void
}

export class Browser extends Context.Service<
  Browser,
  {
    /** A page with a storage of its own; it is gone with the scope. */
    readonly page: (options?: {
      readonly scheme?: Scheme
      readonly size?: Size
    }) => Effect.Effect<Watched, never, Scope.Scope>
  }
>()("@piecework/console/test/Browser") {
  /** Answers why not where there is no browser: tests are skipped there, and say it. */
  static readonly launch: Effect.Effect<Browser["Service"], NoBrowser, Scope.Scope> = Effect.gen(function* () {
    const browser = yield* Effect.acquireRelease(launched, (running) => Effect.promise(() => running.close()))
    return Browser.of({
      page: Effect.fn("Browser.page")(function* ({ scheme = "light", size = "desktop" } = {}) {
        const context = yield* Effect.acquireRelease(
          Effect.promise(() =>
            browser.newContext({
              viewport: sizes[size],
              colorScheme: scheme,
              reducedMotion: "reduce",
              locale: "en-GB",
              timezoneId: "UTC",
              ...(size === "phone" ? { hasTouch: true, isMobile: true } : {})
            })
          ),
          (made) => Effect.promise(() => made.close())
        )
        return yield* Effect.promise(() => watched(context))
      })
    })
  })

  static readonly layer: Layer.Layer<Browser, NoBrowser> = Layer.effect(Browser, Browser.launch)
}

const launched: Effect.Effect<PlaywrightBrowser, NoBrowser> = Effect.gen(function* () {
  const failures: Array<string> = []
  for (const candidate of Chromium.candidates(process.env)) {
    const found = yield* Effect.promise(async () => {
      const program = await candidate()
      if (program === undefined) return undefined
      try {
        return await chromium.launch({
          executablePath: program.path,
          // Its sandbox does not start for root; it shows nothing but our own pages.
          args: ["--disable-gpu", ...(process.getuid?.() === 0 ? ["--no-sandbox"] : [])],
          env: { ...process.env, ...program.env },
          timeout: 60_000
        })
      } catch (error) {
        const [first = "it ended"] = String(error).split("\n")
        return `${program.path}: ${first}`
      }
    })
    if (typeof found === "object") return found
    if (found !== undefined) failures.push(found)
  }
  return yield* new NoBrowser({ failures })
})

/** How long anything on a page may take, in milliseconds: far more than it does, since machines are busy at times. */
const patience = 30_000

const watched = async (context: BrowserContext): Promise<Watched> => {
  context.setDefaultTimeout(patience)
  const page = await context.newPage()
  const complaints: Array<string> = []
  const expected = new Set<number>()
  page.on("console", (message) => {
    if (message.type() !== "error" && message.type() !== "warning") return
    // The browser's own line about an answer; the answer itself is looked at below.
    const [, status] = /^Failed to load resource: .*status of (\d+)/.exec(message.text()) ?? []
    if (status === undefined) complaints.push(`console ${message.type()}: ${message.text()}`)
  })
  page.on("pageerror", (error) => complaints.push(`uncaught: ${error.message}`))
  page.on("requestfailed", (request) => {
    const why = request.failure()?.errorText ?? "no reason"
    // Who leaves a page does not wait for what it had asked.
    if (why !== "net::ERR_ABORTED") complaints.push(`${request.method()} ${request.url()} failed: ${why}`)
  })
  page.on("response", (response) => {
    if (response.status() >= 400 && !expected.has(response.status())) {
      complaints.push(`${response.request().method()} ${response.url()} answered ${response.status()}`)
    }
  })
  page.on("request", (request) => {
    const { hostname, protocol } = new URL(request.url())
    const isOwn = protocol === "data:" || protocol === "blob:" || hostname === "127.0.0.1" || hostname === "localhost"
    if (!isOwn) complaints.push(`asked another machine: ${hostname}`)
  })
  return { page, complaints: () => complaints, expect: (status) => void expected.add(status) }
}

/** What WCAG 2.2 A and AA finds on the page as it is now, one line each. Source: axe-core, its rules by tag. */
export const barriers = async (page: Page): Promise<ReadonlyArray<string>> => {
  const { violations } = await new AxeBuilder({ page })
    .withTags(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"])
    // Without frames there is nothing to gather in a page of its own.
    .setLegacyMode(true)
    .analyze()
  return violations.flatMap(({ id, nodes }) =>
    nodes.map((node) => `${id}: ${node.html} (${node.failureSummary ?? ""})`)
  )
}
