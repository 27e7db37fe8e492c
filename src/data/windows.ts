// A time series to windows: x, some steps in a row, and y, the steps that follow. Enters: a tensor [steps, columns], or one number for
// each step. Leaves: two tensors.
import {
  check,
  fail,
  NATURAL,
  orNull,
  POSITIVE_INTEGER,
  type Rule,
  reading,
  readOptions,
  show,
} from '../numerics/errors.ts'
import type { FloatArray } from '../numerics/tensor.ts'
import { isShaped, isTyped } from '../numerics/tensor.ts'
import { type RowData, rowCount } from './rows.ts'

/** Options of `windows`. */
export interface WindowsOptions {
  /** Number of steps of a window, what the model sees. */
  readonly sequenceLength: number
  /** Number of steps that follow a window, what the model forecasts. Default 1. */
  readonly horizon?: number
  /** Number of steps from the start of a window to the start of the next one. Default 1. */
  readonly stride?: number
  /** The columns to forecast, by number from 0. Default null: all. */
  readonly targets?: readonly number[] | null
}

const TARGETS: Rule<readonly number[]> = {
  expected: 'a list of distinct column numbers from 0',
  holds: (x): x is readonly number[] =>
    Array.isArray(x) && x.length > 0 && x.every(NATURAL.holds) && new Set(x).size === x.length,
}

/**
 * Windows of a time series for `fit`: x [windows, sequenceLength, columns], and y with the `horizon` steps that follow each, [windows,
 * horizon] of one column, [windows, horizon, columns] of several. Split the series before, so that no window of the training
 * part reaches into the test part: `trainTestSplit(series, { shuffle: false })`.
 * @throws LanegradError on an unknown or bad option, on a series shorter than a window and its horizon, on a number that isn't finite
 * @example
 * ```js
 * import { windows } from 'lanegrad/data'
 *
 * const { x, y } = windows([1, 2, 3, 4, 5], { sequenceLength: 3 })
 * console.log(x.shape, x.data.join(' ')) // [ 2, 3, 1 ] 1 2 3 2 3 4
 * console.log(y.shape, y.data.join(' ')) // [ 2, 1 ] 4 5
 * const days = [[1, 10], [2, 20], [3, 30], [4, 40]] // two columns, of which the second is to be forecast
 * console.log(windows(days, { sequenceLength: 2, horizon: 2, targets: [1] }).y.data.join(' ')) // 30 40
 * ```
 */
export function windows(
  series: RowData,
  options: WindowsOptions,
): { readonly x: FloatArray; readonly y: FloatArray } {
  const where = 'windows'
  const { sequenceLength, horizon, stride, targets } = readOptions(where, options, {
    sequenceLength: POSITIVE_INTEGER,
    horizon: [POSITIVE_INTEGER, 1],
    stride: [POSITIVE_INTEGER, 1],
    targets: [orNull(TARGETS), null],
  })
  return reading(`${where}: series`, () => {
    const { steps, columns, data } = stepsOf(where, series)
    const wanted = targets ?? [...new Array(columns).keys()]
    const far = wanted.find((column) => column >= columns)
    if (far !== undefined)
      fail(`${where}: targets: the series has ${columns} columns; got column ${far}, from 0`)
    const span = sequenceLength + horizon
    if (steps < span)
      fail(
        `${where}: sequenceLength ${sequenceLength} and horizon ${horizon} need ${span} steps; the series has ${steps}. Shorten ` +
          'them, or give a longer series',
      )
    const count = Math.floor((steps - span) / stride) + 1
    const x = new Float32Array(count * sequenceLength * columns)
    const y = new Float32Array(count * horizon * wanted.length)
    let at = 0
    for (let window = 0; window < count; window++) {
      const start = window * stride * columns
      const end = start + sequenceLength * columns
      x.set(data.subarray(start, end), window * sequenceLength * columns)
      for (let step = 0; step < horizon; step++)
        for (const column of wanted) y[at++] = data[end + step * columns + column]
    }
    const each = wanted.length === 1 ? [] : [wanted.length]
    return {
      x: { shape: [count, sequenceLength, columns], data: x },
      y: { shape: [count, horizon, ...each], data: y },
    }
  })
}

/** The series as [steps, columns] in float32. */
function stepsOf(where: string, series: RowData): { steps: number; columns: number; data: Float32Array } {
  const what = `${where}: series`
  const isSeries = isShaped(series) || isTyped(series) || Array.isArray(series)
  check(
    isSeries,
    what,
    'a tensor [steps, columns] (numberColumns(table) makes one), a typed array or a list',
    series,
  )
  const steps = rowCount(what, series)
  if (steps === 0) fail(`${what} has no steps`)
  if (isShaped(series)) {
    if (series.shape.length > 2)
      fail(`${what}: expected a tensor [steps] or [steps, columns]; got shape ${show(series.shape)}`)
    return finite(what, Float32Array.from(series.data), steps)
  }
  if (isTyped(series)) return finite(what, Float32Array.from(series), steps)
  const list = series as readonly unknown[]
  const widthOf = (step: unknown) => (Array.isArray(step) || isTyped(step) ? step.length : 0)
  const width = widthOf(list[0])
  const data = new Float32Array(steps * (width || 1))
  list.forEach((step, i) => {
    if (widthOf(step) !== width)
      check(
        false,
        `${what}: step ${i}`,
        width > 0 ? `${width} numbers, as step 0 is` : 'a number, as step 0 is',
        step,
      )
    for (let column = 0; column < (width || 1); column++) {
      const value = width > 0 ? (step as ArrayLike<unknown>)[column] : step
      if (typeof value !== 'number') check(false, placeOf(what, i, column), 'a number', value)
      data[i * (width || 1) + column] = value
    }
  })
  return finite(what, data, steps)
}

const placeOf = (what: string, step: number, column: number) => `${what}: step ${step}, column ${column}`

function finite(what: string, data: Float32Array, steps: number) {
  const columns = data.length / steps
  const bad = data.findIndex((value) => !Number.isFinite(value))
  if (bad >= 0)
    check(
      false,
      placeOf(what, Math.floor(bad / columns), bad % columns),
      'a finite number (fill in what is missing before)',
      data[bad],
    )
  return { steps, columns, data }
}
