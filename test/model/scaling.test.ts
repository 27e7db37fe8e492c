// Work grows with the input, not with its square: eight times as much of it takes less than thirty times as long (a square
// would take 64 times). CPU time, the least of several; and nothing is so deep that it overflows the stack.
import { describe, expect, test } from 'vitest'
import { numberColumns, parseCsv } from '../../src/data/index.ts'
import { encodeSafetensors } from '../../src/formats/safetensors.ts'
import {
  activation,
  block,
  concatenate,
  dense,
  embedding,
  input,
  LanegradError,
  load,
  type Model,
  model,
  reshape,
  sequential,
  type Values,
} from '../../src/index.ts'
import { inspect } from '../../src/inspect/index.ts'

const cpuMs = () => process.cpuUsage().user / 1000

/** The least time of `run` on what `make` makes of a size. */
function least<T>(size: number, make: (size: number) => T, run: (made: T) => unknown): number {
  let ms = Number.POSITIVE_INFINITY
  for (let n = 0; n < 2; n++) {
    const made = make(size)
    const start = cpuMs()
    run(made)
    ms = Math.min(ms, cpuMs() - start)
  }
  return ms
}

function grows<T>(size: number, make: (size: number) => T, run: (made: T) => unknown): void {
  const FEW_MS = 2 // below that, a clock's tick and a first call count for more than the work
  const small = Math.max(FEW_MS, least(size, make, run))
  expect(least(8 * size, make, run) / small).toBeLessThan(30)
}

/** A layer called again and again. */
function called(layer: (value: never) => never, count: number): Model<Values> {
  const x = input({ shape: [2] })
  let value: unknown = x
  for (let n = 0; n < count; n++) value = layer(value as never)
  return model({ inputs: x, outputs: dense({ units: 2 })(value as never) })
}
const relus = (count: number) => called(activation({ activation: 'relu' }) as never, count)
const ofIds = (count: number) => {
  const x = input({ shape: [1], dtype: 'int32' })
  const table = embedding({ inputDim: 3, outputDim: 1 })
  return model({ inputs: x, outputs: concatenate()(Array.from({ length: count }, () => table(x))) })
}
const wide = (count: number) => {
  const x = input({ shape: [2] })
  return model({ inputs: x, outputs: Array.from({ length: count }, () => dense({ units: 1 })(x)) })
}
const refusal = (file: Uint8Array) => {
  try {
    load(file)
  } catch (error) {
    expect(error).toBeInstanceOf(LanegradError)
  }
}
const withNetwork = (network: string) =>
  encodeSafetensors(new Map(), { format: 'lanegrad/1', seed: '0', network })

describe('time grows with the input', () => {
  test('load: texts of escapes, of open quotes, of one string', () => {
    grows(10_000, (n) => withNetwork(`"${'\\"'.repeat(n)}`), refusal)
    grows(10_000, (n) => withNetwork('"'.repeat(n)), refusal)
    refusal(withNetwork(JSON.stringify('a'.repeat(5_000_000))))
  })
  test('load: calls of an embedding', () =>
    grows(
      400,
      (n) => ofIds(n).save(),
      (file) => load(file),
    ))
  test('predict: a chain of calls', () => grows(500, relus, (net) => net.predict([[1, 2]])))
  test('inspect: a chain of calls', () => grows(500, relus, (net) => inspect(net, { mode: 'predict' })))
  test('a training step: a chain of layers', () =>
    grows(
      100,
      (n) => sequential({ inputShape: [2], layers: Array.from({ length: n }, () => dense({ units: 2 })) }),
      (net) => net.compile({ loss: 'mse' }).trainStep([[1, 2]], [[1, 2]]),
    ))
  test('outputs: predict, train and summary', () =>
    grows(50, wide, (net) => {
      net.predict([[1, 2]])
      net.compile({ loss: 'mse' }).trainStep([[1, 2]], net.predict([[1, 2]]) as never)
      net.summary()
      net.setWeights(net.getWeights())
    }))
  test('csv: a long number with a letter behind it', () =>
    grows(
      5000,
      (n) => parseCsv(`a\n${'1'.repeat(n)}x`),
      (table) =>
        expect(() => numberColumns(table)).toThrow(
          'numberColumns: column "a", row 0 must be a number; got "111111111111111111111111111111111111111111111111111111111111…"',
        ),
    ))
  test('csv: columns', () =>
    grows(
      2500,
      (n) => `${Array.from({ length: n }, (_, i) => `c${i}`)}\n${Array(n).fill(1)}`,
      (text) => numberColumns(parseCsv(text)),
    ))
})

describe('a chain of 15,000', () => {
  const COUNT = 15_000
  const [flat, column] = [reshape({ targetShape: [2] }), reshape({ targetShape: [2, 1] })]
  let turn = 0
  test.each([
    ['calls', () => relus(COUNT)],
    ['reshapes', () => called(((value: never) => (++turn % 2 ? column : flat)(value)) as never, COUNT)],
    [
      'layers that are computed again',
      () => {
        const layers = Array.from({ length: COUNT / 4 }, () => activation({ activation: 'tanh' }))
        return sequential({
          inputShape: [2],
          layers: [block({ layers, recompute: true }), dense({ units: 2 })],
        })
      },
    ],
  ])('%s is trained, shown, saved and loaded', (_, make) => {
    const net: Model<Values> = make().compile({ loss: 'mse' })
    net.trainStep([[1, 2]], [[1, 2]])
    expect(net.summary().length).toBeGreaterThan(100)
    const again = load<Values>(net.save({ includeOptimizer: true }))
    expect(again.predict([[1, 2]])).toEqual(net.predict([[1, 2]]))
  })
})

test('gradients take memory from compile on, not before', () => {
  const net = sequential({ inputShape: [1000], layers: [dense({ units: 1000, useBias: false })] })
  const bytesOf = () => net.session.state().byteLength
  expect(bytesOf()).toBeLessThan(4_000_000 + 1000)
  net.compile({ optimizer: 'sgd', loss: 'mse' })
  expect(bytesOf()).toBeGreaterThan(8_000_000)
  const frozen = sequential({ inputShape: [1000], layers: [dense({ units: 1000 })] }).setTrainable({
    dense_1: false,
  })
  expect(frozen.setTrainable({ dense_1: true }).session.state().byteLength).toBeLessThan(4_010_000)
})
