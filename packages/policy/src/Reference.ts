/** The table of settings for people, as Markdown. */
import type { Setting } from "./Setting.ts"
import { names, settings } from "./Settings.ts"

export const markdown = (): string =>
  [
    "# Settings",
    "",
    'What a policy file may say, as `{ "DODownloadMode": 2 }`, the environment, as `PIECEWORK_DODOWNLOADMODE=2`, or the',
    "service. Microsoft's settings have Microsoft's names, ranges and defaults; names without DO are ours. A value that is out of",
    "range is ignored, with a warning that says where it stands. KB, MB and GB are multiples of 1024. What each does to a device now",
    "`piecework config --explain NAME` says.",
    "",
    "| setting | takes | default | since | what it does |",
    "| --- | --- | --- | --- | --- |",
    ...names.map((name) => row(name, settings[name])),
    ""
  ].join("\n")

const row = (name: string, setting: Setting<unknown>): string => {
  const unit = setting.unit === undefined ? "" : ` ${setting.unit}`
  const { deprecated } = setting
  const age = deprecated === undefined ? setting.since : `${setting.since}, deprecated since ${deprecated.since}`
  const instead = deprecated?.instead === undefined ? "" : ` Use ${deprecated.instead}.`
  return `| \`${name}\` | ${setting.kind.allowed}${unit} | ${shown(setting)} | ${age} | ${setting.summary}${instead} |`
}

const shown = ({ default: value, unit }: Setting<unknown>): string => {
  if (value === undefined) return "not set"
  if (typeof value === "boolean") return value ? "1" : "0"
  if (Array.isArray(value)) return value.join(", ")
  return unit === undefined ? String(value) : `${String(value)} ${unit}`
}
