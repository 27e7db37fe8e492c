// A user's own loss, written with the operations of a GraphBuilder, which have gradients.
import { type GraphBuilder, graphBuilder } from '../graph/builder.ts'
import * as ops from '../graph/operations.ts'
import { isValue, type Value } from '../graph/value.ts'
import type { GraphWriter } from '../graph/writer.ts'
import {
  check,
  fail,
  guarded,
  isFunction,
  must,
  POSITIVE_INTEGER,
  type Rule,
  reading,
  readOptions,
  show,
} from '../numerics/errors.ts'
import { type RowShape, shapeText } from '../numerics/shape.ts'
import { elementCount } from '../numerics/tensor.ts'
import { isLossName, type Loss, type LossName } from './loss.ts'

/** Writes a loss: values [batch, ...], one for each element or row of the prediction, or one number, the loss itself. */
export type LossFunction = (g: GraphBuilder, truth: Value, prediction: Value) => Value

/** Options of `customLoss`. */
export interface CustomLossOptions {
  /** The shape of a row of the truth, or a function from that of a row of the prediction. Default: the prediction's. */
  readonly truthShape?: RowShape | ((prediction: RowShape) => RowShape)
}

const ROW_SHAPE: Rule<RowShape> = {
  expected: 'a list of positive integers',
  holds: (value): value is RowShape =>
    Array.isArray(value) && value.every((size) => size === null || POSITIVE_INTEGER.holds(size)),
}

const TRUTH_SHAPE: Rule<CustomLossOptions['truthShape']> = {
  expected: 'a list of positive integers, or a function',
  holds: (value): value is CustomLossOptions['truthShape'] =>
    value === undefined || isFunction(value) || ROW_SHAPE.holds(value),
}

/**
 * A loss of your own. `write` returns values [batch, ...] with any number of the prediction's axes, and the loss is their mean,
 * weighted by sample weights if there are any; or it returns a single number, which is the loss. Truth has the shape of the
 * prediction, or `truthShape`: the shape of its rows (without the batch axis), or a function from that of the prediction's
 * rows. Built-in metrics, which compare the two element by element, are refused then. Gradients come from the operations. A
 * saved model holds only the name: `load(bytes, { losses: [loss] })`.
 * @throws LanegradError on a bad or taken name, or a `write` that isn't a function; in the first run, if it returns another
 * shape
 *
 *     const absolute = customLoss('absolute', (g, truth, prediction) => g.unary('abs', g.minus(truth, prediction)))
 * @example
 * ```js
 * import { customLoss, dense, sequential } from 'lanegrad'
 *
 * const absolute = customLoss('absolute', (g, truth, prediction) => g.unary('abs', g.minus(truth, prediction)))
 * const model = sequential({ inputShape: [1], layers: [dense({ units: 1, kernelInitializer: 'ones' })] })
 * model.compile({ loss: absolute })
 * console.log((await model.evaluate([[1], [2]], [2, 5])).loss) // 2
 * ```
 */
export function customLoss(name: string, write: LossFunction, options: CustomLossOptions = {}): Loss {
  check(
    typeof name === 'string' && /^\w+$/.test(name),
    'customLoss: name',
    'a name of letters and digits',
    name,
  )
  if (isLossName(name)) fail(`customLoss: the name ${name} is taken`)
  check(isFunction(write), 'customLoss: write', 'a function', write)
  const { truthShape } = readOptions('customLoss', options, { truthShape: [TRUTH_SHAPE, undefined] })
  const kind = name as LossName // shows in logs and messages; no row of the table
  const loss: Loss = {
    kind,
    custom: true,
    reduction: 'mean',
    fromLogits: false,
    param: 0,
    ignoreIndex: null,
    ...(truthShape && {
      truthShape: (shape: RowShape) => {
        const own = isFunction(truthShape) ? reading(`loss ${name}`, () => truthShape(shape)) : truthShape
        return must(ROW_SHAPE, own, `loss ${name}: truthShape`)
      },
    }),
    write: (own, g, truth, prediction, sampleWeights) =>
      writeCustom(g, own, write(guarded('g', graphBuilder(g)), truth, prediction), prediction, sampleWeights),
  }
  return Object.freeze(loss)
}

function writeCustom(
  g: GraphWriter,
  { kind, reduction }: Loss,
  given: Value,
  { shape }: Value,
  sampleWeights: Value | null,
): Value {
  const got = reading(`loss ${kind}`, () => (isValue(given) ? given.shape : null))
  if (!got?.every((n, axis) => n === shape[axis]))
    fail(
      `loss ${kind} must give one number or values of the first axes of ${shapeText(shape)}; got ${got ? shapeText(got) : show(given)}`,
    )
  const rank = given.shape.length
  let value = given
  if (sampleWeights) {
    const missing = rank - sampleWeights.shape.length
    if (missing < 0)
      fail(
        `loss ${kind} must give a value for each weight (or mask) ${shapeText(sampleWeights.shape)}; got ${shapeText(given.shape)}`,
      )
    value = ops.times(
      g,
      value,
      ops.reshape(g, sampleWeights, [...sampleWeights.shape, ...new Array(missing).fill(1)]),
    )
  }
  const terms = reduction === 'sum' ? shape[0] : 1 // termCount
  const scale = terms / elementCount(given.shape)
  return rank > 0 ? ops.reduce(g, 'sum', value, undefined, { scale }) : ops.scale(g, value, scale)
}
