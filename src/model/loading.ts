// Reads a model from the safetensors file that saving.ts writes. A file is untrusted: everything is checked before the model
// is touched.

import { object, parse } from '../formats/json.ts'
import { decodeSafetensors } from '../formats/safetensors.ts'
import type { LayerKind } from '../layers/layer.ts'
import { type Outline, type OutputTraining, outlineOf } from '../network/compute.ts'
import { readNetwork } from '../network/description.ts'
import type { Values } from '../network/network.ts'
import { PlannedSession, type Training } from '../network/planned.ts'
import type { ByteSource } from '../numerics/bytes.ts'
import { check, FINITE, fail, must, NATURAL, show } from '../numerics/errors.ts'
import type { NamedArray } from '../numerics/tensor.ts'
import type { RuntimeOptions } from '../runtime/engine.ts'
import { PROGRAM_MARK } from '../session/frozen.ts'
import { isState } from '../session/layout.ts'
import type { Metric } from '../session/metric.ts'
import { floatsOf, loadState, SLOT_PREFIX, type Tensors } from '../session/state.ts'
import type { GraphLoss } from '../training/graph-loss.ts'
import type { Loss, LossLike } from '../training/loss.ts'
import { remadeMetric } from '../training/metrics/makers.ts'
import type { MeanMetric, MetricLike } from '../training/metrics.ts'
import { readOptimizer } from '../training/optimizers.ts'
import { readOutputTraining } from './compile.ts'
import { watcherOf } from './diagnose.ts'
import { checkModel, type Model } from './model.ts'
import { remadeOptimizer, remadeValues } from './remake.ts'
import { FORMAT } from './saving.ts'

/** The user's own losses and metrics, of which files hold the names alone. */
interface Own {
  readonly losses: readonly (Loss | GraphLoss)[]
  readonly metrics: readonly (MeanMetric | Metric)[]
}

type Weight = NamedArray & { readonly data: Float32Array }

/** The weights of a file, which must have the names and shapes of `weights`; states may be lacking. @throws LanegradError */
function checkWeights(weights: Outline['weights'], tensors: Tensors): [name: string, tensor: Weight][] {
  const known = new Set(weights.map(({ name }) => name))
  for (const name of tensors.keys()) {
    const isOther = name.startsWith(SLOT_PREFIX) || name.startsWith(PROGRAM_MARK) || isState({ name })
    if (!isOther && !known.has(name)) fail(`the model has no weight ${show(name)}; the file has one`)
  }
  return weights
    .filter((spec) => !isState(spec) || tensors.has(spec.name))
    .map(({ name, shape }) => [name, { shape, data: floatsOf(tensors, name, shape) }])
}

/**
 * Replaces the weights of a model by those of a saved model. Nothing changes unless all names and shapes fit. The bytes are
 * untrusted.
 * @throws LanegradError if the file is damaged, or its weights have other names or shapes
 * @example
 * ```js
 * import { dense, loadWeights, sequential } from 'lanegrad'
 *
 * const [first, second] = [1, 2].map((seed) => sequential({ inputShape: [2], layers: [dense({ units: 1 })], seed }))
 * loadWeights(second, first.save())
 * console.log(second.predict([[1, 2]]).data[0] === first.predict([[1, 2]]).data[0]) // true
 * ```
 */
export function loadWeights<V extends Values>(model: Model<V>, bytes: ByteSource): void {
  const { session } = checkModel('loadWeights: model', model)
  model.setWeights(
    Object.fromEntries(checkWeights(session.outline.weights, decodeSafetensors(bytes).tensors)),
  )
}

/** Metrics as `savedMetric` gives them; the user's own are found by name. */
function readMetrics(list: unknown, { losses, metrics }: Own): readonly MetricLike[] {
  if (!Array.isArray(list)) return list as readonly MetricLike[]
  return list.map((metric) => {
    if (typeof metric === 'string') return metric as MetricLike
    const given = object('a saved metric', metric)
    if ('kind' in given) return savedLoss(given, losses)
    if ('maker' in given) return remadeMetric(given)
    const { own } = given
    check(typeof own === 'string', 'a saved metric', 'a name, a loss, or options of a metric', metric)
    return metrics.find(({ name }) => name === own) ?? lacksOwn('metrics', own)
  })
}

const lacksOwn = (option: 'losses' | 'metrics', name: unknown): never =>
  fail(
    `the file was compiled with your own ${show(name)}: load(bytes, { ${option}: [...] }) or { compile: false }`,
  )

/** A loss as a file holds it; one of the user's own, of which a file holds the name, is found in `custom`. */
function savedLoss(value: unknown, custom: Own['losses']): LossLike {
  const loss = object('loss', value)
  const own = custom.find((one): one is Loss => one.kind === loss.kind && 'reduction' in one)
  if (!own && loss.custom === true) lacksOwn('losses', loss.kind)
  return own ?? (loss as unknown as LossLike)
}

function readSavedTraining(session: PlannedSession, text: string, own: Own): Training {
  const data = object('training', parse('training', text))
  check(Array.isArray(data.outputs), 'training: outputs', 'a list', data.outputs)
  const entries = data.outputs.map((entry) => object('training of an output', entry))
  const known = [...session.outline.outputs]
  const given = entries.map(({ output }) => output)
  const trained = known.filter(([name]) => given.includes(name))
  const isEach =
    (given.length > 0 || Array.isArray(data.added)) &&
    given.length === trained.length &&
    trained.every(([name], i) => name === given[i])
  check(isEach, 'training: outputs', `one each for ${known.map(([name]) => name).join(', ')}`, given)
  const outputs = trained.map(([output, shape], i): OutputTraining => {
    const { loss, weight, metrics, weightedMetrics } = entries[i]
    return readOutputTraining(output, shape, {
      loss: savedLoss(loss, own.losses),
      weight: weight as number,
      metrics: readMetrics(metrics, own),
      weightedMetrics: readMetrics(weightedMetrics ?? [], own),
    })
  })
  const optimizer = readOptimizer(remadeOptimizer(object('optimizer', data.optimizer)))
  if (data.added === undefined) return { optimizer, outputs }
  check(Array.isArray(data.added), 'training: added', 'a list', data.added)
  const added = data.added.map((entry): GraphLoss => {
    const { kind, weight } = object('an added loss', entry)
    const found = own.losses.find((loss) => loss.kind === kind && !('reduction' in loss))
    return {
      ...((found ?? lacksOwn('losses', kind)) as GraphLoss),
      weight: must(FINITE, weight, 'an added loss: weight'),
    }
  })
  return { optimizer, outputs, added }
}

interface SavedOptions extends Own {
  readonly compile: boolean
  readonly runtime: RuntimeOptions
}

/** A new session from a file. @throws LanegradError if the file is damaged or doesn't hold a model of ours */
export function loadSession(
  bytes: ByteSource,
  kinds: ReadonlyMap<string, LayerKind<object>>,
  { compile, runtime, ...own }: SavedOptions,
): PlannedSession {
  const { tensors, metadata } = decodeSafetensors(bytes)
  const { format, seed: digits = '' } = metadata
  check(format === FORMAT, 'not a saved model: format', show(FORMAT), format)
  const seed = Number(digits)
  check(/^\d+$/.test(digits) && NATURAL.holds(seed), 'seed', 'an integer >= 0', digits)
  const network = readNetwork(remadeValues(parse('network', metadata.network ?? '')), kinds)
  const outline = outlineOf(network)
  const weights = checkWeights(outline.parameters, tensors) // before memory is taken for sizes that the file only claims
  const session = new PlannedSession(network, outline, seed, runtime)
  session.watcher = watcherOf(session)
  for (const [name, { data }] of weights) session.writeWeight(name, data)
  if (metadata.training !== undefined && compile)
    session.train(readSavedTraining(session, metadata.training, own))
  if (metadata.optimizerState !== undefined && session.training)
    loadState(session, metadata.optimizerState, tensors)
  return session
}
