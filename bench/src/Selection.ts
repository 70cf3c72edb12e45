/** What `--only` chooses: parts of a scenario and tools, in one list. Pure. */
import { Option } from "effect"

export interface Selection<Part extends string> {
  readonly parts: ReadonlyArray<Part>
  readonly wants: (tool: string) => boolean
}

/** `None` when a word is neither; all parts when none is named, and all tools. */
export const parse =
  <Part extends string>(parts: ReadonlyArray<Part>, tools: ReadonlyArray<string>) =>
  (text: string): Option.Option<Selection<Part>> => {
    const words = new Set(text.split(",").map((word) => word.trim()))
    const [chosenParts, chosenTools] = [
      parts.filter((part) => words.has(part)),
      tools.filter((tool) => words.has(tool))
    ]
    return chosenParts.length + chosenTools.length === words.size && words.size > 0
      ? Option.some({
          parts: chosenParts.length === 0 ? parts : chosenParts,
          wants: (tool) => chosenTools.length === 0 || chosenTools.includes(tool)
        })
      : Option.none()
  }

export const all = <Part extends string>(parts: ReadonlyArray<Part>): Selection<Part> => ({ parts, wants: () => true })
