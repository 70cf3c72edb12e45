/** The same surroundings for the layers in memory and on disk. */
import { Objects } from "../../src/Objects.ts"
import type { Layer } from "effect"

/** By name: the layer with a drive of so many bytes. */
export const harnesses: ReadonlyArray<readonly [string, (size: number) => Layer.Layer<Objects>]> = [
  ["in memory", Objects.layerMemoryOf]
]
