// The same step by the textbook, in 64-bit numbers and plain loops: what the library's numbers stand beside.
import { HIDDEN, type InsideOptions, type Row, type Trace, type Weights } from './network.ts'

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
    formula: '(ŷ − y)²',
    slopeFormula: '2 (ŷ − y)',
    work: (p: string, y: number) => `(${p} − ${y})²`,
    slopeWork: (p: string, y: number) => `2 · (${p} − ${y})`,
  },
  bce: {
    of: (p: number, y: number) => -(y * Math.log(p) + (1 - y) * Math.log(1 - p)),
    slope: (p: number, y: number) => (p - y) / (p * (1 - p)),
    formula: '−y ln ŷ − (1 − y) ln(1 − ŷ)',
    slopeFormula: '(ŷ − y) / (ŷ (1 − ŷ))',
    work: (p: string, y: number) => `−${y} · ln ${p} − (1 − ${y}) · ln(1 − ${p})`,
    slopeWork: (p: string, y: number) => `(${p} − ${y}) / (${p} · (1 − ${p}))`,
  },
} as const

export function traceByHand(w: Weights, { x, y }: Row, { act, loss, rate }: InsideOptions): Trace {
  const f = functions[act]
  const b1 = 2 * HIDDEN
  const w2 = b1 + HIDDEN
  const b2 = w2 + HIDDEN
  const units = [...Array(HIDDEN).keys()]
  const z1 = units.map((j) => x[0] * w[j] + x[1] * w[HIDDEN + j] + w[b1 + j])
  const a1 = z1.map(f.of)
  const z2 = a1.reduce((sum, a, j) => sum + a * w[w2 + j], w[b2])
  const output = sigmoid(z2)
  const dOutput = losses[loss].slope(output, y)
  const dz2 = dOutput * output * (1 - output)
  const da1 = units.map((j) => dz2 * w[w2 + j])
  const dz1 = da1.map((da, j) => da * f.slope(z1[j], a1[j]))
  const dw = [...x.flatMap((xi) => dz1.map((dz) => xi * dz)), ...dz1, ...a1.map((a) => a * dz2), dz2]
  return {
    z1,
    a1,
    z2,
    output,
    loss: losses[loss].of(output, y),
    dOutput,
    dz2,
    da1,
    dz1,
    dw,
    next: dw.map((gradient, i) => w[i] - rate * gradient),
  }
}
