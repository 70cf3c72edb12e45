/** Keeps the menu when a page breaks, as it does when the service was updated and its files have other names. */
import { Button } from "@mantine/core"
import { Component, type ReactNode } from "react"
import { Empty } from "../parts/Empty.tsx"

export class Broken extends Component<{ readonly children: ReactNode }, { readonly isBroken: boolean }> {
  override state = { isBroken: false }

  static getDerivedStateFromError(): { readonly isBroken: boolean } {
    return { isBroken: true }
  }

  override render(): ReactNode {
    return this.state.isBroken ? (
      <Empty title="This page could not be shown" action={<Button onClick={() => location.reload()}>Reload</Button>}>
        The service is away, or was updated since the console was opened. What went wrong is in the browser&apos;s
        console.
      </Empty>
    ) : (
      this.props.children
    )
  }
}
