// Recurrent cells in float64, one sample and one unit at a time, from the formulas: forward keeps every gate of every
// step in plain arrays; backward walks them from the end.
import type { RecurrentAttributes } from '../../../src/operations/recurrent.ts'
import type { KernelReference } from './reference.ts'

type Reference = KernelReference<RecurrentAttributes>
type Numbers = ArrayLike<number>

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x))
const zeros = (count: number) => new Float64Array(count)
const range = (count: number) => Array.from({ length: count }, (_, i) => i)

/** Inputs by position. */
function slots(given: readonly boolean[], x: readonly Numbers[]): (Numbers | undefined)[] {
  let next = 0
  return given.map((is) => (is ? x[next++] : undefined))
}

/** sum_i v[i] M[i, col], M of `cols` columns */
const dot = (v: Numbers, m: Numbers, col: number, cols: number) => {
  let sum = 0
  for (let i = 0; i < v.length; i++) sum += v[i] * m[i * cols + col]
  return sum
}
/** sum over the columns: (d . M^T)[row] */
const dotT = (d: Numbers, m: Numbers, row: number) => {
  let sum = 0
  for (let j = 0; j < d.length; j++) sum += d[j] * m[row * d.length + j]
  return sum
}
const take = (x: Numbers, row: number, cols: number) =>
  Float64Array.from(range(cols), (j) => x[row * cols + j])

interface Step {
  /** [u] each: what is kept of the gates, in the kernel's order, and the new states */
  readonly kept: readonly number[]
  readonly h: number
  readonly c?: number
}

/** A cell's new unit k from its row of xz and the states before. */
type CellStep = (k: number, x: Float64Array, h: Float64Array, c: Float64Array, i: Inputs) => Step

interface Inputs {
  readonly u: Numbers
  readonly u2?: Numbers
  readonly bias?: Numbers
  readonly units: number
  readonly fn: string
}

function forward(
  parts: number,
  keptParts: number,
  step: CellStep,
  saves: (h: Float64Array, c: Float64Array, kept: Float64Array) => Float64Array | null,
  hasC: boolean,
): Reference {
  return ({ extras, attributes: { given, sequence, reverse, fn } }, arrays) => {
    const [batch, units] = extras[0].shape
    const steps = extras[1].shape[1]
    const [xz, u, u2, bias, mask, h0, c0] = slots(given, arrays)
    const inputs: Inputs = { u: u as Numbers, u2, bias, units, fn: fn.name }
    const y = zeros(batch * units * (sequence ? steps : 1))
    const last = zeros(batch * units)
    const lastC = zeros(batch * units)
    const gates = zeros(batch * steps * keptParts * units)
    const before = zeros(batch * steps * units)
    const saved = zeros(batch * steps * units)
    for (let b = 0; b < batch; b++) {
      let h: Float64Array = h0 ? take(h0, b, units) : zeros(units)
      let c: Float64Array = c0 ? take(c0, b, units) : zeros(units)
      for (let s = 0; s < steps; s++) {
        const t = reverse ? steps - 1 - s : s
        const at = b * steps + t
        before.set(h, at * units)
        if (hasC) saved.set(c, at * units)
        if (mask?.[at] !== 0) {
          const x = take(xz as Numbers, at, parts * units)
          const made = range(units).map((k) => step(k, x, h, c, inputs))
          made.forEach(({ kept }, k) => {
            for (let i = 0; i < keptParts; i++) gates[at * keptParts * units + i * units + k] = kept[i]
          })
          const extra = saves(h, c, take(gates, at, keptParts * units))
          if (extra) saved.set(extra, at * units)
          h = Float64Array.from(made, (one) => one.h)
          c = Float64Array.from(made, (one) => one.c ?? 0)
        }
        if (sequence) y.set(h, (b * steps + s) * units)
      }
      if (!sequence) y.set(h, b * units)
      last.set(h, b * units)
      lastC.set(c, b * units)
    }
    return [y, last, gates, before, saved, lastC].slice(0, extras.length + 1)
  }
}

/** From the gates of a step and the gradient of its states to [dxz, dhz, dh before, dc before]. */
type CellBack = (
  gates: Float64Array,
  h: Float64Array,
  c: Float64Array,
  dh: Float64Array,
  dc: Float64Array,
  i: Inputs,
) => readonly [Float64Array, Float64Array, Float64Array, Float64Array]

function backward(
  parts: number,
  width: number,
  keptParts: number,
  back: CellBack,
  third: 'c' | 'z' | null,
): Reference {
  return ({ extras, attributes: { given, sequence, reverse, fn } }, arrays) => {
    const [gates, before, saved, u, u2, mask, dy, dLast, dcLast] = slots(given, arrays)
    const [batch, units] = extras[0].shape
    const steps = (before as Numbers).length / batch / units
    const inputs: Inputs = { u: u as Numbers, u2, units, fn: fn.name }
    const dxz = zeros(batch * steps * parts * units)
    const dhz = zeros(batch * steps * width * units)
    const dh0 = zeros(batch * units)
    const dc0 = zeros(batch * units)
    for (let b = 0; b < batch; b++) {
      let dh: Float64Array = dLast ? take(dLast, b, units) : zeros(units)
      let dc: Float64Array = dcLast ? take(dcLast, b, units) : zeros(units)
      for (let s = steps - 1; s >= 0; s--) {
        const at = b * steps + (reverse ? steps - 1 - s : s)
        if (dy && sequence) dh = dh.map((d, k) => d + dy[(b * steps + s) * units + k])
        if (dy && !sequence && s === steps - 1) dh = dh.map((d, k) => d + dy[b * units + k])
        if (mask?.[at] === 0) continue
        const gate = take(gates as Numbers, at, keptParts * units)
        const h = take(before as Numbers, at, units)
        const c = saved ? take(saved, at, units) : zeros(units)
        const [dx, dz, nextH, nextC] = back(gate, h, c, dh, dc, inputs)
        dxz.set(dx, at * parts * units)
        dhz.set(dz, at * width * units)
        dh = nextH
        dc = nextC
      }
      dh0.set(dh, b * units)
      dc0.set(dc, b * units)
    }
    return [dxz, dh0, ...(third === 'c' ? [dc0] : third === 'z' ? [dhz] : [])]
  }
}

const lstm = forward(
  4,
  4,
  (k, x, h, c, { u, units }) => {
    const z = (part: number) => x[part * units + k] + dot(h, u, part * units + k, 4 * units)
    const [i, f, g, o] = [sigmoid(z(0)), sigmoid(z(1)), Math.tanh(z(2)), sigmoid(z(3))]
    const next = f * c[k] + i * g
    return { kept: [i, f, g, o], h: o * Math.tanh(next), c: next }
  },
  () => null,
  true,
)

const lstmGrad = backward(
  4,
  4,
  4,
  (gates, _, c, dh, dc, { u, units }) => {
    const dz = zeros(4 * units)
    const nextC = zeros(units)
    for (let k = 0; k < units; k++) {
      const [i, f, g, o] = [0, 1, 2, 3].map((part) => gates[part * units + k])
      const t = Math.tanh(f * c[k] + i * g)
      const d = dc[k] + dh[k] * o * (1 - t * t)
      dz[k] = d * g * i * (1 - i)
      dz[units + k] = d * c[k] * f * (1 - f)
      dz[2 * units + k] = d * i * (1 - g * g)
      dz[3 * units + k] = dh[k] * t * o * (1 - o)
      nextC[k] = d * f
    }
    return [dz, dz, Float64Array.from(range(units), (k) => dotT(dz, u, k)), nextC]
  },
  'c',
)

const gru = forward(
  3,
  4,
  (k, x, h, _, { u, bias, units }) => {
    const q = (part: number) => dot(h, u, part * units + k, 3 * units) + (bias?.[part * units + k] ?? 0)
    const z = sigmoid(x[k] + q(0))
    const r = sigmoid(x[units + k] + q(1))
    const n = Math.tanh(x[2 * units + k] + r * q(2))
    return { kept: [z, r, n, q(2)], h: z * h[k] + (1 - z) * n }
  },
  () => null,
  false,
)

const gruGrad = backward(
  3,
  3,
  4,
  (gates, h, _, dh, dc, { u, units }) => {
    const dx = zeros(3 * units)
    const dz = zeros(3 * units)
    for (let k = 0; k < units; k++) {
      const [z, r, n, q] = [0, 1, 2, 3].map((part) => gates[part * units + k])
      const dn = dh[k] * (1 - z) * (1 - n * n)
      dx[k] = dh[k] * (h[k] - n) * z * (1 - z)
      dx[units + k] = dn * q * r * (1 - r)
      dx[2 * units + k] = dn
      dz.set([dx[k]], k)
      dz.set([dx[units + k]], units + k)
      dz.set([dn * r], 2 * units + k)
    }
    const next = Float64Array.from(range(units), (k) => dh[k] * gates[k] + dotT(dz, u, k))
    return [dx, dz, next, dc]
  },
  'z',
)

const gruBefore = forward(
  3,
  3,
  (k, x, h, _, { u, u2, units }) => {
    const reset = Float64Array.from(
      range(units),
      (j) => h[j] * sigmoid(x[units + j] + dot(h, u, units + j, 2 * units)),
    )
    const z = sigmoid(x[k] + dot(h, u, k, 2 * units))
    const r = sigmoid(x[units + k] + dot(h, u, units + k, 2 * units))
    const n = Math.tanh(x[2 * units + k] + dot(reset, u2 as Numbers, k, units))
    return { kept: [z, r, n], h: z * h[k] + (1 - z) * n }
  },
  (h, _, kept) => h.map((value, k) => value * kept[h.length + k]),
  false,
)

const gruBeforeGrad = backward(
  3,
  2,
  3,
  (gates, h, _, dh, dc, { u, u2, units }) => {
    const [z, r, n] = [0, 1, 2].map((part) => gates.subarray(part * units, (part + 1) * units))
    const dn = dh.map((d, k) => d * (1 - z[k]) * (1 - n[k] ** 2))
    const dReset = Float64Array.from(range(units), (k) => dotT(dn, u2 as Numbers, k))
    const dz = dh.map((d, k) => d * (h[k] - n[k]) * z[k] * (1 - z[k]))
    const dr = dReset.map((d, k) => d * h[k] * r[k] * (1 - r[k]))
    const both = Float64Array.of(...dz, ...dr)
    const next = Float64Array.from(range(units), (k) => dh[k] * z[k] + dReset[k] * r[k] + dotT(both, u, k))
    return [Float64Array.of(...both, ...dn), both, next, dc]
  },
  null,
)

const functions: Readonly<Record<string, readonly [(x: number) => number, (y: number) => number]>> = {
  linear: [(x) => x, () => 1],
  tanh: [Math.tanh, (y) => 1 - y * y],
  relu: [(x) => Math.max(x, 0), (y) => Number(y > 0)],
  sigmoid: [sigmoid, (y) => y * (1 - y)],
}

const simpleRnn = forward(
  1,
  1,
  (k, x, h, _, { u, units, fn }) => {
    const y = functions[fn][0](x[k] + dot(h, u, k, units))
    return { kept: [y], h: y }
  },
  () => null,
  false,
)

const simpleRnnGrad = backward(
  1,
  1,
  1,
  (gates, _, __, dh, dc, { u, units, fn }) => {
    const dz = dh.map((d, k) => d * functions[fn][1](gates[k]))
    return [dz, dz, Float64Array.from(range(units), (k) => dotT(dz, u, k)), dc]
  },
  null,
)

const reverse: KernelReference<{ readonly axis: number }> = (
  { output: { shape }, attributes: { axis } },
  [x],
) => {
  const count = (part: readonly number[]) => part.reduce((a, b) => a * b, 1)
  const [size, inner] = [shape[axis], count(shape.slice(axis + 1))]
  const source = (i: number) => {
    const [o, t, j] = [Math.floor(i / (size * inner)), Math.floor(i / inner) % size, i % inner]
    return (o * size + size - 1 - t) * inner + j
  }
  return [Float64Array.from({ length: count(shape) }, (_, i) => x[source(i)])]
}

export const recurrentReferences = {
  lstm,
  lstmGrad,
  gru,
  gruGrad,
  gruBefore,
  gruBeforeGrad,
  simpleRnn,
  simpleRnnGrad,
  reverse,
}
