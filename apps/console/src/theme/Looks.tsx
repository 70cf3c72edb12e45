/** What every page stands in: the theme, in the colours that the reader chose, and the answers to its questions. */
import { MantineProvider } from "@mantine/core"
import { type QueryClient, QueryClientProvider } from "@tanstack/react-query"
import type { ReactNode } from "react"
import { theme } from "./theme.ts"

declare module "react" {
  /** Style attributes may set variables of our own style sheets. */
  interface CSSProperties {
    [name: `--${string}`]: string | number | undefined
  }
}

export const Looks = ({ children, client }: { readonly children: ReactNode; readonly client: QueryClient }) => (
  // Style elements are forbidden to the page: `adopt` has the variables, and nothing uses the classes.
  <MantineProvider
    theme={theme}
    defaultColorScheme="auto"
    withCssVariables={false}
    withGlobalClasses={false}
    classNamesPrefix="pw"
  >
    <QueryClientProvider client={client}>{children}</QueryClientProvider>
  </MantineProvider>
)
