// Weights of rows, of their positions and of classes, where they were frozen in, against those of the full library.
import { describe, expect, test } from 'vitest'
import { type FreezeOptions, freeze } from '../../src/freeze/index.ts'
import {
  classWeights as byClass,
  conv1d,
  type Data,
  dense,
  input,
  type Model,
  model,
  sequential,
  type WeightsByClass,
} from '../../src/index.ts'
import { fit, open, sampleWeights } from '../../src/run/index.ts'
import { all } from '../../src/run/modules.ts'
import { difference } from '../support/frozen.ts'

const numbers = (...shape: readonly number[]) => {
  const length = shape.reduce((product, n) => product * n, 1)
  return { shape, data: Float32Array.from({ length }, (_, i) => ((i * 37) % 19) / 9 - 1) }
}
const softmax = (units: number, name?: string) =>
  dense({ units, activation: 'softmax', ...(name && { name }) })

interface Case {
  readonly make: () => Model
  readonly x: Data
  readonly y: Data
  readonly table: WeightsByClass
  readonly sampleWeight: FreezeOptions['sampleWeight']
}

const cases: Readonly<Record<string, Case>> = {
  labels: {
    make: () =>
      sequential({ inputShape: [2], layers: [softmax(3)] }).compile({
        loss: 'sparseCategoricalCrossentropy',
      }),
    ...{ x: numbers(4, 2), y: [0, 2, 1, 2], table: { 0: 3, 2: 0.3 }, sampleWeight: true },
  },
  'one-hot rows': {
    make: () =>
      sequential({ inputShape: [2], layers: [softmax(3)] }).compile({ loss: 'categoricalCrossentropy' }),
    x: numbers(3, 2),
    y: [
      [0, 1, 0],
      [1, 0, 0],
      [0, 0, 1],
    ],
    ...{ table: [1, 4, 0], sampleWeight: true },
  },
  'a single unit': {
    make: () =>
      sequential({ inputShape: [2], layers: [dense({ units: 1, activation: 'sigmoid' })] }).compile({
        loss: 'binaryCrossentropy',
      }),
    ...{ x: numbers(3, 2), y: [1, 0, 1], table: { 1: 7 }, sampleWeight: true },
  },
  'labels of positions': {
    make: () =>
      sequential({
        inputShape: [4, 2],
        layers: [conv1d({ filters: 3, kernelSize: 1, activation: 'softmax' })],
      }).compile({
        loss: 'sparseCategoricalCrossentropy',
      }),
    x: numbers(2, 4, 2),
    y: [
      [0, 1, 2, 0],
      [2, 2, 1, 0],
    ],
    ...{ table: { 1: 5 }, sampleWeight: 'positions' },
  },
  'one of two outputs': {
    make: () => {
      const a = input({ shape: [2] })
      return model({
        inputs: a,
        outputs: { c: softmax(2, 'c')(a), d: dense({ units: 1, name: 'd' })(a) },
      }).compile({
        loss: { c: 'sparseCategoricalCrossentropy', d: 'meanSquaredError' },
      }) as unknown as Model
    },
    ...{ x: numbers(2, 2), y: { c: [0, 1], d: [0.5, 1] }, table: { c: { 0: 9 } }, sampleWeight: true },
  },
}

describe('the bits of the full library', () => {
  test.each(Object.entries(cases))('%s', async (_, { make, x, y, table, sampleWeight }) => {
    const own = make()
    const rows = (x as { shape: readonly number[] }).shape[0]
    const trainer = open(freeze(own, { train: [rows], gradients: [rows], sampleWeight }), { modules: all })
    const weights = sampleWeights(trainer, y, table)
    for (let step = 0; step < 3; step++)
      expect(
        difference(
          trainer.trainStep(x, y, { sampleWeight: weights }),
          own.trainStep(x, y, { classWeight: byClass(table) }),
        ),
      ).toBe(null)
    expect(difference(trainer.getWeights(), own.getWeights())).toBe(null)
    const got = await fit(trainer, x, y, { sampleWeight: weights, epochs: 2 })
    expect(
      difference(got, await own.fit(x, y, { classWeight: byClass(table), epochs: 2, batchSize: rows })),
    ).toBe(null)
    // it isn't as without
    const plain = make()
    for (let step = 0; step < 3; step++) plain.trainStep(x, y)
    expect(plain.getWeights()).not.toEqual(own.getWeights())
  })

  test('weights of positions', () => {
    const { make, x, y } = cases['labels of positions']
    const own = make()
    const trainer = open(freeze(own, { train: [2], sampleWeight: 'positions' }), { modules: all })
    const sampleWeight = numbers(2, 4)
    expect(trainer.trainStep(x, y, { sampleWeight })).toEqual(own.trainStep(x, y, { sampleWeight }))
  })
})

describe('refused', () => {
  const { make, x, y } = cases['labels of positions']
  const opened = (sampleWeight: FreezeOptions['sampleWeight']) =>
    open(freeze(make(), { train: [2], sampleWeight }), { modules: all })

  test('weights of another form than the one that was frozen', () => {
    const [none, each, places] = [opened(false), opened(true), opened('positions')]
    const [long, short] = [{ sampleWeight: numbers(2, 4) }, { sampleWeight: [1, 2] }]
    expect(() => none.trainStep(x, y, short)).toThrow(
      'trainStep: sampleWeight: the file was frozen without; freeze(model, { sampleWeight: true }) takes these',
    )
    expect(() => each.trainStep(x, y, long)).toThrow(
      "trainStep: sampleWeight: the file was frozen for shape [2]; freeze(model, { sampleWeight: 'positions' }) takes these",
    )
    expect(() => places.trainStep(x, y, short)).toThrow(
      'trainStep: sampleWeight: the file was frozen for shape [2,4]; freeze(model, { sampleWeight: true }) takes these',
    )
  })

  test('classes there are not, outputs there are not, no table', () => {
    const trainer = opened('positions')
    expect(() => sampleWeights(trainer, y, { 3: 1 })).toThrow(/expected classes from 0 to 2; got 3/)
    expect(() => sampleWeights(trainer, [[0, 1, 2, 3]], { 0: 1 })).toThrow(
      /element 3 is 3; expected a class label from 0 to 2/,
    )
    expect(() => sampleWeights(trainer, y, undefined as never)).toThrow(/^sampleWeights: table must be/)
    expect(() => sampleWeights({} as never, y, {})).toThrow(/^sampleWeights: trainer must be what open gave/)
    const two = open(freeze(cases['one of two outputs'].make(), { train: [2] }), { modules: all })
    expect(() => sampleWeights(two, cases['one of two outputs'].y, { e: { 0: 1 } })).toThrow(
      /expected weights for c, d; got "e"/,
    )
  })
})
