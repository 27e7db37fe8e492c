// What callers pass as data, read into flat rows, by hand-made cases: forms, types, shapes, and the copies of rows.
import { describe, expect, test } from 'vitest'
import { commonRows, gatherRows, type Rows, rowsOf, sliceRows, splitData } from '../../src/rows/rows.ts'

const expected = { name: 'a', shape: [2], dtype: 'float32' } as const
const flat = Float32Array.of(1, 2, 3, 4, 5, 6)

describe('rows of one input', () => {
  test('a flat array, a tensor and nested arrays are the same rows', () => {
    const nested = [
      [1, 2],
      [3, 4],
      [5, 6],
    ]
    for (const given of [flat, { shape: [3, 2], data: flat }, nested]) {
      const { data, rows, shape } = rowsOf('x', given, expected)
      expect([[...data], rows, shape]).toEqual([[1, 2, 3, 4, 5, 6], 3, [2]])
    }
  })

  test('what has the right type is not copied', () => {
    expect(rowsOf('x', flat, expected).data).toBe(flat)
    expect(rowsOf('x', { shape: [3, 2], data: flat }, expected).data).toBe(flat)
  })

  test('int32 takes whole numbers alone', () => {
    const ids = { ...expected, dtype: 'int32' } as const
    expect(rowsOf('x', flat, ids).data).toEqual(Int32Array.of(1, 2, 3, 4, 5, 6))
    expect(() => rowsOf('x', [[1, 2.5]], ids)).toThrow('x: element 1 is 2.5; expected an integer')
    expect(() => rowsOf('x', [[1, 2 ** 31]], ids)).toThrow('x: element 1 is 2147483648; expected an integer')
  })

  test('axes of size 1 at the end may be there or not', () => {
    expect(rowsOf('y', [1, 2], { ...expected, shape: [1] }).shape).toEqual([1])
    expect(rowsOf('y', [[1], [2]], { ...expected, shape: [] }).rows).toBe(2)
    expect(() => rowsOf('y', [[1, 2]], { ...expected, shape: [1] })).toThrow(
      'expected shape [batch,1]; got [1,2]',
    )
  })

  test('an axis of unknown length is that of the data, and no flat array has one', () => {
    const open = { ...expected, shape: [null, 2] }
    expect(rowsOf('x', { shape: [1, 3, 2], data: flat }, open)).toEqual({
      data: flat,
      rows: 1,
      shape: [3, 2],
    })
    expect(() => rowsOf('x', flat, open)).toThrow("a flat array can't tell its shape")
  })

  test('a number of rows that must be', () => {
    const two = { ...expected, rows: 2 }
    expect(() => rowsOf('x', flat, two)).toThrow('expected shape [2,2], 4 elements; got 6')
    expect(() => rowsOf('x', [[1, 2]], two)).toThrow('expected shape [2,2]; got [1,2]')
  })

  test('elements that make no whole row, no rows, and no data', () => {
    expect(() => rowsOf('x', flat.subarray(1), expected)).toThrow('a multiple of 2 elements; got 5')
    expect(() => rowsOf('x', flat.subarray(6), expected)).toThrow('a multiple of 2 elements; got 0')
    expect(() => rowsOf('x', 'ab' as never, expected)).toThrow(
      'expected a typed array, a tensor or nested arrays',
    )
    expect(() => rowsOf('x', { shape: [2, 2], data: flat }, expected)).toThrow('got [2,2] with 6 elements')
  })
})

test('several inputs: a list in their order, a record by their names', () => {
  const [a, b] = [[1], [2]]
  expect(splitData('x', a, ['a'], 'single')).toEqual([a])
  expect(splitData('x', [a, b], ['a', 'b'], 'list')).toEqual([a, b])
  expect(splitData('x', { b, a }, ['a', 'b'], 'record')).toEqual([a, b])
  expect(splitData('x', flat, ['a'], 'record')).toEqual([flat])
  expect(() => splitData('x', [a], ['a', 'b'], 'list')).toThrow('x must be a list of 2 arrays')
  expect(() => splitData('x', { a }, ['a', 'b'], 'record')).toThrow('x: b is missing')
  expect(() => splitData('x', { a, b, c: a }, ['a', 'b'], 'record')).toThrow('x: expected a, b; got "c"')
})

test('as many rows everywhere', () => {
  expect(
    commonRows([
      { what: 'x', rows: 2 },
      { what: 'y', rows: 2 },
    ]),
  ).toBe(2)
  expect(() =>
    commonRows([
      { what: 'x', rows: 2 },
      { what: 'y', rows: 3 },
    ]),
  ).toThrow('x has 2 rows; y has 3')
})

/** Rows of `width` numbers, row r of r, r + 0.01 ... */
const numbered = (rows: number, width: number): Rows => ({
  data: Float32Array.from({ length: rows * width }, (_, i) => Math.floor(i / width) + (i % width) / 100),
  ...{ rows, shape: [width] },
})

// up to 16 numbers are copied one by one, longer rows at once
test.each([1, 3, 16, 17, 40])(
  'rows of %i numbers are gathered in an order, sliced without copying',
  (width) => {
    const source = numbered(5, width)
    const row = (r: number) => [...source.data.subarray(r * width, (r + 1) * width)]
    const target = new Float32Array(2 * width)
    gatherRows(source, target, Uint32Array.of(4, 0, 3, 0), 1, 3)
    expect([...target]).toEqual([...row(0), ...row(3)])
    gatherRows(source, target, null, 2, 4)
    expect([...target]).toEqual([...row(2), ...row(3)])
    const slice = sliceRows(source, 1, 4)
    expect([[...slice.data], slice.rows, slice.shape]).toEqual([
      [...row(1), ...row(2), ...row(3)],
      3,
      [width],
    ])
    expect(slice.data.buffer).toBe(source.data.buffer)
  },
)
