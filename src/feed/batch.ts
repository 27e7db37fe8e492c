// Turns x, y and sample weights into a batch: checked rows in the network's order. Nothing is copied
// unless its type must change, and nothing has run yet when these throw. In pieces, so that `fit` needn't hold the
// event loop while large data is read.

import { fail, refusal } from '../numerics/errors.ts'
import { PIECE, type Pieces } from '../numerics/pieces.ts'
import { type Shape, shapeText } from '../numerics/shape.ts'
import { elementCount, isShaped, isTyped, makingTensor } from '../numerics/tensor.ts'
import {
  type ArrayLikeData,
  type Batch,
  commonRows,
  type Data,
  type Dataset,
  type Rows,
  readingRows,
  splitData,
} from '../rows/rows.ts'
import type { Feeds, IdLimit, TargetFeed } from '../session/feeds.ts'

/** `fit: x`, or `fit: x image` where there are several. `what` is the method. */
const label = (what: string, names: readonly string[], i: number): string =>
  names.length > 1 ? `${what} ${names[i]}` : what

/** All numbers must lie within low ... high, or be `exempt`; `refuse` tells of the first that doesn't. NaN passes. */
function* checkingLimits(
  { data, rows }: Rows,
  [low, high, exempt]: readonly [low: number, high: number, exempt?: number | null],
  refuse: (value: number, row: number, at: number) => never,
): Pieces<void> {
  for (let i = 0; i < data.length; i++) {
    const value = data[i]
    if ((value < low || value > high) && value !== exempt)
      refuse(value, Math.floor((i * rows) / data.length), i)
    if (i % PIECE === PIECE - 1) yield
  }
}

/** Ids must be rows of the table they are looked up in. */
const checkingIds = (what: string, rows: Rows, { layer, count }: IdLimit): Pieces<void> =>
  checkingLimits(rows, [0, count - 1], (id, row) =>
    fail(`${what}: row ${row} holds id ${id}; layer ${layer} takes ids from 0 to ${count - 1}`),
  )

/** Rows of every input. */
export function* readingInputs(
  feeds: Feeds,
  what: string,
  x: Data,
): Pieces<{ rows: number; x: readonly Rows[] }> {
  try {
    return yield* readingEach(feeds, what, x)
  } catch (error) {
    throw refusal(`${what}: x`, error)
  }
}

function* readingEach(
  { inputs, inputStructure }: Feeds,
  what: string,
  x: Data,
): Pieces<{ rows: number; x: readonly Rows[] }> {
  const names = inputs.map(({ name }) => name)
  const parts = splitData(`${what}: x`, x, names, inputStructure)
  const rows: Rows[] = []
  for (let i = 0; i < inputs.length; i++) {
    const name = label(`${what}: x`, names, i)
    const part = yield* readingRows(name, parts[i], inputs[i])
    const { limit } = inputs[i]
    if (limit) yield* checkingIds(name, part, limit)
    rows.push(part)
  }
  const named = rows.map((part, i) => ({ what: label(`${what}: x`, names, i), rows: part.rows }))
  return { rows: commonRows(named), x: rows }
}

/** One weight per row of y, or per position of a row along the first axes of `positions`, the shape that counts them. */
function* readingWeights(what: string, given: ArrayLikeData, { rows }: Rows, positions: Shape): Pieces<Rows> {
  const whole = Array.isArray(given) ? yield* makingTensor(given, undefined, what) : given
  // a flat array has one for each row, or for each position along the first axes
  const perRow = isTyped(whole) ? whole.length / rows : 1
  const isLast = (_: number, axis: number) => elementCount(positions.slice(0, axis + 1)) === perRow
  const shape = isShaped(whole) ? whole.shape.slice(1) : positions.slice(0, positions.findIndex(isLast) + 1)
  const weights = yield* readingRows(what, whole, { name: what, shape, dtype: 'float32' })
  if (weights.rows !== rows || !shape.every((n, i) => n === (positions[i] ?? 1))) {
    const more = positions.length > 0 ? ` (or positions of ${shapeText(positions)})` : ''
    fail(
      `${what}: expected one weight for each of ${rows} rows${more}; got ${shapeText([weights.rows, ...shape])}`,
    )
  }
  return weights
}

/** Class labels must be below the number of classes: all rows are looked at, before anything runs. */
const checkingLabels = (what: string, rows: Rows, { columns, ignoreIndex }: TargetFeed): Pieces<void> =>
  checkingLimits(rows, [0, columns - 1, ignoreIndex], (label, _row, at) =>
    fail(`${what}: element ${at} is ${label}; expected a class label from 0 to ${columns - 1}`),
  )

/** A target mustn't be outside of what the loss is defined for; NaN is looked for later. */
const checkingTargets = (what: string, rows: Rows, { low, high, loss }: TargetFeed): Pieces<void> =>
  checkingLimits(rows, [low, high], (value, row) => {
    const limits = high === Infinity ? 'from 0 up' : `from ${Math.round(low)} to 1`
    fail(`${what}: row ${row} holds ${value}; ${loss} takes targets ${limits}${limitHints[loss] ?? ''}`)
  })

/** Where other targets belong. */
const limitHints: Readonly<Record<string, string>> = {
  binaryCrossentropy: ' (-1 and 1 take hinge, class ids sparseCategoricalCrossentropy)',
  hinge: ' (two classes are -1 and 1)',
}

/** What is most often mixed up. */
const targetHints: Readonly<Record<string, string>> = {
  sparseCategoricalCrossentropy: ' (class ids; one-hot rows take categoricalCrossentropy)',
  categoricalCrossentropy: ' (one-hot rows; class ids take sparseCategoricalCrossentropy)',
}

/** Rows of every input and target. @throws LanegradError naming what doesn't fit */
export function* readingBatch(feeds: Feeds, what: string, data: Dataset): Pieces<Batch> {
  try {
    return yield* readingAll(feeds, what, data)
  } catch (error) {
    throw refusal(`${what}: its data`, error)
  }
}

/** Rows of every target. */
export function* readingTargets({ targets, outputStructure }: Feeds, what: string, y: Data): Pieces<Rows[]> {
  const names = targets.map(({ name }) => name)
  const parts = splitData(`${what}: y`, y, names, outputStructure)
  const read: Rows[] = []
  for (let i = 0; i < targets.length; i++) {
    const target = targets[i]
    const { shape, dtype, loss } = target
    const name = label(`${what}: y`, names, i)
    const rows = yield* readingRows(name, parts[i], { name, shape, dtype, hint: targetHints[loss] })
    if (dtype === 'int32') yield* checkingLabels(name, rows, target)
    else if (target.low > -Infinity) yield* checkingTargets(name, rows, target)
    read.push(rows)
  }
  return read
}

function* readingAll(feeds: Feeds, what: string, { x, y, weights }: Dataset): Pieces<Batch> {
  const inputs = yield* readingInputs(feeds, what, x)
  const { targets, outputStructure } = feeds
  const names = targets.map(({ name }) => name)
  const read = yield* readingTargets(feeds, what, y)
  const sampleWeights: (Rows | null)[] = []
  const given =
    weights === undefined ? null : splitData(`${what}: sampleWeight`, weights, names, outputStructure)
  for (let i = 0; i < targets.length; i++) {
    const name = label(`${what}: sampleWeight`, names, i)
    const { shape } = read[i]
    const positions = targets[i].dtype === 'int32' ? shape : shape.slice(0, -1)
    sampleWeights.push(given ? yield* readingWeights(name, given[i], read[i], positions) : null)
  }
  const rows = commonRows([
    { what: `${what}: x`, rows: inputs.rows },
    ...read.map((part, i) => ({ what: label(`${what}: y`, names, i), rows: part.rows })),
  ])
  return { rows, x: inputs.x, y: read, weights: sampleWeights }
}
