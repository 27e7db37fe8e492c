// What callers pass as x, y and sample weights, to a batch: checked rows in the network's order. Nothing is copied
// unless its type must change, and nothing has run yet when these throw.
import { shapeText } from '../graph/value.ts'
import { fail } from '../numerics/errors.ts'
import { takesLabels, targetShape } from '../training/losses.ts'
import {
  type ArrayLikeData,
  commonRows,
  type Data,
  type Expected,
  isNamed,
  type Rows,
  rowsOf,
  splitData,
} from './data.ts'
import type { Batch, Session, Training } from './session.ts'

/** `fit: x`, or `fit: x image` where there are several. `what` is the method. */
const label = (what: string, names: readonly string[], i: number): string =>
  names.length > 1 ? `${what} ${names[i]}` : what

/** Rows of every input. */
export function readInputs(
  { network }: Session,
  what: string,
  x: Data,
): { rows: number; x: readonly Rows[] } {
  const { inputs, inputStructure } = network
  const names = inputs.map(({ name }) => name)
  const parts = splitData(`${what}: x`, x, names, inputStructure)
  const rows = inputs.map((expected, i) => rowsOf(label(`${what}: x`, names, i), parts[i], expected))
  const named = rows.map((part, i) => ({ what: label(`${what}: x`, names, i), rows: part.rows }))
  return { rows: commonRows(named), x: rows }
}

/** One weight per row of y, or per position of a row. */
function readWeights(what: string, given: ArrayLikeData, y: Rows): Rows {
  const isFlat = ArrayBuffer.isView(given) || (Array.isArray(given) && typeof given[0] === 'number')
  const shape = isFlat ? [] : isNamed(given) ? given.shape.slice(1) : y.shape.slice(0, 1)
  const weights = rowsOf(what, given, { name: what, shape, dtype: 'float32' })
  if (weights.rows !== y.rows || !shape.every((n, i) => n === y.shape[i])) {
    const positions = y.shape.length > 0 ? ` (or positions of ${shapeText(y.shape)})` : ''
    fail(
      `${what}: expected one weight for each of ${y.rows} rows${positions}; got shape ${shapeText([weights.rows, ...shape])}`,
    )
  }
  return weights
}

/** Class labels must be below the number of classes: all rows are looked at, before anything runs. */
function checkLabels(what: string, { data }: Rows, classes: number, ignored: number | null): void {
  for (let i = 0; i < data.length; i++) {
    if ((data[i] < 0 || data[i] >= classes) && data[i] !== ignored) {
      fail(`${what}: element ${i} is ${data[i]}, expected a class label from 0 to ${classes - 1}`)
    }
  }
}

/** Rows of every input and target. @throws LanegradError naming what doesn't fit */
export function readBatch(
  session: Session,
  { outputs }: Training,
  what: string,
  x: Data,
  y: Data,
  sampleWeight?: Data,
): Batch {
  const inputs = readInputs(session, what, x)
  const { outputStructure } = session.network
  const names = outputs.map(({ output }) => output)
  const parts = splitData(`${what}: y`, y, names, outputStructure)
  const targets = outputs.map(({ output, loss }, i) => {
    const whole = session.shapeOf(output)
    const name = label(`${what}: y`, names, i)
    const expected: Expected = {
      name,
      shape: targetShape(loss, whole),
      dtype: takesLabels(loss) ? 'int32' : 'float32',
    }
    const rows = rowsOf(name, parts[i], expected)
    if (takesLabels(loss)) checkLabels(name, rows, whole.at(-1) ?? 0, loss.ignoreIndex)
    return rows
  })
  const weights =
    sampleWeight === undefined
      ? names.map(() => null)
      : splitData(`${what}: sampleWeight`, sampleWeight, names, outputStructure).map((part, i) =>
          readWeights(label(`${what}: sampleWeight`, names, i), part, targets[i]),
        )
  const rows = commonRows([
    { what: `${what}: x`, rows: inputs.rows },
    ...targets.map((part, i) => ({ what: label(`${what}: y`, names, i), rows: part.rows })),
  ])
  return { rows, x: inputs.x, y: targets, weights }
}
