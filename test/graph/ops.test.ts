// Every operation, from the case table, on the wasm core through the real pipeline (GraphWriter, differentiate,
// simplify, planOf, Engine), against plain float64: its value, and the gradient of sum(op(x) r) with a fixed random
// r. The gradient graph in float64 must agree with central differences of the forward reference; the core's gradient
// must agree with the gradient graph in float64. Memory is NaN before every run.
import { readdirSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { Kernel } from '../../src/graph/kernel.ts'
import type { Value } from '../../src/graph/value.ts'
import { uniform } from '../../src/numerics/random.ts'
import { elementCount } from '../../src/numerics/tensor.ts'
import { Engine } from '../../src/runtime/engine.ts'
import { leavesOfCase, type OpCase, opCases, opNames, writeCase } from '../op-cases/index.ts'
import { evaluate } from '../reference/ops.ts'
import type { TestBuilder } from '../support/builder.ts'
import { type Leaf, type Prepared, runGraph, type Wanted } from '../support/run-graph.ts'

/** Thirty-two float32 roundings of the largest number that goes in or comes out. */
const TOLERANCE = 32 * 2 ** -24
/** Float64 against float64; constants of gradient rules are stored in float32 (2^-24). */
const DIFFERENCE_TOLERANCE = 1e-6
const SAMPLES = 8

const engine = new Engine()

const largest = (arrays: Iterable<ArrayLike<number>>): number => {
  let most = 0
  for (const array of arrays) for (let i = 0; i < array.length; i++) most = Math.max(most, Math.abs(array[i]))
  return most
}

function expectClose(got: ArrayLike<number>, want: ArrayLike<number>, scale: number, what: string): void {
  expect(got.length, what).toBe(want.length)
  let worst = 0
  for (let i = 0; i < want.length; i++) {
    const error = Math.abs(got[i] - want[i])
    worst = Math.max(worst, error) // NaN stays
  }
  expect(worst / Math.max(scale, largest([want])), what).toBeLessThanOrEqual(TOLERANCE)
}

const referenceOf = ({ ops, leaves }: Prepared) => evaluate(ops, leaves)
const arrayOf = (values: ReadonlyMap<Value, ArrayLike<number>>, value: Value): ArrayLike<number> => {
  const array = values.get(value) ?? value.leaf?.data
  if (!array) throw new Error(`%${value.id} was not evaluated`)
  return array
}

/** Up to SAMPLES positions of `count`, the first and the last among them. */
function samplesOf(count: number): number[] {
  const picked = Math.min(count, SAMPLES)
  return Array.from({ length: picked }, (_, i) => Math.round((i * (count - 1)) / Math.max(1, picked - 1)))
}

/** d loss / d leaf[i] by central differences of fourth order on the float64 reference of the forward operations. */
function slopeAt({ ops, leaves, wanted }: Prepared, leaf: Value, i: number): number {
  const forward = ops.filter((op) => op.phase === 'forward')
  const x = Float64Array.from(leaves.get(leaf) ?? [])
  const at = (value: number) => {
    const moved = x.slice()
    moved[i] = value
    const values = evaluate(forward, new Map<Value, ArrayLike<number>>(leaves).set(leaf, moved))
    return arrayOf(values, wanted.loss as Value)[0]
  }
  const h = 2 ** -14
  return (8 * (at(x[i] + h) - at(x[i] - h)) - (at(x[i] + 2 * h) - at(x[i] - 2 * h))) / (12 * h)
}

/** Whether the differences of a case take seconds. */
const isLarge = (inputs: OpCase['inputs']): boolean =>
  inputs.some(({ shape }) => elementCount(shape) > 20_000)
if (!process.env.CI)
  console.log('ops.test.ts: gradients of inputs of over 20,000 numbers run with CI=1 alone')

/** Runs forward and backward on the core and checks every gradient both ways. */
function checkGradients(
  write: (g: TestBuilder, leaves: readonly Value[]) => Wanted,
  leaves: readonly Leaf[],
): void {
  const { gradients, prepared } = runGraph(engine, write, leaves)
  const values = referenceOf(prepared)
  const scale = largest(leaves.map(({ data }) => data))
  prepared.wanted.by?.forEach((leaf, i) => {
    const gradient = prepared.gradientValues[i]
    const name = leaf.leaf?.name ?? ''
    if (!gradient) throw new Error(`no gradient by ${name}`)
    const want = arrayOf(values, gradient)
    for (const at of samplesOf(want.length)) {
      const slope = slopeAt(prepared, leaf, at)
      const error = Math.abs(want[at] - slope)
      expect(error / Math.max(1, Math.abs(slope)), `rule against difference: ${name}[${at}]`).toBeLessThan(
        DIFFERENCE_TOLERANCE,
      )
    }
    expectClose(gradients[name], want, scale, `gradient by ${name}`)
  })
}

test('the table has a case of every kernel with a gradient rule, and of those that no rule writes', async () => {
  const folders = ['../../src/graph/ops/', '../../src/operations/'].map(
    (path) => new URL(path, import.meta.url),
  )
  const paths = folders.flatMap((folder) => readdirSync(folder).map((name) => new URL(name, folder).href))
  const files = await Promise.all(paths.map((path) => import(path)))
  const isKernel = (value: unknown): value is Kernel =>
    typeof value === 'object' &&
    value !== null &&
    'name' in value &&
    ('words' in value || 'instructions' in value)
  const all = files.flatMap((file) => Object.values(file).filter(isKernel))
  const inCases = new Set(opCases.map(({ kernel }) => kernel))
  expect(all.length).toBeGreaterThan(30)
  // a kernel named ...Grad is written by gradient rules: the gradient of a case runs it
  expect(
    all.filter((kernel) => !inCases.has(kernel) && !kernel.name.endsWith('Grad')).map(({ name }) => name),
  ).toEqual([])
})

test('names of cases are unique', () => {
  const names = opCases.map(({ name }) => name)
  expect(names.filter((name, i) => names.indexOf(name) !== i)).toEqual([])
})

describe.each(opNames)('%s', (name) => {
  const cases = opCases.filter(({ kernel }) => kernel.name === name)

  test.each(cases.map((one) => [one.name, one] as [string, OpCase]))('value: %s', (_, one) => {
    const leaves = leavesOfCase(one)
    const write = (g: TestBuilder, inputs: readonly Value[]) => ({
      results: { y: writeCase(g, one, inputs) },
    })
    const { results, prepared } = runGraph(engine, write, leaves)
    const want = arrayOf(referenceOf(prepared), prepared.wanted.results.y)
    expectClose(results.y, want, largest(leaves.map(({ data }) => data)), one.name)
  })

  const smooth = cases.filter(({ by, inputs }) => by.length > 0 && (process.env.CI || !isLarge(inputs)))
  test.runIf(smooth.length > 0).each(smooth.map((one) => [one.name, one] as [string, OpCase]))(
    'gradient: %s',
    (_, one) => {
      const leaves = leavesOfCase(one)
      let shape: readonly number[] = []
      runGraph(
        engine,
        (g, inputs) => {
          const y = writeCase(g, one, inputs)
          shape = y.shape
          return { results: { y } }
        },
        leaves,
      )
      const r = new Float32Array(elementCount(shape))
      uniform(r, 7, 7, 0.25, 1)
      checkGradients(
        (g, inputs) => {
          const y = writeCase(g, one, inputs)
          const loss = g.sum(g.times(y, inputs[inputs.length - 1]))
          return { results: { y }, loss, by: one.by.map((i) => inputs[i]) }
        },
        [...leaves, { shape, data: r.map((x, i) => (i % 3 === 1 ? -x : x)) }],
      )
      if (shape.length > 0) return
      // a scalar differentiated directly: its seed is the constant 1, which gradient operations fold away
      checkGradients((g, inputs) => {
        const y = writeCase(g, one, inputs)
        return { results: { y }, loss: y, by: one.by.map((i) => inputs[i]) }
      }, leaves)
    },
  )
})

describe('ties', () => {
  const x: Leaf = { shape: [3], data: Float32Array.of(1, 2, 3) }
  const y: Leaf = { shape: [3], data: Float32Array.of(1, 3, 2) }
  const gradientsOf = (write: (g: TestBuilder, a: Value, b: Value) => Value) =>
    runGraph(engine, (g, [a, b]) => ({ results: {}, loss: g.sum(write(g, a, b)), by: [a, b] }), [x, y])
      .gradients

  test('of maximum go to the second operand, of minimum to the first', () => {
    const larger = gradientsOf((g, a, b) => g.binary('maximum', a, b))
    expect([...larger.x0, ...larger.x1]).toEqual([0, 0, 1, 1, 1, 0])
    const smaller = gradientsOf((g, a, b) => g.binary('minimum', a, b))
    expect([...smaller.x0, ...smaller.x1]).toEqual([1, 1, 0, 0, 0, 1])
  })

  test('of a reduction: the elements that have the extremum share the gradient', () => {
    const { x0 } = gradientsOf((g, a, b) => g.reduce('max', g.binary('maximum', a, g.plus(b, g.constant(1)))))
    expect([...x0]).toEqual([0, 0, 0])
    const both = gradientsOf((g, a, b) => g.reduce('max', g.plus(a, b))) // 2, 5, 5
    expect([...both.x0]).toEqual([0, 0.5, 0.5])
  })
})
