/**
 * Reads what a program tells Prometheus, strictly, and says what is wrong with it: text format 0.0.4 and the naming rules that
 * `promtool check metrics` has. Source: Prometheus, "Exposition formats", "Metric and label naming", and its linter.
 */

export interface Series {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

export interface Family {
  readonly name: string
  readonly kind: string
  readonly help: string
  readonly series: ReadonlyArray<Series>
}

export interface Exposition {
  readonly families: ReadonlyMap<string, Family>
  /** Sentences; empty when all is well. */
  readonly problems: ReadonlyArray<string>
}

const kinds: ReadonlySet<string> = new Set(["counter", "gauge", "histogram", "summary"])
const nameRule = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/
const sampleLine = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/
const labelPair = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\\\|\\"|\\n)*)"(?:,|$)/
const number = /^(?:NaN|[+-]Inf|[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)$/

/** Units that are not base units, and abbreviations, at the end of names or before `_total`. */
const foul =
  /(?:_|^)(?:milliseconds|microseconds|nanoseconds|minutes|hours|days|weeks|ms|us|ns|sec|min|kb|mb|gb|kilobytes|megabytes|gigabytes|bits|percent|percentage|mib|gib)(?:_total)?$/

export const read = (text: string): Exposition => {
  const families = new Map<string, { name: string; kind: string; help: string; series: Array<Series> }>()
  const problems: Array<string> = []
  const seen = new Set<string>()
  let current: string | undefined
  if (text !== "" && !text.endsWith("\n")) problems.push("The last line has no end.")
  const open = (name: string, line: string) => {
    if (name !== current && families.has(name)) problems.push(`${name} comes in two places: ${line}`)
    current = name
    const family = families.get(name) ?? { name, kind: "", help: "", series: [] }
    families.set(name, family)
    return family
  }
  for (const line of text.split("\n").slice(0, -1)) {
    const [, word, name = "", rest = ""] = /^# (HELP|TYPE) (\S+) ?(.*)$/.exec(line) ?? []
    if (word !== undefined) {
      const family = open(name, line)
      if (!nameRule.test(name)) problems.push(`${name} is no name.`)
      if (family.series.length > 0) problems.push(`${name} has samples before its ${word}.`)
      const key = word === "HELP" ? "help" : "kind"
      if (family[key] !== "") problems.push(`${name} has two lines of ${word}.`)
      family[key] = rest
      if (word === "TYPE" && !kinds.has(rest)) problems.push(`${name} is of no kind: ${rest}`)
      continue
    }
    if (line.startsWith("#")) continue
    const [, sample, labelText = "", valueText = ""] = sampleLine.exec(line) ?? []
    if (sample === undefined || !number.test(valueText)) {
      problems.push(`This is no sample: ${line}`)
      continue
    }
    const family = families.get(current ?? "")
    if (family === undefined || !belongs(sample, family)) {
      problems.push(`${sample} stands outside its family.`)
      continue
    }
    const labels = labelsOf(labelText)
    if (labels === undefined) {
      problems.push(`These are no labels: ${line}`)
      continue
    }
    const key = `${sample} ${JSON.stringify(Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1)))}`
    if (seen.has(key)) problems.push(`A series is there twice: ${line}`)
    seen.add(key)
    family.series.push({ name: sample, labels, value: valueOf(valueText) })
  }
  for (const family of families.values()) problems.push(...lint(family))
  return { families, problems }
}

const suffixes: Readonly<Record<string, ReadonlyArray<string>>> = {
  histogram: ["_bucket", "_sum", "_count"],
  summary: ["", "_sum", "_count"]
}

const belongs = (sample: string, { kind, name }: Family): boolean =>
  (suffixes[kind] ?? [""]).some((suffix) => sample === name + suffix)

const labelsOf = (text: string): Record<string, string> | undefined => {
  const labels: Record<string, string> = {}
  let rest = text
  while (rest !== "") {
    const [all, key, value] = labelPair.exec(rest) ?? []
    if (all === undefined || key === undefined || value === undefined || key in labels) return undefined
    labels[key] = value.replace(/\\(.)/g, (_, one: string) => (one === "n" ? "\n" : one))
    rest = rest.slice(all.length)
  }
  return labels
}

const valueOf = (text: string): number =>
  text.endsWith("Inf") ? Number(text.replace("Inf", "Infinity")) : Number(text)

const lint = ({ help, kind, name, series }: Family): ReadonlyArray<string> => {
  const problems: Array<string> = []
  const say = (problem: string) => problems.push(`${name} ${problem}`)
  if (help === "") say("has no HELP.")
  else if (!/[.)]$/.test(help)) say(`has a HELP that is no sentence: ${help}`)
  if (kind === "") say("has no TYPE.")
  if (!/^(?:piecework|process)_[a-z0-9_]+$/.test(name) || name.includes("__")) say("is not in snake case of ours.")
  if ((kind === "counter") !== name.endsWith("_total"))
    say("ends with _total where it is no counter, or is one and does not.")
  if (foul.test(name)) say("is not in a base unit.")
  if (kind !== "histogram" && name.endsWith("_bucket")) say("ends like a part of a histogram.")
  if (!/histogram|summary/.test(kind) && /_(?:count|sum)$/.test(name)) say("ends like a part of a histogram.")
  if (/(?:counter|gauge|histogram|summary|metric)/.test(name)) say("has its kind in its name.")
  for (const { labels, name: sample, value } of series) {
    for (const [key, word] of Object.entries(labels)) {
      if (key.startsWith("__") || !/^[a-z][a-z0-9_]*$/.test(key)) say(`has the label ${key}.`)
      if ((key === "le") !== sample.endsWith("_bucket") && key === "le") say("has buckets without being a histogram.")
      if (key === "quantile" && kind !== "summary") say("has quantiles without being a summary.")
      // Words of closed sets. What comes from outside has slashes, dots and the like, and there is no end of it.
      if (key !== "le" && key !== "version" && !/^[a-z0-9][a-z0-9-]{0,40}$/i.test(word)) say(`has ${key}="${word}".`)
    }
    if (kind === "counter" && !(value >= 0)) say(`counts ${value}.`)
  }
  if (kind === "histogram") problems.push(...bucketsOf(name, series))
  return problems
}

/** Buckets rise, and the last of them holds all. */
const bucketsOf = (name: string, series: ReadonlyArray<Series>): ReadonlyArray<string> => {
  const rest = ({ labels }: Series) => JSON.stringify(Object.entries(labels).filter(([key]) => key !== "le"))
  return [...Map.groupBy(series, rest).values()].flatMap((own) => {
    const buckets = own.filter((one) => one.name.endsWith("_bucket"))
    const bounds = buckets.map(({ labels }) => valueOf(labels["le"] ?? "NaN"))
    const count = own.find((one) => one.name === `${name}_count`)?.value
    const rises = buckets.every(
      ({ value }, i) => i === 0 || (value >= (buckets[i - 1]?.value ?? 0) && (bounds[i] ?? 0) > (bounds[i - 1] ?? 0))
    )
    const isWhole = bounds.at(-1) === Infinity && buckets.at(-1)?.value === count
    return rises && isWhole ? [] : [`${name} has buckets that do not add up.`]
  })
}

/** The names in the first column of the tables behind a heading of a manual, and their kinds: "| `name` | kind | …". */
export const documented = (markdown: string, heading: string): ReadonlyMap<string, string> => {
  const at = markdown.indexOf(`\n${heading}\n`)
  if (at === -1) return new Map()
  const level = /^#+/.exec(heading)?.[0].length ?? 1
  const behind = markdown.slice(at + heading.length + 2)
  const end = behind.search(new RegExp(`^#{1,${level}} `, "m"))
  const section = end === -1 ? behind : behind.slice(0, end)
  return new Map(
    [...section.matchAll(/^\| `([a-z_0-9]+)` \| (counter|gauge|histogram|summary) \|/gm)].map(
      ([, name = "", kind = ""]) => [name, kind]
    )
  )
}
