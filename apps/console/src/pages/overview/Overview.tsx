/** What the organisation saved, and from where its devices had their bytes. */
import * as Reports from "../../calls/Reports.ts"
import { useAsk } from "../../calls/useAsk.ts"
import { Answered } from "../../parts/Answered.tsx"
import { Page as Within } from "../../parts/Page.tsx"
import { Panel } from "../../parts/Panel.tsx"
import * as Amount from "../../view/Amount.ts"

export const Page = () => {
  const summary = useAsk(Reports.summary(28), "slow")
  return (
    <Within title="Overview">
      <Answered of={summary} label="Asking for the figures">
        {(of) => <Panel title="Fetched">{Amount.bytes(of.BytesFetched)}</Panel>}
      </Answered>
    </Within>
  )
}
