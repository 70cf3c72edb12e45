/** The page that the address names, loaded when it is first wanted. */
import { Anchor } from "@mantine/core"
import { lazy, Suspense } from "react"
import { Link, Route, Switch } from "wouter"
import { Empty } from "../parts/Empty.tsx"
import { Page } from "../parts/Page.tsx"
import { Waiting } from "../parts/Waiting.tsx"
import { Broken } from "./Broken.tsx"
import { type Place, places as all } from "./Places.ts"

/** Each is loaded once, however often the session changes what is shown. */
const pages = new Map(
  all.map(({ load, path }) => [path, lazy(async () => ({ default: (await load()).Page }))] as const)
)

export const Routes = ({ places }: { readonly places: ReadonlyArray<Place> }) => (
  <Switch>
    {places.map(({ path }) => (
      <Route key={path} path={path}>
        {(params) => <Shown path={path} params={named(params)} />}
      </Route>
    ))}
    <Route>
      <Page title="No such page">
        <Empty title="There is no page at this address">
          It may be one that your token does not allow, or one of another version.{" "}
          <Anchor component={Link} href="/" underline="always">
            Go to the first page
          </Anchor>
        </Empty>
      </Page>
    </Route>
  </Switch>
)

/** The router numbers them, too. */
const named = (params: object): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(params).filter(
      (entry): entry is [string, string] => !/^\d+$/.test(entry[0]) && typeof entry[1] === "string"
    )
  )

const Shown = ({ params, path }: { readonly path: string; readonly params: Readonly<Record<string, string>> }) => {
  const Found = pages.get(path)
  if (Found === undefined) return null
  // Another parameter is another page: nothing of the one before stays.
  const key = `${path} ${Object.values(params).join(" ")}`
  return (
    <Broken key={key}>
      <Suspense fallback={<Waiting label="Loading the page" />}>
        <Found params={params} />
      </Suspense>
    </Broken>
  )
}
