// Convolutions by Winograd's algorithm against float64: y, dx and dw over sizes whose tiles are whole or cut, and the bounds of
// their errors that the kernel's file states, in exact and in relaxed arithmetic. That threads give the same bits:
// op-cases/convolution.ts in variants.test.ts; that long sums lose nothing: sums.test.ts.
import { setFlagsFromString } from 'node:v8'
import { expect, test } from 'vitest'
import * as abi from '../../assembly/abi.ts'
import type { Value } from '../../src/graph/value.ts'
import { conv2d, sequential } from '../../src/index.ts'
import { normal } from '../../src/numerics/random.ts'
import { elementCount } from '../../src/numerics/tensor.ts'
import { conv } from '../../src/operations/convolution.ts'
import { relaxed } from '../../src/relaxed/index.ts'
import { Engine } from '../../src/runtime/engine.ts'
import { evaluate } from '../reference/ops.ts'
import type { TestBuilder } from '../support/builder.ts'
import { runGraph } from '../support/run-graph.ts'

setFlagsFromString('--experimental-wasm-relaxed-simd') // Node 20; later ones have it

const exact = new Engine()
const fast = new Engine({ numerics: relaxed() })

/** Number of samples, height, width, channels, filters, cells of padding before and behind. */
type Case = readonly [number, number, number, number, number, number, number]

/** A graph of y, and of dx and dw of the sum of its products with dy. Normal numbers; `mean`: of x. */
function graphOf([samples, height, width, C, F, before, after]: Case, mean: number) {
  const input = [1, height, width]
  const output = [1, height + before + after - 2, width + before + after - 2]
  const [kernel, ones] = [
    [1, 3, 3],
    [1, 1, 1],
  ]
  const geometry = {
    ...{ input, output, kernel, strides: ones, dilations: ones, groups: 1 },
    before: [0, before, before],
  }
  const leaf = (shape: readonly number[], stream: number, mean = 0) => {
    const data = new Float32Array(elementCount(shape))
    normal(data, 3, stream, mean)
    return { shape, data }
  }
  const leaves = [
    leaf([samples, ...input, C], 1, mean),
    leaf([...kernel, C, F], 2),
    leaf([samples, ...output, F], 3),
  ]
  const write = (g: TestBuilder, [x, w, dy]: readonly Value[]) => {
    const y = g.add(conv, [x, w], geometry)[0]
    const loss = g.sum(g.times(y, dy))
    return { results: { y }, loss, by: [x, w] }
  }
  return { write, leaves }
}

/** Root of the mean square of the errors, as a share of that of the numbers. */
function errorOf(got: ArrayLike<number>, want: ArrayLike<number>): number {
  let [error, size] = [0, 0]
  for (let i = 0; i < want.length; i++) {
    error += (got[i] - want[i]) ** 2
    size += want[i] ** 2
  }
  return Math.sqrt(error / size)
}

/** The kernels of a case that are made of tiles, and the errors of y, dx and dw, exact and relaxed. */
function run(row: Case, mean: number) {
  const { write, leaves } = graphOf(row, mean)
  const runs = [exact, fast].map((engine) => runGraph(engine, write, leaves))
  const [{ prepared }] = runs
  const tiled = prepared.plan.steps
    .filter(
      ({ op, instruction }) =>
        /^conv/.test(op?.kernel.name ?? '') && instruction.operands[abi.CONV_TILED / 4],
    )
    .map(({ op }) => op?.kernel.name)
  const values = evaluate(prepared.ops, prepared.leaves)
  const wanted = [prepared.wanted.results.y, ...prepared.gradientValues].map((value) =>
    values.get(value as Value),
  )
  const errors = runs.flatMap(({ results, gradients }) =>
    [results.y, gradients.x0, gradients.x1].map((got, i) => errorOf(got, wanted[i] ?? [])),
  )
  return { tiled, errors }
}

const all = ['conv', 'convInputGrad', 'convWeightGrad']

const cases: readonly (readonly [...Case, readonly string[]])[] = [
  [1, 4, 4, 16, 16, 1, 1, all], // whole tiles
  [2, 7, 8, 16, 18, 1, 1, all], // a row that is cut
  [1, 8, 9, 17, 19, 0, 0, ['conv', 'convWeightGrad']], // channels beside vectors; many more of dx than of dy
  [3, 11, 7, 21, 16, 2, 0, all], // padding in front alone
  [1, 6, 6, 16, 23, 2, 2, all], // more of y than of x
  [5, 10, 6, 33, 16, 0, 1, all],
  [1, 3, 40, 32, 35, 1, 1, all], // one row of tiles and a half
  [2, 13, 12, 70, 16, 1, 1, all], // deeper than a chain
  [1, 2, 2, 64, 64, 1, 1, all], // one tile
  [1, 20, 27, 16, 16, 1, 1, all], // several blocks
  [1, 4, 515, 16, 16, 1, 1, all], // rows of more tiles than a block has
  [1, 3, 3, 20, 20, 1, 1, ['convInputGrad']], // more than half of each tile is cut off
  [2, 6, 1, 32, 32, 1, 1, []], // one cell wide: half of each tile
  [1, 8, 8, 15, 64, 1, 1, []], // too few channels
]

test.each(cases)('%d x %d x %d, %d to %d channels, padding %d and %d', (...row) => {
  const tiled = row.pop()
  const { tiled: found, errors } = run(row as unknown as Case, 0)
  expect([...found].sort()).toEqual([...(tiled as string[])].sort())
  for (const error of errors) expect(error).toBeLessThan(5e-7)
})

test.each([1, 10, 1000])('numbers whose mean is %d', (mean) => {
  for (const row of [
    [2, 8, 8, 16, 16, 1, 1],
    [1, 5, 8, 64, 32, 1, 1],
  ] as const) {
    const { tiled, errors } = run(row, mean)
    expect(tiled.length).toBe(3)
    for (const error of errors) expect(error).toBeLessThan(5e-7)
  }
})

test('the rows of a batch have the bits that each has alone', () => {
  const layer = () =>
    conv2d({ filters: 16, kernelSize: 3, padding: 'same', activation: 'gelu', biasInitializer: 'ones' })
  const model = sequential({ inputShape: [7, 10, 18], layers: [layer(), layer()] })
  const size = 7 * 10 * 18
  const x = new Float32Array(5 * size)
  normal(x, 4, 4)
  const { data } = model.predict(x)
  for (let i = 0; i < 5; i++) {
    const alone = model.predict(x.subarray(i * size, (i + 1) * size)).data
    expect(alone).toEqual(data.slice(i * alone.length, (i + 1) * alone.length))
  }
  model.dispose()
})

test('bias and activation', () => {
  const [side, C, F] = [6, 16, 17]
  const x = new Float32Array(side * side * C)
  normal(x, 5, 5)
  const options = { filters: F, kernelSize: 3, padding: 'same', biasInitializer: 'ones' } as const
  const models = (['linear', 'relu', 'tanh'] as const).map((activation) =>
    sequential({ inputShape: [side, side, C], seed: 1, layers: [conv2d({ ...options, activation })] }),
  )
  const [linear, relu, tanh] = models.map((model) => model.predict(x).data)
  const none = sequential({
    inputShape: [side, side, C],
    seed: 1,
    layers: [conv2d({ ...options, useBias: false })],
  })
  none.setWeights({ 'conv2d_1/kernel': models[0].getWeights()['conv2d_1/kernel'] })
  const worst = (got: Float32Array, want: (i: number) => number) =>
    got.reduce((most, value, i) => Math.max(most, Math.abs(value - want(i))), 0)
  const bare = none.predict(x).data
  expect(worst(linear, (i) => bare[i] + 1)).toBeLessThan(1e-5)
  expect(worst(relu, (i) => Math.max(linear[i], 0))).toBe(0)
  expect(worst(tanh, (i) => Math.tanh(linear[i]))).toBeLessThan(1e-6)
  for (const model of [...models, none]) model.dispose()
})
