/** A report as the table at the end of the demo. */
import * as Amount from "./Amount.ts"
import * as Ink from "./Ink.ts"
import * as Rate from "./Rate.ts"
import { type Report, succeeded } from "./Report.ts"

export const render = (report: Report, paper: Ink.Paper): ReadonlyArray<string> => {
  const line = (...spans: ReadonlyArray<Ink.Span>) => Ink.line(spans, paper)
  /** The remark goes below the amount where it does not fit beside it. */
  const row = (name: string, colour: Ink.Colour | undefined, amount: string, remark: string) => {
    const spans = [Ink.plain(`  ${name.padEnd(26)}`), { text: amount.padStart(10), colour }]
    const width = spans.reduce((sum, span) => sum + span.text.length, 2)
    return width + remark.length <= paper.columns
      ? [line(...spans, Ink.plain(`  ${remark}`))]
      : [line(...spans), line(Ink.plain(`    ${remark}`))]
  }
  const copies = (bytes: number) => `${(bytes / report.fileBytes).toFixed(2)} copies`

  const verdict = succeeded(report)
    ? Ink.ink("good", `All ${report.clients} files have the right SHA-256, ${report.sha256.slice(0, 16)}`)
    : Ink.ink("bad", `${report.verified} of ${report.clients} files have the right SHA-256`)
  const time =
    report.seconds === null
      ? []
      : [
          ...row("until the last file", "strong", Amount.seconds(report.seconds), ""),
          ...row(
            "one plain download",
            undefined,
            Amount.seconds(report.idealSeconds),
            `${(report.seconds / report.idealSeconds).toFixed(2)} times that`
          )
        ]
  const alone = report.perClient.filter((client) => client.mode === "Simple")

  return [
    line(verdict),
    "",
    line(
      Ink.plain(`  ${report.clients} times ${Amount.bytes(report.fileBytes)} over one line of `),
      Ink.plain(Rate.format(report.lineRate))
    ),
    ...row(
      "from the origin",
      "origin",
      Amount.bytes(report.originBytes),
      `${copies(report.originBytes)} crossed the line`
    ),
    ...row("from peers", "peers", Amount.bytes(report.peerBytes), `${copies(report.peerBytes)} did not`),
    ...row(
      "of no use",
      report.wastedBytes === 0 ? undefined : "bad",
      Amount.bytes(report.wastedBytes),
      `${Amount.percent(report.wastedShare, 1, 2)} of what was fetched`
    ),
    ...time,
    ...row(
      `${report.clients} plain downloads`,
      undefined,
      Amount.seconds(report.idealSeconds * report.clients),
      "at once over this line, without peers"
    ),
    ...alone.map((client) => line(Ink.ink("bad", `  client ${client.client} fetched without peers: ${client.reason}`)))
  ]
}
