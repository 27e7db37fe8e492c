// Every unary function of the core and of module functions, in the built binaries: y against its float64 formula, dx against
// the central difference of that formula, at ragged counts, at unaligned addresses, in place, at extreme arguments and at the kinks.
import { beforeAll, describe, expect, test } from 'vitest'
import * as abi from '../../assembly/abi'
import { functionsModule } from '../../src/binaries/core'
import { mathematicsModule } from '../../src/binaries/mathematics'
import { addModule, machineOver, plainMemory } from '../../src/runtime/arena'
import { codeOf } from '../../src/runtime/modules'
import { erf, erfc } from '../reference/erf'

interface Case {
  fn: number
  f: (x: number, alpha: number) => number
  /** what the gradient reads */
  saved: 'x' | 'y'
  alpha?: number
  /** where f or f' has no derivative: a central difference is wrong there */
  kinks?: number[]
  /** the interval of arguments, (-6, 6) if absent */
  from?: number
  /** only where f and f' stay finite in float32 are huge arguments tried */
  extremes?: false
}

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x))
const softplus = (x: number) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)))
const clip = (x: number, low: number, high: number) => Math.min(Math.max(x, low), high)
const hardSigmoid = (x: number, slope: number) => clip((slope || 1 / 6) * x + 0.5, 0, 1)
const elu = (x: number, alpha: number) => (x > 0 ? x : alpha * Math.expm1(x))
const [selu, seluAlpha] = [1.0507009873554805, 1.6732632423543772]
const geluInner = (x: number) => Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)

const CASES: Record<string, Case> = {
  linear: { fn: abi.FN_LINEAR, f: (x) => x, saved: 'y' },
  relu: { fn: abi.FN_RELU, f: (x) => Math.max(x, 0), saved: 'y', kinks: [0] },
  relu6: { fn: abi.FN_RELU6, f: (x) => clip(x, 0, 6), saved: 'y', kinks: [0, 6] },
  leaky_relu: {
    fn: abi.FN_LEAKY_RELU,
    f: (x, a) => (x > 0 ? x : a * x),
    saved: 'y',
    alpha: 0.125,
    kinks: [0],
  },
  elu: { fn: abi.FN_ELU, f: elu, saved: 'y', alpha: 0.75, kinks: [0] },
  celu: {
    fn: abi.FN_CELU,
    f: (x, a) => (x > 0 ? x : a * Math.expm1(x / a)),
    saved: 'y',
    alpha: 1.5,
    kinks: [0],
  },
  selu: { fn: abi.FN_SELU, f: (x) => selu * elu(x, seluAlpha), saved: 'y', kinks: [0] },
  gelu: { fn: abi.FN_GELU, f: (x) => (x * erfc(-x / Math.SQRT2)) / 2, saved: 'x' },
  gelu_tanh: { fn: abi.FN_GELU_TANH, f: (x) => (x * (1 + Math.tanh(geluInner(x)))) / 2, saved: 'x' },
  silu: { fn: abi.FN_SILU, f: (x) => x * sigmoid(x), saved: 'x' },
  sigmoid: { fn: abi.FN_SIGMOID, f: sigmoid, saved: 'y' },
  log_sigmoid: { fn: abi.FN_LOG_SIGMOID, f: (x) => -softplus(-x), saved: 'y' },
  tanh: { fn: abi.FN_TANH, f: Math.tanh, saved: 'y' },
  softplus: { fn: abi.FN_SOFTPLUS, f: softplus, saved: 'y' },
  softsign: { fn: abi.FN_SOFTSIGN, f: (x) => x / (1 + Math.abs(x)), saved: 'y', kinks: [0] },
  hard_sigmoid: { fn: abi.FN_HARD_SIGMOID, f: hardSigmoid, saved: 'y', kinks: [-3, 3] },
  hard_swish: { fn: abi.FN_HARD_SWISH, f: (x) => x * hardSigmoid(x, 1 / 6), saved: 'x', kinks: [-3, 3] },
  hard_tanh: { fn: abi.FN_HARD_TANH, f: (x) => clip(x, -1, 1), saved: 'y', kinks: [-1, 1] },
  mish: { fn: abi.FN_MISH, f: (x) => x * Math.tanh(softplus(x)), saved: 'x' },
  exp: { fn: abi.FN_EXP, f: Math.exp, saved: 'y', extremes: false },
  square: { fn: abi.FN_SQUARE, f: (x) => x * x, saved: 'x' },
  negate: { fn: abi.FN_NEGATE, f: (x) => -x, saved: 'x' },
  abs: { fn: abi.FN_ABS, f: Math.abs, saved: 'x', kinks: [0] },
  sign: { fn: abi.FN_SIGN, f: Math.sign, saved: 'x', kinks: [0] },
  log: { fn: abi.FN_LOG, f: Math.log, saved: 'x', from: 0.01, extremes: false },
  sqrt: { fn: abi.FN_SQRT, f: Math.sqrt, saved: 'y', from: 0.01, extremes: false },
  reciprocal: { fn: abi.FN_RECIPROCAL, f: (x) => 1 / x, saved: 'y', from: 0.1, extremes: false },
  erf: { fn: abi.FN_ERF, f: erf, saved: 'x' },
}

const ROWS = Object.entries(CASES)
const COUNTS = [0, 1, 2, 3, 4, 5, 17, 33]
const GUARD = -12345
const base = abi.ARENA_START
let memory: WebAssembly.Memory
let forward: (p: number) => void
let backward: (p: number) => void

let places: readonly number[] = []

beforeAll(() => {
  const machine = machineOver(plainMemory(), codeOf, 0)
  addModule(machine, functionsModule)
  addModule(machine, mathematicsModule)
  const { core } = machine
  places = machine.indices
  memory = core.memory
  memory.grow(1)
  forward = core.table.get(places[abi.OP_UNARY])
  backward = core.table.get(places[abi.OP_UNARY_GRAD])
})

/** Three arrays in memory, each one float past a 64-byte boundary, with guards around. */
function slot(index: number): number {
  return base + 68 + index * 4096
}

function write(address: number, values: ArrayLike<number>): void {
  const view = new Float32Array(memory.buffer, address - 4, values.length + 2).fill(GUARD)
  view.set(values, 1)
}

/** The `count` floats at `address`, after a check that the floats around are untouched. */
function read(address: number, count: number): Float32Array {
  const view = new Float32Array(memory.buffer, address - 4, count + 2)
  expect([view[0], view[count + 1]]).toEqual([GUARD, GUARD])
  return view.slice(1, count + 1)
}

function call(kernel: (p: number) => void, addresses: number[], count: number, fn: number, alpha = 0): void {
  const words = [...addresses, count, fn]
  new Uint32Array(memory.buffer, base, words.length).set(words)
  new Float32Array(memory.buffer, base + 4 * words.length, 1)[0] = alpha
  kernel(base)
}

function values(row: Case, x: Float32Array, inPlace = false): Float32Array {
  write(slot(0), x)
  write(slot(1), new Float32Array(x.length))
  const dst = inPlace ? slot(0) : slot(1)
  call(forward, [dst, slot(0)], x.length, row.fn, row.alpha)
  return read(dst, x.length)
}

/** The code of the gradient. */
function gradientOf({ fn }: Case): number {
  if (fn < abi.FN_CORE_END) return fn
  return fn + (fn < abi.FN_END ? abi.FN_GRADIENTS : abi.MATHEMATICS_GRADIENTS)
}

function gradients(row: Case, x: Float32Array, dy: Float32Array, inPlace = false): Float32Array {
  const saved = row.saved === 'x' ? x : values(row, x)
  write(slot(0), dy)
  write(slot(1), new Float32Array(x.length))
  write(slot(2), saved)
  const dst = inPlace ? slot(0) : slot(1)
  call(backward, [dst, slot(0), slot(2)], x.length, gradientOf(row), row.alpha)
  return read(dst, x.length)
}

function nearKink(row: Case, x: number): boolean {
  return row.kinks?.some((kink) => Math.abs(x - kink) < 0.01) ?? false
}

/** Arguments spread over the row's interval, at least 0.01 from every kink. */
function spread(row: Case, count: number): Float32Array {
  const from = row.from ?? -6
  return Float32Array.from({ length: count }, (_, i) => {
    const x = from + (6.5 - from) * ((i * 0.6180339887 + 0.1) % 1)
    return nearKink(row, x) ? x + 0.03 : x
  })
}

function slope(row: Case, x: number): number {
  const h = 1e-5 * Math.max(1, Math.abs(x))
  return (row.f(x + h, row.alpha ?? 0) - row.f(x - h, row.alpha ?? 0)) / (2 * h)
}

/** |got - want| within 12 float32 roundings of `scale`, the size of the terms that make up the result. */
function expectClose(got: number, want: number, scale: number, at: number): void {
  expect(Math.abs(got - want), `at x = ${at}: got ${got}, want ${want}`).toBeLessThanOrEqual(7e-7 * scale)
}

test('there is a case for every function code, once', () => {
  const codes = Object.entries(abi).filter(([name]) => /^FN_(?!CORE_END|GRADIENTS|END)/.test(name))
  expect(ROWS.map(([, row]) => row.fn).sort((a, b) => a - b)).toEqual(
    codes.map(([, code]) => code).sort((a, b) => a - b),
  )
})

test.each([
  [functionsModule, abi.FN_RELU6, abi.FN_GRADIENTS],
  [mathematicsModule, abi.FN_ABS, abi.MATHEMATICS_GRADIENTS],
])('codes of module $name are the places of its loops, gradients behind', ({ codes }, first, gradients) => {
  for (let code = codes[0]; code < codes[1]; code++) expect(places[code]).toBe(code)
  expect(codes[1] - first).toBe(2 * gradients)
})

describe.each(ROWS)('%s', (_, row) => {
  test.each(COUNTS)('value and gradient of %d elements, apart and in place', (count) => {
    const x = spread(row, count)
    const dy = x.map((_, i) => 1.5 - (i % 7) / 2)
    const y = values(row, x)
    const dx = gradients(row, x, dy)
    for (let i = 0; i < count; i++) {
      const want = row.f(x[i], row.alpha ?? 0)
      expectClose(y[i], want, Math.max(Math.abs(want), Math.abs(x[i])), x[i])
      const wantSlope = slope(row, x[i])
      expectClose(dx[i], dy[i] * wantSlope, Math.abs(dy[i]) * Math.max(1, Math.abs(wantSlope)), x[i])
    }
    expect(values(row, x, true)).toEqual(y)
    expect(gradients(row, x, dy, true)).toEqual(dx)
  })

  // exp, log, sqrt and reciprocal are swept over all of float32 in math.test.ts or are single instructions
  if (row.extremes !== false) {
    test('extreme arguments', () => {
      const sizes = [1e-30, 1e-8, 8, 20, 60, 88, 100, 2000, 1e4, 1e15]
      const x = Float32Array.from([...sizes, ...sizes.map((size) => -size)])
      const y = values(row, x)
      const dx = gradients(row, x, new Float32Array(x.length).fill(1))
      for (let i = 0; i < x.length; i++) {
        const want = row.f(x[i], row.alpha ?? 0)
        expectClose(y[i], want, Math.max(Math.abs(want), Math.min(Math.abs(x[i]), 1)), x[i])
        if (nearKink(row, x[i])) continue
        const wantSlope = slope(row, x[i])
        expectClose(dx[i], wantSlope, Math.max(1, Math.abs(wantSlope)), x[i])
      }
    })
  }

  test('NaN in, NaN out', () => {
    const y = values(row, Float32Array.of(1, Number.NaN, 2, 3, 4))
    expect([...y].map(Number.isNaN)).toEqual([false, true, false, false, false])
  })
})

describe('conventions at the kinks', () => {
  test.each<[string, number, number]>([
    ['relu', 0, 0],
    ['relu', -0, 0],
    ['relu6', 0, 0],
    ['relu6', 6, 0],
    ['leaky_relu', 0, 0.125],
    ['elu', 0, 0.75],
    ['celu', 0, 1],
    ['hard_tanh', 1, 0],
    ['hard_tanh', -1, 0],
    ['hard_sigmoid', 3, 0],
    ['hard_sigmoid', -3, 0],
    ['hard_swish', 3, 1],
    ['hard_swish', -3, 0],
    ['abs', 0, 0],
    ['sign', 0, 0],
  ])("%s'(%d) = %d", (name, x, want) => {
    expect(gradients(CASES[name], Float32Array.of(x), Float32Array.of(1))[0] + 0).toBe(want)
  })
})

test('softplus and log_sigmoid keep the relative accuracy of small slopes', () => {
  const one = Float32Array.of(1)
  for (const x of [-40, -20, -10]) {
    const rise = gradients(CASES.softplus, Float32Array.of(x), one)[0]
    const fall = gradients(CASES.log_sigmoid, Float32Array.of(-x), one)[0]
    expect(rise / sigmoid(x)).toBeCloseTo(1, 6)
    expect(fall / sigmoid(x)).toBeCloseTo(1, 6)
  }
})
