// Recurrent layers in float64 as their documentation states them: one sample after the other, one step after the
// other, nested arrays; what a mask leaves out isn't walked at all. Shares nothing with the kernels or their
// references. Also central differences, to check gradients with.
export type Matrix = readonly (readonly number[])[]

export type Kind = 'simpleRnn' | 'lstm' | 'gru' | 'gruBefore'

export interface Weights {
  readonly kernel: Matrix
  readonly recurrent: Matrix
  /** One row; two of the gru that resets behind the product. */
  readonly bias: Matrix
}

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x))
const times = (v: readonly number[], m: Matrix): number[] =>
  m[0].map((_, j) => v.reduce((sum, x, i) => sum + x * m[i][j], 0))
const plus = (a: readonly number[], b: readonly number[]) => a.map((x, i) => x + b[i])
const blocks = (v: readonly number[], count: number): number[][] => {
  const size = v.length / count
  return Array.from({ length: count }, (_, i) => v.slice(i * size, (i + 1) * size))
}

/** The functions of a cell. */
export interface Functions {
  readonly activation?: (x: number) => number
  readonly recurrentActivation?: (x: number) => number
}

/** States after one step: [h], of lstm [h, c]. `factors`: of h where it enters the recurrent product. */
export function step(
  kind: Kind,
  { kernel, recurrent, bias }: Weights,
  x: readonly number[],
  states: Matrix,
  { activation: a = Math.tanh, recurrentActivation: gate = sigmoid }: Functions = {},
  factors: readonly number[] = states[0].map(() => 1),
): number[][] {
  const [before, c] = states
  const h = before.map((value, k) => value * factors[k])
  const fromX = plus(times(x, kernel), bias[0])
  if (kind === 'simpleRnn') return [plus(fromX, times(h, recurrent)).map(a)]
  if (kind === 'lstm') {
    const [i, f, g, o] = blocks(plus(fromX, times(h, recurrent)), 4)
    const next = c.map((value, k) => gate(f[k]) * value + gate(i[k]) * a(g[k]))
    return [next.map((value, k) => gate(o[k]) * a(value)), next]
  }
  const [xz, xr, xn] = blocks(fromX, 3)
  if (kind === 'gru') {
    const [hz, hr, hn] = blocks(plus(times(h, recurrent), bias[1]), 3)
    return [
      before.map((value, k) => {
        const z = gate(xz[k] + hz[k])
        return z * value + (1 - z) * a(xn[k] + gate(xr[k] + hr[k]) * hn[k])
      }),
    ]
  }
  const units = h.length
  const columns = (from: number) => recurrent.map((row) => row.slice(from * units, (from + 1) * units))
  const z = plus(xz, times(h, columns(0))).map(gate)
  const r = plus(xr, times(h, columns(1))).map(gate)
  const reset = h.map((value, k) => value * r[k])
  const n = plus(xn, times(reset, columns(2))).map(a)
  return [before.map((value, k) => z[k] * value + (1 - z[k]) * n[k])]
}

export interface Walk<S> {
  /** h after each step, in the order of reading. */
  readonly sequence: S[]
  readonly states: S[]
}

/** One sample. `mask`: which steps count; the states stand still at the others. */
export function walk<S, X>(
  x: readonly X[],
  initial: S[],
  next: (x: X, states: S[]) => S[],
  { mask, backwards = false }: { mask?: readonly number[]; backwards?: boolean } = {},
): Walk<S> {
  let states = initial
  const sequence: S[] = []
  for (let s = 0; s < x.length; s++) {
    const t = backwards ? x.length - 1 - s : s
    if (!mask || mask[t]) states = next(x[t], states)
    sequence.push(states[0])
  }
  return { sequence, states }
}

/** d f / d x[i] by a central difference of fourth order; x is as before when it returns. */
export function slope(f: () => number, x: Float64Array, i: number): number {
  const h = 2 ** -12
  const was = x[i]
  const at = (value: number) => {
    x[i] = value
    return f()
  }
  const result = (8 * (at(was + h) - at(was - h)) - (at(was + 2 * h) - at(was - 2 * h))) / (12 * h)
  x[i] = was
  return result
}

/** Flat row-major numbers as nested arrays of `shape`. */
// biome-ignore lint/suspicious/noExplicitAny: as deep as the shape is long
export function nested(data: ArrayLike<number>, shape: readonly number[], from = 0): any {
  const [size, ...rest] = shape
  if (size === undefined) return data[from]
  const inner = rest.reduce((a, b) => a * b, 1)
  return Array.from({ length: size }, (_, i) => nested(data, rest, from + i * inner))
}
