// Every optimizer against its float64 formula over several steps, padding, slots that decay, and gradient clipping.
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import * as abi from '../../assembly/abi'
import { type OptimizerName, type OptimizerSettings, referenceSteps } from '../reference/optimizers'
import { compileEntry } from '../support/compile'
import { type Kernel, kernelOf, type Memory, memoryOf, sample } from '../support/memory'

const CODES: Record<OptimizerName, number> = {
  sgd: abi.OPTIMIZER_SGD,
  rmsprop: 0, // its kernel has no other
  adagrad: abi.OPTIMIZER_ADAGRAD,
  adadelta: abi.OPTIMIZER_ADADELTA,
  adam: abi.OPTIMIZER_ADAM,
  adamw: abi.OPTIMIZER_ADAM,
  nadam: abi.OPTIMIZER_NADAM,
  radam: abi.OPTIMIZER_RADAM,
  adamax: abi.OPTIMIZER_ADAMAX,
  lion: abi.OPTIMIZER_LION,
}
const SLOT_COUNT = 3

let memory: Memory
let update: Kernel
let rmsprop: Kernel
let rareUpdate: Kernel
let clipValue: Kernel
let clipNorm: Kernel
let enter: (arena: number) => void

beforeAll(async () => {
  const core = await compileEntry('test/assembly/training-entry.ts')
  memory = memoryOf(core)
  update = kernelOf(core, 'update')
  rmsprop = kernelOf(core, 'rmsprop')
  rareUpdate = kernelOf(core, 'rareUpdate')
  clipValue = kernelOf(core, 'clipValue')
  clipNorm = kernelOf(core, 'clipNorm')
  enter = kernelOf(core, 'enter')
}, 60_000)
beforeEach(() => memory.clear())

function flagsOf(o: OptimizerSettings): number {
  return (
    (o.nesterov ? abi.UPDATE_NESTEROV : 0) |
    (o.centered ? abi.UPDATE_CENTERED : 0) |
    (o.amsgrad ? abi.UPDATE_AMSGRAD : 0) |
    (o.name === 'adamw' ? abi.UPDATE_DECOUPLED : 0)
  )
}

/** An optimizer over `count` parameters (a multiple of 16) in the core's memory. */
class Run {
  readonly params: number
  readonly slots: number
  private readonly grads: number
  private readonly header: number
  private step = 0

  constructor(
    private readonly o: OptimizerSettings,
    private readonly start: ArrayLike<number>,
    private readonly slotPadding = 16,
  ) {
    this.params = memory.put(start)
    this.grads = memory.put(new Float64Array(start.length))
    this.slots = memory.put(new Float64Array((start.length + slotPadding) * SLOT_COUNT))
    this.header = memory.allocate(abi.HEADER_BYTES)
    memory.view().setFloat64(this.header + abi.HEADER_MOMENTUM_PRODUCT, 1, true)
    memory.view().setFloat32(this.header + abi.HEADER_LEARNING_RATE, o.learningRate, true)
  }

  apply(gradients: ArrayLike<number>): void {
    const { o, start } = this
    new Float32Array(memory.view().buffer, this.grads, start.length).set(gradients)
    memory.view().setFloat64(this.header + abi.HEADER_STEP_COUNT, ++this.step, true)
    enter(this.header)
    memory.view().setUint32(abi.JOB_ARENA, this.header, true) // where kernels of modules find it
    const stride = (start.length + this.slotPadding) * 4
    const plain = CODES[o.name] <= abi.OPTIMIZER_RADAM ? update : rareUpdate
    memory.call(o.name === 'rmsprop' ? rmsprop : plain, [
      CODES[o.name],
      this.params,
      this.grads,
      this.slots,
      stride,
      start.length,
      flagsOf(o),
      { f64: o.rho ?? o.beta1 ?? 0 },
      { f64: o.beta2 ?? 0 },
      { f64: o.epsilon ?? 0 },
      { f64: o.weightDecay ?? 0 },
      { f64: o.momentum ?? 0 },
      { f64: 0.96 ** (o.momentumDecay ?? 0.004) },
    ])
  }
}

const betas = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 }
const CASES: OptimizerSettings[] = [
  { name: 'sgd', learningRate: 0.125 },
  { name: 'sgd', learningRate: 0.125, weightDecay: 0.05 },
  { name: 'sgd', learningRate: 0.0625, momentum: 0.9, weightDecay: 0.05 },
  { name: 'sgd', learningRate: 0.0625, momentum: 0.9, nesterov: true },
  { name: 'sgd', learningRate: 0.0625, momentum: 0.5, nesterov: true, weightDecay: 0.02 },
  { name: 'rmsprop', learningRate: 0.02, rho: 0.9, epsilon: 1e-7 },
  { name: 'rmsprop', learningRate: 0.02, rho: 0.9, epsilon: 0.5, weightDecay: 0.02 },
  { name: 'rmsprop', learningRate: 0.01, rho: 0.9, epsilon: 1e-7, momentum: 0.9 },
  { name: 'rmsprop', learningRate: 0.01, rho: 0.75, epsilon: 1e-3, centered: true },
  {
    name: 'rmsprop',
    learningRate: 0.01,
    rho: 0.75,
    epsilon: 1e-3,
    centered: true,
    momentum: 0.5,
    weightDecay: 0.1,
  },
  { name: 'adagrad', learningRate: 0.1, epsilon: 1e-7, weightDecay: 0.05 },
  { name: 'adadelta', learningRate: 1, rho: 0.95, epsilon: 1e-6, weightDecay: 0.05 },
  { name: 'adam', learningRate: 0.02, ...betas },
  { name: 'adam', learningRate: 0.02, ...betas, epsilon: 0.1, weightDecay: 0.05 },
  { name: 'adam', learningRate: 0.02, ...betas, beta2: 0.75, amsgrad: true },
  { name: 'adamw', learningRate: 0.02, ...betas, weightDecay: 0.1 },
  { name: 'adamw', learningRate: 0.02, ...betas, weightDecay: 0.1, beta2: 0.75, amsgrad: true },
  { name: 'nadam', learningRate: 0.02, ...betas, momentumDecay: 0.004, weightDecay: 0.05 },
  { name: 'nadam', learningRate: 0.02, ...betas, momentumDecay: 0.5 },
  { name: 'radam', learningRate: 0.02, ...betas, beta2: 0.75 },
  { name: 'radam', learningRate: 0.02, ...betas, beta2: 0.99, weightDecay: 0.05 },
  { name: 'adamax', learningRate: 0.02, ...betas, beta2: 0.75, weightDecay: 0.05 },
  { name: 'lion', learningRate: 0.02, beta1: 0.9, beta2: 0.99, weightDecay: 0.1 },
]
const NAMED = CASES.map((o) => [Object.entries(o).join(' ').replaceAll(',', ' '), o] as const)

describe.each(NAMED)('%s', (_, o) => {
  it('ten steps as in float64', () => {
    const count = 48
    const start = sample(count, 1)
    // gradients of several sizes: at least 1/16 apart from 0, where lion's sign would hang on the last bit
    const gradients = Array.from({ length: 10 }, (_, t) =>
      sample(count, 2 + t, 1).map((g, i) => (Math.sign(g) || 1) * (Math.abs(g) + 0.0625) * 2 ** -(i % 8)),
    )
    const run = new Run(o, start)
    for (const g of gradients) run.apply(g)
    const got = memory.floats(run.params)
    const learningRate = Math.fround(o.learningRate)
    got.forEach((value, i) => {
      const own = gradients.map((g) => Math.fround(g[i] as number))
      expect(Math.abs(value - referenceSteps({ ...o, learningRate }, start[i] as number, own))).toBeLessThan(
        3e-6,
      )
    })
  })

  it('padding stays 0, with any epsilon: its slots are 0, or a square far below any other', () => {
    for (const epsilon of [0, o.epsilon ?? 0]) {
      const run = new Run({ ...o, epsilon }, new Float64Array(32))
      for (let t = 0; t < 6; t++) run.apply(new Float64Array(32))
      expect(memory.floats(run.params)).toEqual(new Array(32).fill(0))
      for (const slot of memory.floats(run.slots)) expect(Math.abs(slot)).toBeLessThan(2e-28)
    }
  })

  it('a parameter whose gradient vanishes stays finite, with epsilon 0 too', () => {
    const run = new Run({ ...o, epsilon: 0 }, new Float64Array(16).fill(1))
    const tiny = Float64Array.from({ length: 16 }, (_, i) => 10 ** -(2 * i + 8))
    run.apply(tiny)
    for (let t = 0; t < 20; t++) run.apply(new Float64Array(16))
    for (const value of memory.floats(run.params)) expect(Math.abs(value)).toBeLessThan(100)
  })

  it('slots without gradients end at 0 or far from the denormals', () => {
    const run = new Run({ ...o, weightDecay: 0 }, new Float64Array(16).fill(1))
    run.apply(new Float64Array(16).fill(1e-18))
    for (let t = 0; t < 1000; t++) run.apply(new Float64Array(16))
    for (const value of memory.floats(run.slots)) expect(value === 0 || Math.abs(value) > 1e-37).toBe(true)
  })

  it('a NaN gradient reaches its own parameter only', () => {
    const run = new Run(o, new Float64Array(16).fill(1))
    run.apply(Float64Array.from({ length: 16 }, (_, i) => (i === 5 ? Number.NaN : 1)))
    run.apply(new Float64Array(16).fill(1))
    const clean = memory.floats(run.params).filter((v) => !Number.isNaN(v))
    expect(clean.length).toBeGreaterThanOrEqual(15)
    expect(new Set(clean.slice(0, 5)).size).toBe(1)
    if (o.name !== 'lion') expect(clean.length).toBe(15)
  })
})

describe('clipValue', () => {
  it.each([1, 3, 4, 5, 17, 33])('%i gradients', (count) => {
    const g = sample(count, count, 2)
    g[0] = Number.NaN
    const at = memory.put(g)
    memory.call(clipValue, [at, count, { f32: 0.5 }])
    expect(memory.floats(at)).toEqual(Array.from(g, (v) => Math.max(-0.5, Math.min(0.5, v))))
  })
})

describe('clipNorm', () => {
  it.each([1, 3, 4, 5, 17, 33, 1000])('%i gradients', (count) => {
    const g = sample(count, count, 2).map((v) => v + 0.5)
    const norm = Math.hypot(...g)
    for (const limit of [norm / 4, norm * 2]) {
      const at = memory.put(g)
      memory.call(clipNorm, [at, count, { f32: limit }])
      const scale = Math.min(1, limit / norm)
      memory.floats(at).forEach((value, i) => {
        expect(Math.abs(value - scale * (g[i] as number))).toBeLessThan(5e-7)
      })
    }
  })

  it('neither overflows nor underflows in the squares', () => {
    const large = memory.put([3e30, 4e30])
    memory.call(clipNorm, [large, 2, { f32: 5 }])
    expect(memory.floats(large)[0]).toBeCloseTo(3, 5)
    const small = memory.put([3e-30, 4e-30])
    memory.call(clipNorm, [small, 2, { f32: 5e-31 }])
    expect((memory.floats(small)[1] as number) * 1e31).toBeCloseTo(4, 5)
  })

  it.each([
    ['0', [0, 0, 0]],
    ['infinite', [1, Number.POSITIVE_INFINITY, 2]],
    ['NaN', [1, Number.NaN, 2]],
  ])('leaves the gradients alone if the norm is %s', (_, g) => {
    const at = memory.put(g)
    memory.call(clipNorm, [at, 3, { f32: 0.5 }])
    expect(memory.floats(at)).toEqual(g)
  })
})
