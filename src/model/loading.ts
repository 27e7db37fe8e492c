// A model from one safetensors file, as saving.ts writes it. What is read is untrusted: everything is checked before the model
// is touched.

import { object, parse } from '../formats/json.ts'
import { decodeSafetensors } from '../formats/safetensors.ts'
import type { LayerKind } from '../layers/layer.ts'
import { type Outline, type OutputTraining, outlineOf } from '../network/compute.ts'
import { readNetwork, type Values } from '../network/network.ts'
import { PlannedSession, type Training } from '../network/planned.ts'
import { isFloat32 } from '../numerics/brands.ts'
import type { ByteSource } from '../numerics/bytes.ts'
import { check, fail, show } from '../numerics/errors.ts'
import { sameShape, shapeText } from '../numerics/shape.ts'
import type { NamedArray } from '../numerics/tensor.ts'
import type { RuntimeOptions } from '../runtime/engine.ts'
import { PROGRAM_MARK } from '../session/frozen.ts'
import type { Metric } from '../session/metric.ts'
import { loadState, SLOT_PREFIX, type Tensors } from '../session/state.ts'
import type { Loss, LossLike } from '../training/losses.ts'
import { remade } from '../training/metrics/makers.ts'
import type { MeanMetric, MetricLike } from '../training/metrics.ts'
import { type Optimizer, readOptimizer } from '../training/optimizers.ts'
import { readOutputTraining } from './compile.ts'
import { watcherOf } from './diagnose.ts'
import { checkModel, type Model } from './model.ts'
import { FORMAT } from './saving.ts'

/** What files hold by name only. */
interface Own {
  readonly losses: readonly Loss[]
  readonly metrics: readonly (MeanMetric | Metric)[]
}

type Weight = NamedArray & { readonly data: Float32Array }

/** The weights of a file, checked against a model's: same names, same shapes. */
function checkWeights({ weights }: Outline, tensors: Tensors): [name: string, tensor: Weight][] {
  const known = new Set(weights.map(({ name }) => name))
  for (const name of tensors.keys()) {
    if (!name.startsWith(SLOT_PREFIX) && !name.includes(PROGRAM_MARK) && !known.has(name))
      fail(`the file holds a weight ${show(name)}, which the model has not`)
  }
  return weights.map(({ name, shape }) => {
    const tensor = tensors.get(name) ?? fail(`the file lacks the weight ${name} of shape ${shapeText(shape)}`)
    if (!sameShape(tensor.shape, shape) || !isFloat32(tensor.data)) {
      fail(
        `weight ${name}: the model has float32 ${shapeText(shape)}, the file ${isFloat32(tensor.data) ? 'float32' : 'int32'} ${shapeText(tensor.shape)}`,
      )
    }
    return [name, { shape, data: tensor.data }]
  })
}

/**
 * Replaces the weights of a model by those of a saved one of the same shapes. Nothing changes unless all fit. The bytes are
 * untrusted.
 * @throws LanegradError where the file is damaged, or its weights have other names or shapes
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
  model.setWeights(Object.fromEntries(checkWeights(session.outline, decodeSafetensors(bytes).tensors)))
}

/** Metrics as `savedMetric` gives them; those of the user's own are found by name. */
function readMetrics(list: unknown, { losses, metrics }: Own): readonly MetricLike[] {
  if (!Array.isArray(list)) return list as readonly MetricLike[]
  return list.map((metric) => {
    if (typeof metric === 'string') return metric as MetricLike
    const given = object('a saved metric', metric)
    if ('kind' in given) return savedLoss(given, losses)
    if ('maker' in given) return remade(given)
    const { own } = given
    check(typeof own === 'string', 'a saved metric', 'a name, a loss, or options of a metric', metric)
    return (
      metrics.find(({ name }) => name === own) ??
      fail(
        `the model was compiled with a metric of its own, ${show(own)}: load(bytes, { metrics: [...] }) with it, or { compile: false }`,
      )
    )
  })
}

/** A loss of the user's own is saved by its name only. */
function savedLoss(value: unknown, custom: readonly Loss[]): LossLike {
  const loss = object('loss', value)
  const own = custom.find(({ kind }) => kind === loss.kind)
  if (!own && loss.custom === true)
    fail(
      `the model was compiled with a loss of its own, ${show(loss.kind)}: load(bytes, { losses: [...] }) with it, or { compile: false }`,
    )
  return own ?? (loss as unknown as LossLike)
}

function readSavedTraining(session: PlannedSession, text: string, own: Own): Training {
  const data = object('training', parse('training', text))
  check(Array.isArray(data.outputs), 'training: outputs', 'a list', data.outputs)
  const { outputs: known } = session.outline
  const outputs = data.outputs.map((entry): OutputTraining => {
    const { output, loss, weight, metrics, weightedMetrics } = object('training of an output', entry)
    const shape =
      known.get(output as string) ?? fail(`training names output ${show(output)}, which the model has not`)
    return readOutputTraining(output as string, shape, {
      loss: savedLoss(loss, own.losses),
      weight: weight as number,
      metrics: readMetrics(metrics, own),
      weightedMetrics: readMetrics(weightedMetrics ?? [], own),
    })
  })
  const names = [...known.keys()]
  const given = outputs.map(({ output }) => output)
  const isEach = given.length === names.length && given.every((name, i) => name === names[i])
  check(isEach, 'training: outputs', `one each for ${names.join(', ')}`, given)
  return { optimizer: readOptimizer(object('optimizer', data.optimizer) as unknown as Optimizer), outputs }
}

interface SavedOptions extends Own {
  readonly compile: boolean
  readonly runtime: RuntimeOptions
}

/** A new session from a file. @throws LanegradError where the file is damaged or no model of ours. */
export function loadSession(
  bytes: ByteSource,
  kinds: ReadonlyMap<string, LayerKind<object>>,
  { compile, runtime, ...own }: SavedOptions,
): PlannedSession {
  const { tensors, metadata } = decodeSafetensors(bytes)
  if (metadata.format !== FORMAT)
    fail(`not a saved model: the metadata's format is ${show(metadata.format)}, expected "${FORMAT}"`)
  const seed = Number(metadata.seed)
  check(
    /^\d+$/.test(metadata.seed ?? '') && Number.isSafeInteger(seed),
    'seed',
    'a non-negative integer',
    metadata.seed,
  )
  const network = readNetwork(parse('network', metadata.network ?? ''), kinds)
  const outline = outlineOf(network)
  const weights = checkWeights(outline, tensors) // before any memory is taken for sizes the file only claims
  const session = new PlannedSession(network, outline, seed, runtime)
  session.watcher = watcherOf(session)
  for (const [name, { data }] of weights) session.writeWeight(name, data)
  if (metadata.training !== undefined && compile)
    session.train(readSavedTraining(session, metadata.training, own))
  if (metadata.optimizerState !== undefined && session.training)
    loadState(session, metadata.optimizerState, tensors)
  return session
}
