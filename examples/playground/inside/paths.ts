// The gradient of one weight of the first layer as what it is: a sum over all paths from the weight to the loss. A path
// leads over a neuron of the second hidden layer and an output; what it contributes is the product of the derivatives on
// its way. All factors come from a trace, so that of the library's trace the sum must be the library's gradient.
import { functions } from './formulas.ts'
import {
  type InsideOptions,
  layout,
  letters,
  neurons,
  OUTPUT,
  type Row,
  type Trace,
  type Weights,
  weightAt,
  weightNames,
} from './shape.ts'

export interface Factor {
  readonly name: string
  readonly value: number
}

export interface Path {
  /** The neuron of the second hidden layer and the output it leads over. */
  readonly hidden: number
  readonly output: number
  readonly name: string
  /** From the weight to the loss. */
  readonly factors: readonly Factor[]
  readonly product: number
}

/** Weights and biases of the first layer: those whose paths are followed. */
export const followed: readonly string[] = weightNames.slice(0, layout[0].end)

/** The input a weight of the first layer weighs, or -1 for a bias, and the neuron it leads to. */
export function endsOf(weight: number): { input: number; neuron: number } {
  const { to, bias } = layout[0]
  return weight < bias
    ? { input: Math.floor(weight / to), neuron: weight % to }
    : { input: -1, neuron: weight - bias }
}

/** The four paths of a weight of the first layer, by its place. */
export function pathsOf(
  weight: number,
  { weights: w, row, trace }: { weights: Weights; row: Row; trace: Trace },
  { act }: InsideOptions,
): Path[] {
  const { input, neuron: j } = endsOf(weight)
  const f = functions[act]
  const slope = (layer: number, i: number): Factor => ({
    name: `f′(${letters[layer].sum}${i + 1})`,
    value: f.slope(trace.z[layer][i], trace.a[layer][i]),
  })
  const link = (layer: number, from: number, to: number): Factor => {
    const at = weightAt(layer, from, to)
    return { name: weightNames[at], value: w[at] }
  }
  return neurons(1).flatMap((k) =>
    neurons(OUTPUT).map((o) => {
      const factors = [
        ...(input < 0 ? [] : [{ name: `x${input + 1}`, value: row.x[input] }]),
        slope(0, j),
        link(1, j, k),
        slope(1, k),
        link(OUTPUT, k, o),
        { name: `∂L/∂s${o + 1}`, value: trace.dz[OUTPUT][o] },
      ]
      return {
        hidden: k,
        output: o,
        name: `over h${k + 1} and ŷ${o + 1}`,
        factors,
        product: factors.reduce((product, { value }) => product * value, 1),
      }
    }),
  )
}

/** The sum of the first `count` paths' products. */
export const sumOf = (paths: readonly Path[], count: number): number =>
  paths.slice(0, count).reduce((sum, { product }) => sum + product, 0)
