/** The library that draws; nothing else imports it, so pages without charts do not load it. */
import "@mantine/charts/styles.layer.css"
import { AreaChart, BarChart } from "@mantine/charts"

export interface Series {
  readonly name: string
  readonly label: string
  readonly color: string
}

export interface Props {
  /** A point has its name under `at`, and a number for each series. */
  readonly data: ReadonlyArray<Readonly<Record<string, string | number>>>
  readonly series: ReadonlyArray<Series>
  readonly marks: ReadonlyArray<number>
  readonly format: (n: number) => string
  /** Pixels. */
  readonly height: number
}

const common = ({ data, format, height, marks, series }: Props) => ({
  h: height,
  data: data.map((point) => ({ ...point })),
  dataKey: "at",
  series: series.map((one) => ({ ...one })),
  valueFormatter: format,
  withLegend: false,
  tickLine: "none" as const,
  gridAxis: "x" as const,
  strokeDasharray: "0",
  yAxisProps: {
    width: 80,
    ticks: [...marks],
    // Marks are whole, and their names are to fit into one line.
    tickFormatter: (n: number) => format(n).replace(".0 ", " "),
    domain: [0, marks.at(-1) ?? 1],
    interval: 0 as const,
    tickMargin: 6
  },
  xAxisProps: { minTickGap: 28, tickMargin: 8 },
  tooltipAnimationDuration: 0
})

export const Bars = (props: Props) => (
  <BarChart
    {...common(props)}
    type="stacked"
    maxBarWidth={40}
    barProps={{ isAnimationActive: false, radius: 0 }}
    barChartProps={{ accessibilityLayer: false, barCategoryGap: "22%" }}
  />
)

export const Areas = (props: Props) => (
  <AreaChart
    {...common(props)}
    type="stacked"
    curveType="monotone"
    withDots={false}
    withGradient={false}
    fillOpacity={0.35}
    areaProps={{ isAnimationActive: false }}
    areaChartProps={{ accessibilityLayer: false }}
  />
)
