// The network of the Inside tab on paper: 2 inputs, hidden layers of 3 and of 2 neurons, 2 outputs, so 23 weights. Here
// is how its quantities are named and where each weight stands; what computes them is in network.ts and formulas.ts.

/** Neurons of the inputs and of each layer. */
export const SIZES = [2, 3, 2, 2] as const
/** Layers with weights: two hidden ones and the output. */
export const LAYERS = [0, 1, 2] as const
export type Layer = (typeof LAYERS)[number]
export const OUTPUT = 2

/** Letters of a layer's weights, biases, sums and activations. */
export const letters = [
  { weight: 'w', bias: 'b', sum: 'z', activation: 'a' },
  { weight: 'v', bias: 'c', sum: 'q', activation: 'h' },
  { weight: 'u', bias: 'd', sum: 's', activation: 'ŷ' },
] as const

/** All weights as one list: w [2, 3] by rows, b [3], v [3, 2], c [2], u [2, 2], d [2]. */
export type Weights = Float32Array
export const layout = LAYERS.map((layer) => {
  const before = LAYERS.slice(0, layer).reduce<number>((sum, l) => sum + (SIZES[l] + 1) * SIZES[l + 1], 0)
  const [from, to] = [SIZES[layer], SIZES[layer + 1]]
  return { from, to, kernel: before, bias: before + from * to, end: before + (from + 1) * to }
})
export const WEIGHT_COUNT = layout[OUTPUT].end

/** Place of the weight from neuron i of the layer before to neuron j. */
export const weightAt = (layer: number, i: number, j: number): number =>
  layout[layer].kernel + i * layout[layer].to + j
export const biasAt = (layer: number, j: number): number => layout[layer].bias + j

/** 0, 1, ... of a layer's neurons; -1 is the inputs. */
export const neurons = (layer: number): number[] => [...Array(SIZES[layer + 1]).keys()]

/** w11 leads from x1 to the first neuron, w23 from x2 to the third. */
export const weightNames: readonly string[] = LAYERS.flatMap((layer) => [
  ...neurons(layer - 1).flatMap((i) => neurons(layer).map((j) => `${letters[layer].weight}${i + 1}${j + 1}`)),
  ...neurons(layer).map((j) => `${letters[layer].bias}${j + 1}`),
])

export interface Row {
  readonly x: readonly [number, number]
  readonly y: readonly [number, number]
}

export interface InsideOptions {
  readonly act: 'tanh' | 'sigmoid' | 'relu'
  readonly loss: 'mse' | 'bce'
  readonly rate: number
  readonly seed: number
}

type Values = ArrayLike<number>

/** Every quantity of one step; `z[0][2]` is the sum of the third neuron of the first hidden layer. */
export interface Trace {
  readonly z: readonly Values[]
  readonly a: readonly Values[]
  readonly loss: number
  readonly da: readonly Values[]
  readonly dz: readonly Values[]
  /** In the order of Weights, as `next`. */
  readonly dw: Values
  readonly next: Values
}
