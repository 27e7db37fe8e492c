// What a model is compiled with: an optimizer, and for each output a loss, its weight and metrics. Enters: the
// options of `compile`, or the entries of a saved file. Leaves: checked plain data.
import { type RowShape, rowShapeText } from '../graph/value.ts'
import { check, checkOptions, fail, show } from '../numerics/errors.ts'
import { type LossLike, readLoss, takesLabels } from '../training/losses.ts'
import { type MetricName, readMetric } from '../training/metrics.ts'
import { type Optimizer, type OptimizerName, readOptimizer } from '../training/optimizers.ts'
import type { OutputTraining } from './compute.ts'
import type { Session, Training } from './session.ts'

export interface CompileOptions {
  /** Default 'adam'. */
  readonly optimizer?: OptimizerName | Optimizer
  /** One for all outputs, a list in their order, or by output name. */
  readonly loss: LossLike | readonly LossLike[] | Readonly<Record<string, LossLike>>
  /** Factor of each output's loss in the total. Default 1. */
  readonly lossWeights?: readonly number[] | Readonly<Record<string, number>>
  /** For every output, or by output name. */
  readonly metrics?: readonly MetricName[] | Readonly<Record<string, readonly MetricName[]>>
}

/** Checked, for an output of `shape`: from `compile` or from a file. @throws LanegradError naming the output */
export function readOutputTraining(
  output: string,
  shape: RowShape,
  given: { readonly loss: LossLike; readonly weight: number; readonly metrics: readonly MetricName[] },
): OutputTraining {
  const { weight } = given
  const loss = readLoss(given.loss)
  const isRow = takesLabels(loss) || loss.kind === 'categoricalCrossentropy'
  if (isRow && (shape.at(-1) ?? 1) < 2) {
    fail(
      `${loss.kind} needs two classes or more; output ${output} has shape ${rowShapeText(shape)} (a single unit takes binaryCrossentropy)`,
    )
  }
  check(Number.isFinite(weight), `weight of the loss of ${output}`, 'a finite number', weight)
  check(Array.isArray(given.metrics), `metrics of ${output}`, 'a list of names', given.metrics)
  const metrics = given.metrics.map(readMetric)
  const unfit = takesLabels(loss) && metrics.find((name) => name !== 'accuracy')
  if (unfit)
    fail(`metric ${unfit} of ${output} needs a target for every element; ${loss.kind} takes class labels`)
  return { output, loss, weight, metrics }
}

/** A list in the outputs' order, or a record by their names. */
function perOutput<T>(
  what: string,
  given: readonly T[] | Readonly<Record<string, T>>,
  names: readonly string[],
  fallback?: T,
): T[] {
  if (Array.isArray(given)) {
    check(
      given.length === names.length,
      `compile: ${what}`,
      `a list of ${names.length} (one for each of ${names.join(', ')})`,
      given,
    )
    return [...given]
  }
  check(
    typeof given === 'object' && given !== null,
    `compile: ${what}`,
    `given for ${names.join(', ')}`,
    given,
  )
  const record = given as Readonly<Record<string, T>>
  for (const name of Object.keys(record))
    if (!names.includes(name))
      fail(`compile: ${what}: ${show(name)} is no output; outputs are ${names.join(', ')}`)
  return names.map(
    (name) => record[name] ?? fallback ?? fail(`compile: ${what} of output ${name} is missing`),
  )
}

/** A Loss has a kind and a reduction; a record by output name hasn't, whatever its outputs are named. */
const isLoss = (loss: CompileOptions['loss']): loss is LossLike =>
  typeof loss === 'string' ||
  (typeof loss === 'object' && loss !== null && 'kind' in loss && 'reduction' in loss)

/** @throws LanegradError on an unknown name (with the nearest known one) or a loss that doesn't fit its output */
export function readTraining(session: Session, options: CompileOptions): Training {
  checkOptions('compile', options, ['optimizer', 'loss', 'lossWeights', 'metrics'])
  const { optimizer = 'adam', loss, lossWeights, metrics = [] } = options
  const names = session.network.outputs.map(({ name }) => name)
  const losses = isLoss(loss) ? names.map(() => loss) : perOutput('loss', loss, names)
  const weights =
    lossWeights === undefined ? names.map(() => 1) : perOutput('lossWeights', lossWeights, names)
  const isForAll = (given: typeof metrics): given is readonly MetricName[] => Array.isArray(given)
  const wanted = isForAll(metrics) ? names.map(() => metrics) : perOutput('metrics', metrics, names, [])
  const outputs = names.map((output, i) =>
    readOutputTraining(output, session.shapeOf(output), {
      loss: losses[i],
      weight: weights[i],
      metrics: wanted[i],
    }),
  )
  return { optimizer: readOptimizer(optimizer), outputs }
}
