// Calls' data against feeds made by hand: what is checked of ids, labels, targets and weights, and whose name a message has.
import { describe, expect, test } from 'vitest'
import { readingBatch, readingInputs } from '../../src/feed/batch.ts'
import { finish } from '../../src/numerics/pieces.ts'
import type { Dataset } from '../../src/rows/rows.ts'
import type { Feeds, TargetFeed } from '../../src/session/feeds.ts'

const target: TargetFeed = {
  ...{ name: 'out', shape: [], dtype: 'int32', loss: 'sparseCategoricalCrossentropy' },
  ...{ low: -Infinity, high: Infinity, columns: 3, ignoreIndex: null },
}
const one: Feeds = {
  inputs: [{ name: 'in', shape: [2], dtype: 'float32', limit: null }],
  ...{ inputStructure: 'single', outputs: ['out'], outputStructure: 'single', targets: [target] },
}
const read = (feeds: Feeds, data: Dataset) => finish(readingBatch(feeds, 'fit', data))
const withTarget = (changes: Partial<TargetFeed>): Feeds => ({ ...one, targets: [{ ...target, ...changes }] })
const x = [
  [1, 2],
  [3, 4],
]

test('a batch: rows of each input and target, null for weights that are not given', () => {
  const { rows, x: inputs, y, weights } = read(one, { x, y: [0, 2] })
  expect(rows).toBe(2)
  expect([...inputs[0].data]).toEqual([1, 2, 3, 4])
  expect(y[0].data).toEqual(Int32Array.of(0, 2))
  expect(weights).toEqual([null])
})

describe('refused', () => {
  test('labels there are not, but for the one that does not count', () => {
    expect(() => read(one, { x, y: [0, 3] })).toThrow(
      'fit: y: element 1 is 3; expected a class label from 0 to 2',
    )
    expect(() => read(one, { x, y: [-1, 0] })).toThrow('fit: y: element 0 is -1')
    expect([...read(withTarget({ ignoreIndex: -1 }), { x, y: [-1, 0] }).y[0].data]).toEqual([-1, 0])
  })

  test('targets outside of what the loss takes, by row', () => {
    const feeds = withTarget({ dtype: 'float32', shape: [2], loss: 'binaryCrossentropy', low: 0, high: 1 })
    expect(() =>
      read(feeds, {
        x,
        y: [
          [0, 1],
          [0.5, 1.5],
        ],
      }),
    ).toThrow(/^fit: y: row 1 holds 1.5; binaryCrossentropy takes targets from 0 to 1 \(-1 and 1 take hinge/)
    expect(
      read(feeds, {
        x,
        y: [
          [0, 1],
          [0.5, 1],
        ],
      }).rows,
    ).toBe(2)
    const up = withTarget({ dtype: 'float32', shape: [2], loss: 'poisson', low: 0, high: Infinity })
    expect(() =>
      read(up, {
        x,
        y: [
          [0, 1e9],
          [-1, 0],
        ],
      }),
    ).toThrow('row 1 holds -1; poisson takes targets from 0 up')
  })

  test('ids of an input that its layer does not take', () => {
    const limit = { layer: 'words', count: 5 }
    const feeds: Feeds = { ...one, inputs: [{ name: 'in', shape: [2], dtype: 'int32', limit }] }
    expect(() =>
      finish(
        readingInputs(feeds, 'predict', [
          [0, 4],
          [1, 5],
        ]),
      ),
    ).toThrow('predict: x: row 1 holds id 5; layer words takes ids from 0 to 4')
    expect(() => finish(readingInputs(feeds, 'predict', [[-1, 0]]))).toThrow('row 0 holds id -1')
    expect(finish(readingInputs(feeds, 'predict', [[0, 4]])).rows).toBe(1)
  })

  test('another number of rows, a hint where forms of targets are mixed up', () => {
    expect(() => read(one, { x, y: [1] })).toThrow('fit: x has 2 rows; fit: y has 1')
    expect(() =>
      read(one, {
        x,
        y: [
          [0, 1, 0],
          [1, 0, 0],
        ],
      }),
    ).toThrow('one-hot rows take categoricalCrossentropy')
  })

  test("several: each by its name, and a reader's own error becomes ours", () => {
    const input = one.inputs[0]
    const feeds: Feeds = { ...one, inputs: [input, { ...input, name: 'other' }], inputStructure: 'list' }
    expect(() => finish(readingInputs(feeds, 'fit', [x, [[1]]]))).toThrow(
      /^fit: x other: expected shape \[batch,2\]/,
    )
    expect(() => finish(readingInputs(feeds, 'fit', [x, [[1, 2]]]))).toThrow(
      'fit: x in has 2 rows; fit: x other has 1',
    )
    const { proxy, revoke } = Proxy.revocable([], {})
    revoke()
    expect(() => finish(readingInputs(one, 'fit', proxy))).toThrow(/^fit: x can't be read: /)
  })
})

describe('sample weights', () => {
  const places = withTarget({ shape: [3] })
  const y = [
    [0, 1, 2],
    [2, 1, 0],
  ]

  test('one for each row, or for each position of labels, flat or shaped', () => {
    expect(read(places, { x, y, weights: [1, 2] }).weights[0]).toMatchObject({ rows: 2, shape: [] })
    expect(read(places, { x, y, weights: new Float32Array(6) }).weights[0]).toMatchObject({
      rows: 2,
      shape: [3],
    })
    expect(
      read(places, {
        x,
        y,
        weights: [
          [1, 2, 3],
          [4, 5, 6],
        ],
      }).weights[0],
    ).toMatchObject({ rows: 2, shape: [3] })
    expect(() => read(places, { x, y, weights: [1, 2, 3] })).toThrow(
      /sampleWeight: expected one weight for each of 2 rows \(or positions of \[3\]\)/,
    )
    expect(() =>
      read(places, {
        x,
        y,
        weights: [
          [1, 2],
          [3, 4],
        ],
      }),
    ).toThrow('got [2,2]')
  })

  test('the last axis of numbers has no positions', () => {
    const feeds = withTarget({ dtype: 'float32', shape: [3, 2] })
    const rows = { shape: [2, 3, 2], data: new Float32Array(12) }
    expect(read(feeds, { x, y: rows, weights: new Float32Array(6) }).weights[0]).toMatchObject({ shape: [3] })
    expect(() =>
      read(feeds, { x, y: rows, weights: { shape: [2, 3, 2], data: new Float32Array(12) } }),
    ).toThrow('got [2,3,2]')
  })
})
