// What callers pass as x, y and sample weights, to a batch: checked rows in the network's order. Nothing is copied
// unless its type must change, and nothing has run yet when these throw. In pieces, so that `fit` needn't hold the
// event loop while large data is read.
import { type Shape, shapeText } from '../graph/value.ts'
import type { IdLimit } from '../network/forward.ts'
import { check, fail, isObject, refusal } from '../numerics/errors.ts'
import { PIECE, type Pieces } from '../numerics/pieces.ts'
import { elementCount, isShaped, isTyped, makingTensor } from '../numerics/tensor.ts'
import {
  type ArrayLikeData,
  type Batches,
  commonRows,
  type Data,
  type Dataset,
  type Expected,
  type Rows,
  readingRows,
  splitData,
} from '../rows/rows.ts'
import type { Batch, Session, Training } from '../session/session.ts'
import { type Loss, takesLabels, targetLimits, targetShape } from '../training/losses.ts'

/** `fit: x`, or `fit: x image` where there are several. `what` is the method. */
const label = (what: string, names: readonly string[], i: number): string =>
  names.length > 1 ? `${what} ${names[i]}` : what

/** Ids must be rows of the table they are looked up in. */
function* checkingIds(what: string, { data, rows }: Rows, { layer, count }: IdLimit): Pieces<void> {
  for (let i = 0; i < data.length; i++) {
    if (data[i] < 0 || data[i] >= count) {
      const row = Math.floor((i * rows) / data.length)
      fail(`${what}: row ${row} holds id ${data[i]}, layer ${layer} takes ids from 0 to ${count - 1}`)
    }
    if (i % PIECE === PIECE - 1) yield
  }
}

/** Rows of every input. */
export function* readingInputs(
  session: Session,
  what: string,
  x: Data,
): Pieces<{ rows: number; x: readonly Rows[] }> {
  try {
    return yield* readingEach(session, what, x)
  } catch (error) {
    throw refusal(`${what}: x`, error)
  }
}

function* readingEach(
  { network, outline }: Session,
  what: string,
  x: Data,
): Pieces<{ rows: number; x: readonly Rows[] }> {
  const { inputs, inputStructure } = network
  const names = inputs.map(({ name }) => name)
  const parts = splitData(`${what}: x`, x, names, inputStructure)
  const rows: Rows[] = []
  for (let i = 0; i < inputs.length; i++) {
    const name = label(`${what}: x`, names, i)
    const part = yield* readingRows(name, parts[i], inputs[i])
    const limit = outline.limits.get(names[i])
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
      `${what}: expected one weight for each of ${rows} rows${more}; got shape ${shapeText([weights.rows, ...shape])}`,
    )
  }
  return weights
}

/** Class labels must be below the number of classes: all rows are looked at, before anything runs. */
function* checkingLabels(
  what: string,
  { data }: Rows,
  classes: number,
  ignored: number | null,
): Pieces<void> {
  for (let i = 0; i < data.length; i++) {
    if ((data[i] < 0 || data[i] >= classes) && data[i] !== ignored) {
      fail(`${what}: element ${i} is ${data[i]}, expected a class label from 0 to ${classes - 1}`)
    }
    if (i % PIECE === PIECE - 1) yield
  }
}

/** A target mustn't be outside of what the loss is defined for; NaN is looked for later. */
function* checkingTargets(what: string, { data, rows }: Rows, loss: Loss): Pieces<void> {
  const [low, high] = targetLimits(loss)
  if (low === -Infinity) return
  for (let i = 0; i < data.length; i++) {
    if (data[i] < low || data[i] > high) {
      const row = Math.floor((i * rows) / data.length)
      const limits = high === Infinity ? 'from 0 up' : `from ${Math.round(low)} to 1`
      fail(
        `${what}: row ${row} holds ${data[i]}, ${loss.kind} takes targets ${limits}${limitHints[loss.kind] ?? ''}`,
      )
    }
    if (i % PIECE === PIECE - 1) yield
  }
}

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
export function* readingBatch(
  session: Session,
  training: Training,
  what: string,
  data: Dataset,
): Pieces<Batch> {
  try {
    return yield* readingAll(session, training, what, data)
  } catch (error) {
    throw refusal(`${what}: its data`, error)
  }
}

function* readingAll(
  session: Session,
  { outputs }: Training,
  what: string,
  { x, y, weights }: Dataset,
): Pieces<Batch> {
  const inputs = yield* readingInputs(session, what, x)
  const { outputStructure } = session.network
  const names = outputs.map(({ output }) => output)
  const parts = splitData(`${what}: y`, y, names, outputStructure)
  const targets: Rows[] = []
  for (let i = 0; i < outputs.length; i++) {
    const { output, loss } = outputs[i]
    const whole = session.shapeOf(output)
    const name = label(`${what}: y`, names, i)
    const expected: Expected = {
      name,
      shape: targetShape(loss, whole),
      dtype: takesLabels(loss) ? 'int32' : 'float32',
      hint: targetHints[loss.kind],
    }
    const rows = yield* readingRows(name, parts[i], expected)
    if (takesLabels(loss)) yield* checkingLabels(name, rows, whole.at(-1) ?? 0, loss.ignoreIndex)
    else yield* checkingTargets(name, rows, loss)
    targets.push(rows)
  }
  const sampleWeights: (Rows | null)[] = []
  const given =
    weights === undefined ? null : splitData(`${what}: sampleWeight`, weights, names, outputStructure)
  for (let i = 0; i < outputs.length; i++) {
    const name = label(`${what}: sampleWeight`, names, i)
    const { shape } = targets[i]
    const positions = takesLabels(outputs[i].loss) ? shape : shape.slice(0, -1)
    sampleWeights.push(given ? yield* readingWeights(name, given[i], targets[i], positions) : null)
  }
  const rows = commonRows([
    { what: `${what}: x`, rows: inputs.rows },
    ...targets.map((part, i) => ({ what: label(`${what}: y`, names, i), rows: part.rows })),
  ])
  return { rows, x: inputs.x, y: targets, weights: sampleWeights }
}

/** { x, y, weights } of arrays, unless these are names of the model's inputs. */
function isDataset(session: Session, value: unknown): value is Dataset {
  const { inputs, inputStructure } = session.network
  if (!isObject(value) || !('x' in value)) return false
  if (inputStructure !== 'record') return true
  const names = new Set(inputs.map(({ name }) => name))
  if (!Object.keys(value).every((key) => names.has(key))) return true
  return !(Array.isArray(value.x) || ArrayBuffer.isView(value.x) || isShaped(value.x))
}

/** A function, or an iterable that isn't one array or a list of arrays. */
export function isBatches(session: Session, value: unknown): value is Batches {
  if (typeof value === 'function') return true
  if (Array.isArray(value)) return isDataset(session, value[0])
  return (
    isObject(value) &&
    !ArrayBuffer.isView(value) &&
    (Symbol.iterator in value || Symbol.asyncIterator in value)
  )
}

/** What `fit` and `evaluate` were called with: (x, y, options) or (data, options), weights in the data or in the options. */
export function sortArguments<O extends { readonly sampleWeight?: Data }>(
  session: Session,
  what: string,
  args: readonly unknown[],
): { data: Dataset | Batches; options: O } {
  const [first, second, third] = args
  const isWhole = isDataset(session, first)
  if (!isWhole && !isBatches(session, first)) {
    const options = (third === undefined ? {} : third) as O
    return { data: { x: first as Data, y: second as Data, weights: options?.sampleWeight }, options }
  }
  const options = (second === undefined ? {} : second) as O
  if (options?.sampleWeight !== undefined)
    fail(`${what}: with data in one object, sampleWeight is its \`weights\``)
  if (isWhole) checkDataset(`${what}: data`, first)
  return { data: first, options }
}

/** validationData: [x, y, sampleWeight?], or data as `fit` takes it; null: there is none. */
export function readHeldOut(session: Session, given: unknown): Dataset | Batches | null {
  const what = 'fit: validationData'
  if (given === null) return null
  if (isDataset(session, given)) checkDataset(what, given)
  else if (!isBatches(session, given)) {
    const isList = Array.isArray(given) && (given.length === 2 || given.length === 3)
    check(isList, what, '[x, y], { x, y } or batches', given)
    const [x, y, weights] = given
    return { x, y, weights }
  }
  return given
}

/** @throws LanegradError unless { x, y } or { x, y, weights } */
export function checkDataset(what: string, value: unknown): asserts value is Dataset {
  const keys = isObject(value) ? Object.keys(value) : []
  const isKnown = keys.every((key) => ['x', 'y', 'weights'].includes(key))
  const got = isObject(value) && !Array.isArray(value) ? keys : value
  check(isKnown && keys.includes('x') && keys.includes('y'), what, 'an object { x, y, weights? }', got)
}
