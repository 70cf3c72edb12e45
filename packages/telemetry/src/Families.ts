/**
 * Metrics that are read where they are counted, at the moment somebody asks: families of samples, and their text. Nothing is counted
 * here a second time. Source: Prometheus, "Exposition formats", text format 0.0.4.
 */

/** A value and what tells it from the others of its family: words of closed sets, never names that come from outside. */
export interface Sample {
  readonly labels?: Readonly<Record<string, string>> | undefined
  readonly value: number
}

export interface Family {
  /** In base units, with `_total` at the end of a counter. */
  readonly name: string
  readonly kind: "counter" | "gauge"
  /** One sentence. */
  readonly help: string
  readonly samples: ReadonlyArray<Sample>
}

/** One value without labels; none where nobody knows it. */
export const one = (kind: Family["kind"], name: string, help: string, value: number | undefined): Family => ({
  kind,
  name,
  help,
  samples: value === undefined ? [] : [{ value }]
})

/** A value for each word of a label. */
export const by = (
  kind: Family["kind"],
  name: string,
  help: string,
  label: string,
  values: Readonly<Record<string, number | undefined>>
): Family => ({
  kind,
  name,
  help,
  samples: Object.entries(values).flatMap(([word, value]) =>
    value === undefined ? [] : [{ labels: { [label]: word }, value }]
  )
})

/** What Prometheus reads; empty without families. */
export const render = (families: ReadonlyArray<Family>): string =>
  families
    .map(({ help, kind, name, samples }) =>
      [
        `# HELP ${name} ${escaped(help)}`,
        `# TYPE ${name} ${kind}`,
        ...samples.map(({ labels = {}, value }) => `${name}${labelled(labels)} ${written(value)}`),
        ""
      ].join("\n")
    )
    .join("")

const labelled = (labels: Readonly<Record<string, string>>): string => {
  const pairs = Object.entries(labels).map(([key, value]) => `${key}="${escaped(value).replaceAll('"', '\\"')}"`)
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`
}

const escaped = (text: string): string => text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n")

const written = (value: number): string => (value === Infinity ? "+Inf" : value === -Infinity ? "-Inf" : String(value))
