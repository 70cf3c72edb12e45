/** What is deployed beside the programs goes by metrics that there are: dashboards and alerts, against the tables of the manuals. */
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as Exposition from "../src/Exposition.ts"

const home = join(import.meta.dirname, "../../..")
const read = (path: string) => readFileSync(join(home, path), "utf8")
const manual = read("docs/metrics.md")
const sections = [
  [read("docs/operation.md"), "## Metrics"],
  [manual, "## Every program"],
  [manual, "## Agent"],
  [manual, "## Cache server"]
] as const

/** Labels by the name of each series that there is; those that Prometheus adds are in all. */
const known = new Map<string, ReadonlySet<string>>([["up", new Set(["instance", "job"])]])
for (const [text, heading] of sections) {
  for (const [name, kind] of Exposition.documented(text, heading)) {
    const [, column = ""] = new RegExp(`^\\| \`${name}\` \\| ${kind} \\|([^|]*)\\|`, "m").exec(text) ?? []
    const labels = new Set(["instance", "job", ...[...column.matchAll(/`([a-z]+)`/g)].map(([, label = ""]) => label)])
    if (kind !== "histogram") known.set(name, labels)
    else for (const part of ["_bucket", "_sum", "_count"]) known.set(name + part, new Set([...labels, "le"]))
  }
}

const functions = new Set("sum max min count rate increase changes time vector histogram_quantile".split(" "))
const words = new Set(["and", "or", "unless", "bool"])
const durations = /^\[(?:\d+[smhd]|\$__range|\$__rate_interval)\]/

/** What is wrong with an expression: a reader of the part of PromQL that is used here. */
const complaints = (expression: string): ReadonlyArray<string> => {
  const problems: Array<string> = []
  const depth: Array<string> = []
  const metrics: Array<string> = []
  const groups: Array<string> = []
  let rest = expression.trim()
  const take = (pattern: RegExp): RegExpExecArray | undefined => {
    const found = pattern.exec(rest) ?? undefined
    if (found !== undefined) rest = rest.slice(found[0].length).trimStart()
    return found
  }
  while (true) {
    if (rest === "") break
    const group = take(/^(?:by|without) \(([a-z_, ]+)\)/)
    if (group !== undefined) {
      groups.push(...(group[1] ?? "").split(",").map((label) => label.trim()))
      continue
    }
    const name = take(/^[a-zA-Z_:][a-zA-Z0-9_:]*/)?.[0]
    if (name !== undefined) {
      if (words.has(name)) continue
      if (rest.startsWith("(") || /^(?:by|without) \(/.test(rest)) {
        if (!functions.has(name)) problems.push(`${name} is no function that is known here.`)
        continue
      }
      metrics.push(name)
      const labels = known.get(name)
      if (labels === undefined) problems.push(`There is no ${name}.`)
      for (const matcher of (take(/^\{([^}]*)\}/)?.[1] ?? "").split(/,(?=[a-z])/).filter((one) => one !== "")) {
        const [, label = ""] = /^([a-z_]+)(?:=|!=|=~|!~)"[^"]*"$/.exec(matcher) ?? []
        if (labels?.has(label) !== true) problems.push(`${name} has no label as in ${matcher}.`)
      }
      if (rest.startsWith("[") && take(durations) === undefined) return [...problems, `This is no range: ${rest}`]
      continue
    }
    const sign = take(/^(?:[(),]|[<>]=?|[!=]=|[-+*/]|\d+(?:\.\d+)?(?:e\d+)?)/)?.[0]
    if (sign === undefined) return [...problems, `This cannot be read: ${rest}`]
    if (sign === "(") depth.push(sign)
    if (sign === ")" && depth.pop() === undefined) problems.push("A bracket closes nothing.")
  }
  if (depth.length > 0) problems.push("A bracket stays open.")
  if (metrics.length === 0) problems.push("It asks for no metric.")
  for (const label of groups) {
    if (!metrics.some((name) => known.get(name)?.has(label) === true)) problems.push(`Nothing has the label ${label}.`)
  }
  return problems
}

describe("The reader of expressions", () => {
  for (const [expression, problem] of [
    ["sum by (role) (rate(piecework_requests_total[5m]))", undefined],
    ['1 - up{job="a"} / (up > 1e3)', undefined],
    ["rate(piecework_request_total[5m])", "There is no piecework_request_total."],
    ['up{role="geo"}', 'up has no label as in role="geo".'],
    ["sum by (mode) (up)", "Nothing has the label mode."],
    ["sum(up", "A bracket stays open."],
    ["average(up)", "average is no function that is known here."],
    ["rate(up[5 m])", "This is no range: [5 m])"]
  ] as const) {
    it(`says of ${expression}: ${problem ?? "nothing"}`, () => {
      assert.deepStrictEqual(complaints(expression), problem === undefined ? [] : [problem])
    })
  }
})

interface Panel {
  readonly id: number
  readonly type: string
  readonly title: string
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }
  readonly datasource?: { readonly uid: string }
  readonly targets?: ReadonlyArray<{
    readonly expr: string
    readonly legendFormat: string
    readonly datasource: { readonly uid: string }
  }>
}

interface Dashboard {
  readonly uid: string
  readonly title: string
  readonly schemaVersion: number
  readonly panels: ReadonlyArray<Panel>
  readonly templating: {
    readonly list: ReadonlyArray<{ readonly name: string; readonly type: string; readonly query: unknown }>
  }
}

const overlap = ({ gridPos: a }: Panel, { gridPos: b }: Panel): boolean =>
  a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h

describe("The dashboards", () => {
  const files = readdirSync(join(home, "deploy/grafana"))
  const all = files.map((file) => JSON.parse(read(join("deploy/grafana", file))) as Dashboard)

  it("have names of their own, and are all in the manual", () => {
    assert.strictEqual(new Set(all.map(({ uid }) => uid)).size, files.length)
    assert.deepStrictEqual(
      files.filter((file) => !manual.includes(`\`${file}\``)),
      []
    )
  })

  for (const [n, dashboard] of all.entries()) {
    it(`${files[n]} can be imported, and asks for nothing that is not there`, () => {
      const { panels, schemaVersion, templating } = dashboard
      assert.isAtLeast(schemaVersion, 36)
      assert.strictEqual(templating.list[0]?.type, "datasource")
      assert.strictEqual(new Set(panels.map(({ id }) => id)).size, panels.length)
      for (const [i, panel] of panels.entries()) {
        const { gridPos, targets = [], title, type } = panel
        assert.isTrue(gridPos.x >= 0 && gridPos.w > 0 && gridPos.h > 0 && gridPos.x + gridPos.w <= 24, title)
        assert.deepStrictEqual(
          panels.slice(0, i).filter((other) => overlap(panel, other)),
          [],
          title
        )
        if (type === "row") continue
        assert.include(["timeseries", "stat"], type)
        assert.isAbove(targets.length, 0, title)
        assert.strictEqual(panel.datasource?.uid, "${datasource}", title)
        for (const { datasource, expr, legendFormat } of targets) {
          assert.deepStrictEqual(complaints(expr), [], `${title}: ${expr}`)
          assert.strictEqual(datasource.uid, "${datasource}")
          for (const [, label = ""] of legendFormat.matchAll(/\{\{(\w+)\}\}/g)) {
            const isThere = [...known].some(([name, labels]) => expr.includes(name) && labels.has(label))
            assert.isTrue(isThere, `${title}: {{${label}}}`)
          }
        }
      }
      for (const { query, type } of templating.list) {
        if (type !== "query") continue
        const [, series = "", label = ""] =
          /label_values\((.+), (\w+)\)$/.exec((query as { query: string }).query) ?? []
        assert.deepStrictEqual(complaints(series), [])
        assert.strictEqual(label, "instance")
      }
    })
  }
})

interface Rule {
  readonly [key: string]: string
}

/** Of the part of YAML that the file is written in: keys in two spaces, texts in quotes or plain or folded. Anything else fails. */
const rulesIn = (yaml: string): ReadonlyArray<Rule> => {
  const lines = yaml.split("\n").filter((line) => line.trim() !== "" && !line.startsWith("#"))
  assert.deepStrictEqual(lines.splice(0, 3), ["groups:", "  - name: piecework", "    rules:"])
  const rules: Array<Record<string, string>> = []
  let folded: string | undefined
  for (const line of lines) {
    const [, indent = "", dash = "", key = "", value = ""] =
      /^( +)(- )?([a-z_]+):(?: (.+))?$/.exec(line) ?? Array.from<string>({ length: 5 })
    const rule = rules.at(-1)
    if (folded !== undefined && /^ {10}\S/.test(line) && rule !== undefined) {
      rule[folded] = `${rule[folded]} ${line.trim()}`.trim()
      continue
    }
    folded = undefined
    if (dash !== "") {
      assert.deepStrictEqual([indent.length, key], [6, "alert"], line)
      rules.push({ alert: value })
      continue
    }
    assert.include([8, 10], indent.length, line)
    if (rule === undefined) assert.fail(line)
    if (value === "") {
      assert.include(["labels", "annotations"], key, line)
      continue
    }
    assert.notProperty(rule, key, line)
    if (value === ">") folded = key
    // A plain text ends where a comment or a key would begin.
    else if (!value.startsWith('"')) assert.notMatch(value, /: | #|^[&*!|>'%@`[{]/, line)
    rule[key] = value === ">" ? "" : value.startsWith('"') ? (JSON.parse(value) as string) : value
  }
  return rules
}

describe("The alerts", () => {
  const rules = rulesIn(read("deploy/prometheus/alerts.yml"))

  it("ask for nothing that is not there, and say how bad it is and of whom", () => {
    assert.strictEqual(new Set(rules.map(({ alert }) => alert)).size, rules.length)
    for (const { alert = "", expr = "", for: span = "0s", severity = "", summary = "" } of rules) {
      assert.deepStrictEqual(complaints(expr), [], `${alert}: ${expr}`)
      assert.match(span, /^\d+[smh]$/)
      assert.include(["warning", "critical"], severity, alert)
      assert.match(summary, /\.$/, alert)
    }
  })

  it("lead to what is to be done, one section each", () => {
    const headings = [...manual.matchAll(/^### (\w+)$/gm)].map(([, name = ""]) => name)
    assert.deepStrictEqual(
      rules.map(({ alert }) => alert),
      headings
    )
    assert.deepStrictEqual(
      rules.map(({ runbook_url: url }) => url),
      headings.map((name) => `docs/metrics.md#${name.toLowerCase()}`)
    )
  })
})
