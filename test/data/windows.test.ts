// Windows of time series and what predictions mean, against PyTorch's unfold, argmax and topk (sklearn/helpers.py).
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { argmax, rows, topK, type WindowsOptions, windows } from '../../src/data/index.ts'
import { tensor } from '../../src/index.ts'
import { refused } from '../support/refused.ts'

const expected = JSON.parse(readFileSync(new URL('sklearn/helpers.json', import.meta.url), 'utf8'))

describe('windows', () => {
  test.each<{ options: WindowsOptions; shape: number[]; x: number[]; y: number[] }>(expected.windows)(
    'are those of PyTorch: $options',
    ({ options, shape, x, y }) => {
      const list: number[][] = expected.series
      for (const series of [list, tensor(list), list.map((row) => Float64Array.from(row))]) {
        const made = windows(series as never, options)
        expect([made.x.shape, [...made.x.data], [...made.y.data]]).toEqual([shape, x, y])
        const each = options.targets?.length === 1 ? [] : [options.targets?.length]
        expect(made.y.shape).toEqual([shape[0], options.horizon, ...each])
      }
    },
  )

  test('of one column, in any form', () => {
    for (const series of [
      [1, 2, 3, 4],
      Float32Array.of(1, 2, 3, 4),
      tensor([1, 2, 3, 4]),
      [[1], [2], [3], [4]],
    ]) {
      const { x, y } = windows(series as never, { sequenceLength: 2 })
      expect([x.shape, [...x.data], y.shape, [...y.data]]).toEqual([
        [2, 2, 1],
        [1, 2, 2, 3],
        [2, 1],
        [3, 4],
      ])
    }
  })

  test.each<[string, string | RegExp, () => unknown]>([
    [
      'longer than the series',
      'windows: sequenceLength 4 and horizon 2 need 6 steps; the series has 5. Shorten them, or give a longer series',
      () => windows([1, 2, 3, 4, 5], { sequenceLength: 4, horizon: 2 }),
    ],
    ['no steps', 'windows: series has no steps', () => windows([], { sequenceLength: 1 })],
    [
      'a gap',
      'windows: series: step 1, column 0 must be a finite number (fill in what is missing before); got NaN',
      () => windows([1, NaN, 3], { sequenceLength: 1 }),
    ],
    [
      'ragged steps',
      'windows: series: step 1 must be 2 numbers, as step 0 is; got [3]',
      () => windows([[1, 2], [3]], { sequenceLength: 1 }),
    ],
    [
      'texts',
      'windows: series: step 0, column 1 must be a number; got "2"',
      () => windows([[1, '2']] as never, { sequenceLength: 1 }),
    ],
    [
      'columns that there are not',
      'windows: targets: the series has 1 columns; got column 1, from 0',
      () => windows([1, 2, 3], { sequenceLength: 1, targets: [1] }),
    ],
    [
      'a table',
      /^windows: series must be a tensor \[steps, columns\] \(numberColumns\(table\) makes one\)/,
      () => windows({ names: ['a'], rows: [['1']] } as never, { sequenceLength: 1 }),
    ],
    [
      'pictures',
      'windows: series: expected a tensor [steps] or [steps, columns]; got shape [2,1,1]',
      () => windows(tensor([[[1]], [[2]]]), { sequenceLength: 1 }),
    ],
  ])('refuses %s', (_, message, call) => refused(message, call))
})

describe('predictions', () => {
  const { scores, argmax: best, indices, values } = expected.predictions
  const prediction = tensor(scores)

  test('argmax and topK are those of PyTorch', () => {
    expect([...argmax(prediction)]).toEqual(best)
    const top = topK(prediction, 3)
    expect(top.map((row) => row.map(({ index }) => index))).toEqual(indices)
    expect(top.map((row) => row.map(({ value }) => value))).toEqual(values)
  })

  test('topK: of equal elements the first is first', () => {
    const [best] = topK({ shape: [1, 4], data: Float32Array.of(0.25, 0.5, 0.25, 0) }, 3)
    expect(best.map(({ index }) => index)).toEqual([1, 0, 2])
  })

  test('rows are lists; deeper axes lie flat', () => {
    expect(rows(prediction)).toEqual(scores)
    expect(rows(tensor([1, 2]))).toEqual([[1], [2]])
    expect(
      rows(
        tensor([
          [
            [1, 2],
            [3, 4],
          ],
        ]),
      ),
    ).toEqual([[1, 2, 3, 4]])
    expect([
      ...argmax(
        tensor([
          [
            [1, 2],
            [4, 3],
          ],
        ]),
      ),
    ]).toEqual([1, 0])
    expect(rows({ shape: [0, 3], data: new Float32Array(0) })).toEqual([])
  })

  test.each<[string, string | RegExp, () => unknown]>([
    [
      'one number a row',
      /^argmax: expected a prediction \[rows, classes\]; got \[2,1\]\. One number/,
      () => argmax(tensor([[1], [2]])),
    ],
    [
      'NaN',
      'argmax: row 1 of the prediction is NaN in every class',
      () =>
        argmax(
          tensor([
            [1, 2],
            [NaN, NaN],
          ]),
        ),
    ],
    ['NaN among others', 'topK: row 0 of the prediction has NaN', () => topK(tensor([[1, NaN]]), 1)],
    ['more than there are', 'topK: k must be at most the 2 classes; got 5', () => topK(tensor([[1, 2]]))],
    [
      'several outputs',
      'rows: prediction has several outputs; give one of them, such as prediction.kind',
      () => rows({ kind: tensor([[1]]), size: tensor([[1]]) } as never),
    ],
    [
      'a promise',
      /^rows: prediction must be a tensor, as predict returns it; got Promise$/,
      () => rows(Promise.resolve() as never),
    ],
  ])('refuses %s', (_, message, call) => refused(message, call))
})
