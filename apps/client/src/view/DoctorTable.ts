/** What `piecework doctor` shows: the verdict, then all checks, those that fail first, each with what to do. */
import type { Check, Outcome } from "@piecework/doctor/Check"
import * as Diagnosis from "@piecework/doctor/Diagnosis"

const words: { readonly [O in Outcome]: string } = { Fail: "FAIL", Warn: "warn", Pass: "pass", Disabled: "-" }

/** As terminals number them: red, yellow, green, grey. Source: ECMA-48, SGR. */
const colours: { readonly [O in Outcome]: number } = { Fail: 31, Warn: 33, Pass: 32, Disabled: 90 }

const order: ReadonlyArray<Outcome> = ["Fail", "Warn", "Pass", "Disabled"]

export const render = (checks: ReadonlyArray<Check>, isColoured: boolean): string => {
  const paint = (colour: number, text: string) => (isColoured ? `\u001b[${colour}m${text}\u001b[0m` : text)
  const width = Math.max(...checks.map(({ title }) => title.length))
  const indent = " ".repeat(4 + 2)
  const rows = order.flatMap((outcome) =>
    checks
      .filter((check) => check.outcome === outcome)
      .flatMap(({ hint, sentence, title }) => [
        `${paint(colours[outcome], words[outcome].padEnd(4))}  ${title.padEnd(width)}  ${sentence}`,
        ...(hint === "" ? [] : [`${indent}${" ".repeat(width)}  → ${hint}`])
      ])
  )
  const sentence = Diagnosis.verdict(checks)
  const worst = order.find((outcome) => checks.some((check) => check.outcome === outcome)) ?? "Pass"
  return [paint(colours[worst], sentence), "", ...rows].join("\n")
}

/** One object, for programs. */
export const forPrograms = (checks: ReadonlyArray<Check>) => ({
  verdict: Diagnosis.verdict(checks),
  failed: checks.filter(({ outcome }) => outcome === "Fail").length,
  warned: checks.filter(({ outcome }) => outcome === "Warn").length,
  checks
})
