// The same step by the textbook, in 64-bit numbers and plain loops: what the library's numbers stand beside.
import {
  biasAt,
  type InsideOptions,
  LAYERS,
  neurons,
  OUTPUT,
  type Row,
  SIZES,
  type Trace,
  weightAt,
} from './shape.ts'

const sigmoid = (z: number): number => 1 / (1 + Math.exp(-z))

export const functions = {
  tanh: { of: Math.tanh, slope: (_: number, a: number) => 1 - a * a, formula: '1 − a²' },
  sigmoid: { of: sigmoid, slope: (_: number, a: number) => a * (1 - a), formula: 'a (1 − a)' },
  relu: {
    of: (z: number) => Math.max(0, z),
    slope: (z: number) => (z > 0 ? 1 : 0),
    formula: '1 if z > 0, else 0',
  },
} as const

export const losses = {
  mse: {
    of: (p: number, y: number) => (p - y) ** 2,
    slope: (p: number, y: number) => 2 * (p - y),
    formula: '½ Σ (ŷₒ − yₒ)²',
    slopeFormula: 'ŷₒ − yₒ',
    work: (p: string, y: number) => `(${p} − ${y})²`,
    slopeWork: (p: string, y: number) => `½ · 2 · (${p} − ${y})`,
  },
  bce: {
    of: (p: number, y: number) => -(y * Math.log(p) + (1 - y) * Math.log(1 - p)),
    slope: (p: number, y: number) => (p - y) / (p * (1 - p)),
    formula: '½ Σ (−yₒ ln ŷₒ − (1 − yₒ) ln(1 − ŷₒ))',
    slopeFormula: '½ (ŷₒ − yₒ) / (ŷₒ (1 − ŷₒ))',
    work: (p: string, y: number) => `−${y} · ln ${p} − (1 − ${y}) · ln(1 − ${p})`,
    slopeWork: (p: string, y: number) => `½ · (${p} − ${y}) / (${p} · (1 − ${p}))`,
  },
} as const

/** The loss is the mean over the outputs, so each output has its share of it. */
export const SHARE = 1 / SIZES[OUTPUT + 1]

export function traceByHand(w: ArrayLike<number>, { x, y }: Row, { act, loss, rate }: InsideOptions): Trace {
  const bend = (layer: number) => functions[layer === OUTPUT ? 'sigmoid' : act]
  const z: number[][] = []
  const a: number[][] = []
  for (const layer of LAYERS) {
    const before: readonly number[] = a[layer - 1] ?? x
    z[layer] = neurons(layer).map((j) =>
      before.reduce((sum, value, i) => sum + value * w[weightAt(layer, i, j)], w[biasAt(layer, j)]),
    )
    a[layer] = z[layer].map(bend(layer).of)
  }
  const da: number[][] = []
  const dz: number[][] = []
  for (const layer of [...LAYERS].reverse()) {
    da[layer] = neurons(layer).map((i) =>
      layer === OUTPUT
        ? SHARE * losses[loss].slope(a[layer][i], y[i])
        : dz[layer + 1].reduce((sum, slope, j) => sum + w[weightAt(layer + 1, i, j)] * slope, 0),
    )
    dz[layer] = da[layer].map((slope, j) => slope * bend(layer).slope(z[layer][j], a[layer][j]))
  }
  const dw = LAYERS.flatMap((layer) => {
    const before: readonly number[] = a[layer - 1] ?? x
    return [...before.flatMap((value) => dz[layer].map((slope) => value * slope)), ...dz[layer]]
  })
  return {
    z,
    a,
    loss: SHARE * a[OUTPUT].reduce((sum, p, o) => sum + losses[loss].of(p, y[o]), 0),
    da,
    dz,
    dw,
    next: dw.map((gradient, i) => w[i] - rate * gradient),
  }
}
