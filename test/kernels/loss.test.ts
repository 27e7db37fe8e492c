// Every loss, forward and gradient, against float64 formulas and their central differences; weights, label smoothing,
// ignored ids, clipping, kinks and extreme inputs; penalties and metrics.
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import * as abi from '../../assembly/abi'
import { differences, type LossCase, logSoftmax, referenceLoss, softmax } from '../reference/losses'
import { compileEntry } from '../support/compile'
import { type Kernel, kernelOf, type Memory, memoryOf, sample, worst } from '../support/memory'

const CODES: Record<LossCase['kind'], number> = {
  mse: abi.LOSS_MSE,
  mae: abi.LOSS_MAE,
  huber: abi.LOSS_HUBER,
  logCosh: abi.LOSS_LOG_COSH,
  poisson: abi.LOSS_POISSON,
  hinge: abi.LOSS_HINGE,
  squaredHinge: abi.LOSS_SQUARED_HINGE,
  bce: abi.LOSS_BCE,
  bceLogits: abi.LOSS_BCE_LOGITS,
  cce: abi.LOSS_CCE,
  cceLogits: abi.LOSS_CCE_LOGITS,
  sparseCce: abi.LOSS_SPARSE_CCE,
  sparseCceLogits: abi.LOSS_SPARSE_CCE_LOGITS,
  klDivergence: abi.LOSS_KL_DIVERGENCE,
  categoricalHinge: abi.LOSS_CATEGORICAL_HINGE,
  cosineSimilarity: abi.LOSS_COSINE_SIMILARITY,
}
const KINDS = Object.keys(CODES) as LossCase['kind'][]
const SPARSE: LossCase['kind'][] = ['sparseCce', 'sparseCceLogits']
const PROBABILITIES: LossCase['kind'][] = ['bce', 'cce', 'sparseCce', 'klDivergence']

let memory: Memory
const kernels: Record<string, Kernel> = {}

beforeAll(async () => {
  const core = await compileEntry('test/assembly/training-entry.ts')
  memory = memoryOf(core)
  // where the core's kernels find those of module extras
  const table = core.table as WebAssembly.Table
  table.grow(abi.OP_PENALTY - table.length)
  table.set(abi.RARE_LOSS, core.rareLoss)
  table.set(abi.RARE_LOSS_GRAD, core.rareLossGrad)
  for (const name of ['loss', 'lossGrad', 'penalty', 'penaltyGrad', 'metric'])
    kernels[name] = kernelOf(core, name)
}, 60_000)
beforeEach(() => memory.clear())

function call(name: string, operands: Parameters<Memory['call']>[1]): void {
  memory.call(kernels[name] as Kernel, operands)
}

/** Runs both kernels; `inPlace` lets the gradient overwrite the prediction. */
function run(c: LossCase, prediction: ArrayLike<number>, seed?: number, inPlace = false) {
  const flags = (c.mean ? abi.LOSS_MEAN : 0) | (c.ignoreIndex === undefined ? 0 : abi.LOSS_IGNORE_INDEX)
  const pred = memory.put(prediction)
  const target = SPARSE.includes(c.kind) ? memory.putInts(c.target) : memory.put(c.target)
  const weights = c.weights ? memory.put(c.weights) : 0
  const dst = memory.put([7])
  const dpred = inPlace ? pred : memory.put(new Float64Array(prediction.length).fill(7))
  const seedAt = seed === undefined ? 0 : memory.put([seed])
  const shared = [
    pred,
    target,
    weights,
    c.rows,
    c.cols,
    c.rowsPerWeight,
    CODES[c.kind],
    flags,
    { f32: c.param },
    { f32: c.scale },
    c.ignoreIndex ?? 0,
  ]
  call('loss', [dst, ...shared])
  call('lossGrad', [dpred, seedAt, ...shared])
  return { value: memory.floats(dst)[0] as number, gradient: memory.floats(dpred) }
}

/** A prediction and a target in the domain of the loss, some distance away from its kinks. */
function inputs(kind: LossCase['kind'], rows: number, cols: number, seed: number) {
  const count = rows * cols
  const x = sample(count, seed, 3)
  const raw = sample(count, seed + 50, 2)
  const rowsOf = (values: Float64Array, f: (row: number[]) => number[]) =>
    Array.from({ length: rows }, (_, r) => f(Array.from(values.subarray(r * cols, (r + 1) * cols)))).flat()
  const exact = (values: number[]) =>
    Float64Array.from(values, (v) => Math.max(1 / 1024, Math.round(v * 1024) / 1024))
  const oneHot = (_: number, i: number) => Number((i * 7 + Math.floor(i / cols)) % cols === i % cols)
  const ids = Float64Array.from({ length: rows }, (_, r) => (r * 5 + seed) % cols)
  switch (kind) {
    case 'mse':
    case 'cosineSimilarity':
    case 'logCosh':
      return { x, y: raw }
    case 'mae':
      return { x, y: raw.map((v, i) => (Math.abs(v - (x[i] as number)) < 0.02 ? v + 0.125 : v)) }
    case 'huber': // delta 0.75
      return {
        x,
        y: raw.map((v, i) => (Math.abs(Math.abs(v - (x[i] as number)) - 0.75) < 0.02 ? v + 0.125 : v)),
      }
    case 'poisson':
      return { x: x.map((v) => Math.abs(v) + 0.125), y: raw.map((v) => Math.round(Math.abs(v) * 2)) }
    case 'hinge':
    case 'squaredHinge':
      return {
        x: x.map((v) => (Math.abs(Math.abs(v) - 1) < 0.02 ? v + 0.125 : v)),
        y: raw.map((v) => (v < 0 ? -1 : 1)),
      }
    case 'bce':
      return {
        x: x.map((v) => Math.round((v + 3.25) * 256 * 0.15) / 256),
        y: raw.map((v) => Math.abs(v) / 2),
      }
    case 'bceLogits':
      return { x, y: raw.map((v) => Math.abs(v) / 2) }
    case 'cce': // rows that don't sum to 1
      return { x: exact(rowsOf(x, softmax)).map((v) => v * 1.5), y: exact(rowsOf(raw, softmax)) }
    case 'klDivergence':
      return { x: exact(rowsOf(x, softmax)), y: exact(rowsOf(raw, softmax)) }
    case 'cceLogits':
      return { x, y: exact(rowsOf(raw, softmax)) }
    case 'sparseCce':
      return { x: exact(rowsOf(x, softmax)).map((v) => v * 0.75), y: ids }
    case 'sparseCceLogits':
      return { x, y: ids }
    case 'categoricalHinge':
      return { x: x.map((v, i) => v + (i % cols) / 64), y: raw.map(oneHot) }
  }
}

const PARAM: Partial<Record<LossCase['kind'], number>> = { huber: 0.75 }

describe.each(KINDS)('%s', (kind) => {
  const base = { kind, rowsPerWeight: 1, mean: true, param: PARAM[kind] ?? 0, scale: 1 }

  for (const rows of [1, 3, 5]) {
    for (const cols of [1, 3, 4, 5, 17, 33]) {
      it(`[${rows}, ${cols}]`, () => {
        const { x, y } = inputs(kind, rows, cols, rows + cols)
        const c: LossCase = { ...base, rows, cols, target: y }
        const { value, gradient } = run(c, x)
        const want = referenceLoss(c, x)
        expect(Math.abs(value - want)).toBeLessThan(1e-6 * Math.max(0.2, Math.abs(want)))
        expect(
          worst(
            gradient,
            differences((at) => referenceLoss(c, at), x),
          ),
        ).toBeLessThan(1e-6)
      })
    }
  }

  it('weights of pairs of rows, a sum, a scale and a seed, the gradient in place', () => {
    const { x, y } = inputs(kind, 6, 5, 9)
    const c: LossCase = {
      ...base,
      rows: 6,
      cols: 5,
      target: y,
      weights: [0.5, 0, 2.25],
      rowsPerWeight: 2,
      mean: false,
    }
    c.scale = 0.375
    const { value, gradient } = run(c, x, -1.5, true)
    const want = referenceLoss(c, x)
    expect(Math.abs(value - want)).toBeLessThan(1e-6 * Math.max(1, Math.abs(want)))
    const slope = differences((at) => -1.5 * referenceLoss(c, at), x)
    expect(worst(gradient, slope)).toBeLessThan(1e-6)
    expect(gradient.slice(10, 20).every((g) => g === 0)).toBe(true)
  })

  it('a mean over weighted rows divides by the rows, not by the weights', () => {
    const { x, y } = inputs(kind, 4, 3, 2)
    const c: LossCase = { ...base, rows: 4, cols: 3, target: y, weights: [3, 3, 3, 3] }
    expect(run(c, x).value).toBeCloseTo(3 * run({ ...c, weights: undefined }, x).value, 5)
  })

  it('NaN in the prediction shows in the loss', () => {
    const { x, y } = inputs(kind, 3, 5, 4)
    x[7] = Number.NaN
    expect(run({ ...base, rows: 3, cols: 5, target: y }, x).value).toBeNaN()
  })
})

describe.each(['cce', 'cceLogits', 'sparseCce', 'sparseCceLogits'] as const)('%s', (kind) => {
  it.each([3, 5, 33])('label smoothing over %i classes', (cols) => {
    const { x, y } = inputs(kind, 3, cols, 6)
    const c: LossCase = {
      kind,
      rows: 3,
      cols,
      target: y,
      rowsPerWeight: 1,
      mean: true,
      param: 0.125,
      scale: 1,
    }
    const { value, gradient } = run(c, x)
    const want = referenceLoss(c, x)
    expect(Math.abs(value - want)).toBeLessThan(1e-6 * want)
    expect(
      worst(
        gradient,
        differences((at) => referenceLoss(c, at), x),
      ),
    ).toBeLessThan(1e-6)
  })
})

describe.each(SPARSE)('%s with an ignored id', (kind) => {
  const { x } = inputs(kind, 5, 4, 3)
  const shape = { kind, rows: 5, cols: 4, rowsPerWeight: 1, mean: true, param: 0, scale: 1, ignoreIndex: -1 }

  it('leaves those rows out of sum and count', () => {
    const c: LossCase = { ...shape, target: [1, -1, 3, 0, -1], weights: [1, 5, 2, 0.5, 5] }
    const { value, gradient } = run(c, x)
    expect(value).toBeCloseTo(referenceLoss(c, x), 5)
    expect(
      worst(
        gradient,
        differences((at) => referenceLoss(c, at), x),
      ),
    ).toBeLessThan(1e-6)
    expect(gradient.slice(4, 8)).toEqual([0, 0, 0, 0])
  })

  it('is 0 with gradient 0 if no row is left, whatever the prediction', () => {
    const bad = new Float64Array(20).fill(Number.NaN)
    const { value, gradient } = run({ ...shape, target: [-1, -1, -1, -1, -1] }, bad)
    expect(value).toBe(0)
    expect(gradient).toEqual(new Array(20).fill(0))
  })

  it('an id that is no class reads nothing and counts 0', () => {
    const { value } = run({ ...shape, target: [1, 4, -7, 2 ** 31 - 1, -(2 ** 31)], mean: false }, x)
    expect(value).toBeCloseTo(referenceLoss({ ...shape, rows: 1, target: [1], mean: false }, x), 5)
  })
})

describe('kinks', () => {
  const at = (kind: LossCase['kind'], p: number, y: number) =>
    run({ kind, rows: 1, cols: 1, target: [y], rowsPerWeight: 1, mean: true, param: 1, scale: 1 }, [p])
      .gradient[0]

  it('are 0 where the slope jumps', () => {
    expect(at('mae', 0.5, 0.5)).toBe(0)
    expect(Math.abs(at('hinge', 1, 1) as number)).toBe(0)
    expect(Math.abs(at('hinge', -1, -1) as number)).toBe(0)
    expect(Math.abs(at('squaredHinge', 1, 1) as number)).toBe(0)
  })

  it('categorical hinge: the first of equal rivals takes the gradient; none beyond the margin', () => {
    const target = [0, 1, 0, 0, 1, 0]
    const c: LossCase = {
      kind: 'categoricalHinge',
      rows: 2,
      cols: 3,
      target,
      rowsPerWeight: 1,
      mean: false,
      param: 0,
      scale: 1,
    }
    const { gradient } = run(c, [2, 1, 2, 0, 1, 0])
    expect(gradient.slice(0, 3)).toEqual([1, -1, 0])
    expect(gradient.slice(3).map(Math.abs)).toEqual([0, 0, 0])
  })
})

describe('clipping of probabilities', () => {
  it.each(PROBABILITIES)('%s: a probability of 0 costs -log(1e-7), with a finite slope back', (kind) => {
    const target = kind === 'bce' ? [1, 0] : kind === 'sparseCce' ? [0] : [1, 0]
    const c: LossCase = { kind, rows: 1, cols: 2, target, rowsPerWeight: 1, mean: false, param: 0, scale: 1 }
    const { value, gradient } = run(c, kind === 'bce' ? [0, 0] : [0, 1])
    expect(value).toBeCloseTo(-Math.log(1e-7), 4)
    expect((gradient[0] as number) / -1e7).toBeCloseTo(1, 5)
    expect(Math.abs(gradient[1] as number)).toBeLessThan(1 + 1e-6)
  })

  it('bce: a probability of 1 against 0, the nearest float below 1 - 1e-7 counts', () => {
    const c: LossCase = {
      kind: 'bce',
      rows: 1,
      cols: 1,
      target: [0],
      rowsPerWeight: 1,
      mean: false,
      param: 0,
      scale: 1,
    }
    const { value, gradient } = run(c, [1])
    expect(value).toBeCloseTo(-Math.log(2 ** -23), 4)
    expect((gradient[0] as number) * 2 ** -23).toBeCloseTo(1, 5)
  })

  it('poisson stays finite at a prediction of 0', () => {
    const c: LossCase = {
      kind: 'poisson',
      rows: 1,
      cols: 2,
      target: [0, 2],
      rowsPerWeight: 1,
      mean: false,
      param: 0,
      scale: 1,
    }
    const { value, gradient } = run(c, [0, 0])
    expect(value).toBeCloseTo(-2 * Math.log(1e-7), 3)
    expect(gradient[0]).toBe(1)
    expect((gradient[1] as number) / -2e7).toBeCloseTo(1, 5)
  })

  it('kl divergence: a target of 0 costs nothing', () => {
    const c: LossCase = {
      kind: 'klDivergence',
      rows: 1,
      cols: 2,
      target: [0, 1],
      rowsPerWeight: 1,
      mean: false,
      param: 0,
      scale: 1,
    }
    expect(run(c, [0, 1]).value).toBeCloseTo(0, 9)
    expect(run(c, [0.5, 0.5]).value).toBeCloseTo(Math.LN2, 6)
  })
})

describe('rows that are no probabilities', () => {
  const row = { rows: 1, rowsPerWeight: 1, mean: true, param: 0, scale: 1 }

  // Keras 3, keras.ops.categorical_crossentropy(target, output), from_logits False: output / sum(output), clipped
  it.each([
    ['a sum of 10', [1, 2, 7], -Math.log(0.2)],
    ['larger numbers of the same shares', [100, 200, 700], -Math.log(0.2)],
    ['a wrong 0', [0.5, 0, 0.5], -Math.log(1e-7)],
    ['a share above 1', [-1, 4, -1], 0],
  ])('%s', (_, x, want) => {
    const { value } = run({ kind: 'sparseCce', cols: 3, target: [1], ...row }, x)
    expect(value).toBeCloseTo(want, 5)
    expect(run({ kind: 'cce', cols: 3, target: [0, 1, 0], ...row }, x).value).toBe(value)
  })

  it('the slope is across the shares: scaling a row changes nothing', () => {
    const x = [1, 2, 7]
    const { gradient } = run({ kind: 'cce', cols: 3, target: [0, 1, 0], ...row }, x)
    // d/dp_k of log(sum p) - log p_1
    expect(worst(gradient, [0.1, 0.1 - 0.5, 0.1])).toBeLessThan(1e-7)
    expect(x.reduce((sum, v, k) => sum + v * (gradient[k] as number), 0)).toBeCloseTo(0, 6)
  })

  it.each([[[0, 0, 0]], [[-1, -2, -3]]])('%j has no shares: all is finite, and it can recover', (x) => {
    const { value, gradient } = run({ kind: 'sparseCce', cols: 3, target: [1], ...row }, x)
    expect(value).toBeCloseTo(-Math.log(1e-7), 4)
    expect(gradient.every(Number.isFinite)).toBe(true)
    expect(gradient[1]).toBeLessThan(0)
  })

  it('a NaN is told', () => {
    expect(run({ kind: 'sparseCce', cols: 3, target: [1], ...row }, [0.5, NaN, 0.5]).value).toBeNaN()
  })

  it('klDivergence takes what is above 1 as 1, and does not push it further', () => {
    const { value, gradient } = run({ kind: 'klDivergence', cols: 2, target: [0.5, 0.5], ...row }, [3, 0.5])
    expect(value).toBeCloseTo(0.5 * Math.log(0.5), 6)
    expect(gradient).toEqual([0, -1])
  })
})

describe('extreme and tiny values', () => {
  const whole = { rowsPerWeight: 1, mean: false, param: 0, scale: 1 }

  it.each(['cceLogits', 'sparseCceLogits'] as const)(
    '%s: huge logits, -inf where the target is 0',
    (kind) => {
      const x = [
        1000,
        0,
        -1000,
        500,
        999,
        -1000,
        -1000,
        -1000,
        -1000,
        -999,
        Number.NEGATIVE_INFINITY,
        1,
        2,
        80,
        -80,
      ]
      const ids = [4, 0, 3]
      const target =
        kind === 'cceLogits' ? ids.flatMap((id) => [0, 1, 2, 3, 4].map((k) => Number(k === id))) : ids
      const { value, gradient } = run({ kind, rows: 3, cols: 5, target, ...whole }, x)
      const rows = [0, 5, 10].map((from) => x.slice(from, from + 5))
      const want = rows.reduce((total, row, r) => total - (logSoftmax(row)[ids[r] as number] as number), 0)
      expect(value).toBeCloseTo(want, 5)
      const slope = rows.flatMap((row, r) => softmax(row).map((p, k) => p - Number(k === ids[r])))
      expect(worst(gradient, slope)).toBeLessThan(3e-7)
    },
  )

  it('sparseCceLogits keeps the relative precision of a tiny loss', () => {
    const { value } = run({ kind: 'sparseCceLogits', rows: 1, cols: 3, target: [0], ...whole }, [14, 0, 1])
    const want = Math.log1p(Math.exp(-14) + Math.exp(-13))
    expect(value / want).toBeCloseTo(1, 6)
  })

  it('bceLogits: huge logits', () => {
    const x = [1000, -1000, 100, -100, 0, -1000, 1000, -30, 30, 20]
    const y = [1, 0, 0, 1, 1, 1, 0, 1, 0, 0.5]
    const c: LossCase = { kind: 'bceLogits', rows: 2, cols: 5, target: y, ...whole }
    const { value, gradient } = run(c, x)
    expect(value / referenceLoss(c, x)).toBeCloseTo(1, 6)
    expect(
      worst(
        gradient,
        x.map((v, i) => 1 / (1 + Math.exp(-v)) - (y[i] as number)),
      ),
    ).toBeLessThan(2e-7)
  })

  it('logCosh keeps the relative precision of tiny and large differences', () => {
    for (const d of [2 ** -20, 2 ** -10, 0.25, 0.499, 0.501, 2, 80]) {
      const c: LossCase = { kind: 'logCosh', rows: 1, cols: 1, target: [0], ...whole }
      expect(run(c, [d]).value / referenceLoss(c, [Math.fround(d)])).toBeCloseTo(1, 5)
    }
    const far = run({ kind: 'logCosh', rows: 1, cols: 1, target: [0], ...whole }, [-1e6])
    expect(far.value).toBeCloseTo(1e6 - Math.LN2, 0)
    expect(far.gradient).toEqual([-1])
  })

  it('cosine similarity of a zero vector is 0, with a finite gradient', () => {
    const { value, gradient } = run(
      { kind: 'cosineSimilarity', rows: 1, cols: 3, target: [1, 2, 2], ...whole },
      [0, 0, 0],
    )
    expect(value).toBe(1)
    expect(gradient.every(Number.isFinite)).toBe(true)
  })

  it('sums many terms without drift', () => {
    const count = 100_000
    const c: LossCase = { kind: 'mse', rows: 1, cols: count, target: new Float64Array(count), ...whole }
    const third = Math.fround(1 / 3)
    expect(run(c, new Float64Array(count).fill(third)).value / (count * third * third)).toBeCloseTo(1, 6)
  })
})

describe('penalty', () => {
  it.each([1, 3, 4, 5, 17, 33])('%i weights: value, gradient, accumulated gradient with a seed', (count) => {
    const w = sample(count, count)
    w[0] = 0
    const src = memory.put(w)
    const dst = memory.put([0])
    call('penalty', [dst, src, count, { f32: 0.25 }, { f32: 0.5 }])
    const want = w.reduce((total, v) => total + 0.25 * Math.abs(v) + 0.5 * v * v, 0)
    expect(memory.floats(dst)[0]).toBeCloseTo(want, 4)

    const dw = memory.put(new Float64Array(count).fill(9))
    const slope = Array.from(w, (v) => 0.25 * Math.sign(v) + v)
    call('penaltyGrad', [dw, 0, src, count, { f32: 0.25 }, { f32: 0.5 }, 0])
    expect(memory.floats(dw)).toEqual(slope)
    call('penaltyGrad', [dw, memory.put([-2]), src, count, { f32: 0.25 }, { f32: 0.5 }, 1])
    expect(memory.floats(dw)).toEqual(slope.map((v) => v - 2 * v))
  })
})

describe('metric', () => {
  function metric(
    kind: number,
    pred: number[],
    target: number[],
    rows: number,
    cols: number,
    param = 0,
  ): number {
    const y = kind === abi.METRIC_SPARSE_ACCURACY ? memory.putInts(target) : memory.put(target)
    const dst = memory.put([0, 0]) // right, and out of how many
    call('metric', [dst, memory.put(pred), y, 0, rows, cols, 1, kind, { f32: param }, 0, 0])
    expect(memory.floats(dst)[1]).toBe(kind === abi.METRIC_BINARY_ACCURACY ? rows * cols : rows)
    return memory.floats(dst)[0] as number
  }

  it.each([1, 3, 4, 5, 17, 33])('argmax of %i columns at every place', (cols) => {
    const ids = Array.from({ length: cols }, (_, r) => r)
    const pred = ids.flatMap((id) => ids.map((k) => (k === id ? -1 : -1.5)))
    const oneHot = ids.flatMap((id) => ids.map((k) => Number(k === id)))
    expect(metric(abi.METRIC_SPARSE_ACCURACY, pred, ids, cols, cols)).toBe(cols)
    expect(metric(abi.METRIC_CATEGORICAL_ACCURACY, pred, oneHot, cols, cols)).toBe(cols)
    const wrong = ids.map((id) => (id + 1) % cols)
    expect(metric(abi.METRIC_SPARSE_ACCURACY, pred, wrong, cols, cols)).toBe(cols === 1 ? 1 : 0)
  })

  it('the first of equal maxima counts, NaN never', () => {
    const pred = [1, 5, 5, 5, 5, 1, Number.NaN, Number.NaN, Number.NaN, Number.NaN, Number.NaN, Number.NaN]
    expect(metric(abi.METRIC_SPARSE_ACCURACY, pred, [1, 0], 2, 6)).toBe(1)
    expect(metric(abi.METRIC_SPARSE_ACCURACY, pred, [2, 0], 2, 6)).toBe(0)
  })

  it.each([1, 3, 4, 5, 17, 33])('binary accuracy over %i elements', (count) => {
    const pred = Array.from(sample(count, count, 1))
    const target = Array.from(sample(count, count + 1, 1), (v) => Number(v > 0))
    const want = pred.filter((p, i) => p > 0.25 === (target[i] as number) > 0.5).length
    expect(metric(abi.METRIC_BINARY_ACCURACY, pred, target, count, 1, 0.25)).toBe(want)
  })
})
