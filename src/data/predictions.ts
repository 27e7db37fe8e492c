// What predictions mean. Enters: the tensor that `predict` returned. Leaves: class numbers, the likeliest classes, or rows.
import { check, fail, isRecord, must, POSITIVE_INTEGER, reading, show } from '../numerics/errors.ts'
import { checkLength, isShaped, argmax as largest, type ShapedArray } from '../numerics/tensor.ts'

/** The number of rows and of numbers along the last axis. @throws LanegradError for anything but a tensor with rows */
export function classesOf(where: string, prediction: ShapedArray): { count: number; classes: number } {
  const what = `${where}: prediction`
  if (isRecord(prediction) && !isShaped(prediction)) {
    const output = Object.entries(prediction).find(([, value]) => isShaped(value))?.[0]
    if (output !== undefined)
      fail(`${what} has several outputs; give one of them, such as prediction.${output}`)
  }
  check(isShaped(prediction), what, 'a tensor, as predict returns it', prediction)
  const { shape, data } = prediction
  checkLength(what, shape, data.length)
  if (shape.length === 0) fail(`${what}: expected rows; got a tensor of shape []`)
  const classes = shape.length === 1 ? 1 : shape[shape.length - 1]
  return { count: classes === 0 ? 0 : data.length / classes, classes }
}

/** The same of what has several classes, none of them NaN in all rows. */
function scoresOf(where: string, prediction: ShapedArray): { count: number; classes: number } {
  const { count, classes } = classesOf(where, prediction)
  if (classes < 2)
    fail(
      `${where}: expected a prediction [rows, classes]; got ${show(prediction.shape)}. One number for each row is compared ` +
        'with a threshold: rows(prediction).map(([p]) => p > 0.5)',
    )
  return { count, classes }
}

/**
 * The number of the largest element of each row, along the last axis; the first of equal ones.
 * @throws LanegradError for anything but a tensor [..., classes], or on NaN in all places of a row
 * @example
 * ```js
 * import { argmax } from 'lanegrad/data'
 *
 * const prediction = { shape: [2, 3], data: Float32Array.of(0.1, 0.7, 0.2, 0.5, 0.3, 0.2) } // model.predict(x)
 * console.log(argmax(prediction).join(' ')) // 1 0
 * console.log(['cat', 'dog', 'owl'][argmax(prediction)[0]]) // dog
 * ```
 */
export function argmax(prediction: ShapedArray): Int32Array<ArrayBuffer> {
  return reading('argmax: prediction', () => {
    const { count, classes } = scoresOf('argmax', prediction)
    return Int32Array.from({ length: count }, (_, row) => {
      const best = largest(prediction.data, row * classes, classes)
      return best < 0 ? fail(`argmax: row ${row} of the prediction is NaN in every class`) : best
    })
  })
}

/** A class and how likely it is. */
export interface Scored {
  /** The number of the class. */
  readonly index: number
  readonly value: number
}

/**
 * The `k` largest elements of each row, along the last axis, the largest first; of equal ones the first first.
 * @throws LanegradError for anything but a tensor [..., classes] with `k` classes or more, or on NaN
 * @example
 * ```js
 * import { topK } from 'lanegrad/data'
 *
 * const prediction = { shape: [1, 3], data: Float32Array.of(0.25, 0.5, 0.25) }
 * console.log(topK(prediction, 2)) // [ [ { index: 1, value: 0.5 }, { index: 0, value: 0.25 } ] ]
 * ```
 */
export function topK(prediction: ShapedArray, k = 5): Scored[][] {
  must(POSITIVE_INTEGER, k, 'topK: k')
  return reading('topK: prediction', () => {
    const { count, classes } = scoresOf('topK', prediction)
    if (k > classes) fail(`topK: k must be at most the ${classes} classes; got ${k}`)
    return Array.from({ length: count }, (_, row) => {
      const values = prediction.data.subarray(row * classes, (row + 1) * classes)
      if (values.some(Number.isNaN)) fail(`topK: row ${row} of the prediction has NaN`)
      const order = [...values.keys()].sort((a, b) => values[b] - values[a] || a - b)
      return order.slice(0, k).map((index) => ({ index, value: values[index] }))
    })
  })
}

/**
 * The numbers of each row as a list, for `map` and `for`; axes behind the first one lie one behind the other.
 * @throws LanegradError for anything but a tensor with rows
 * @example
 * ```js
 * import { rows } from 'lanegrad/data'
 *
 * const prediction = { shape: [2, 2], data: Float32Array.of(1, 2, 3, 4) }
 * console.log(rows(prediction)) // [ [ 1, 2 ], [ 3, 4 ] ]
 * for (const [low, high] of rows(prediction)) console.log(high - low) // 1
 * ```
 */
export function rows(prediction: ShapedArray): number[][] {
  return reading('rows: prediction', () => {
    classesOf('rows', prediction)
    const { shape, data } = prediction
    const width = shape[0] === 0 ? 0 : data.length / shape[0]
    return Array.from({ length: shape[0] }, (_, row) => [...data.subarray(row * width, (row + 1) * width)])
  })
}
