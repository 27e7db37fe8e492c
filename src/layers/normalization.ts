// Normalization layers: by the statistics of the batch, of each row, of groups of channels. Channels are the last axis.
// Formulas and names are Keras's. Batch normalization alone keeps something from step to step: moving statistics.
import { shapeText, type Value } from '../graph/value.ts'
import { check, fail, NON_NEGATIVE, POSITIVE } from '../numerics/errors.ts'
import { elementCount } from '../numerics/tensor.ts'
import { channelNormalize, layerNormalize } from '../operations/normalize.ts'
import { type Initializer, type InitializerName, toInitializer } from './initializers.ts'
import {
  checkLayerOptions,
  type Layer,
  type LayerContext,
  type LayerKind,
  type LayerOptions,
  makeLayer,
} from './layer.ts'
import {
  type ConfigOfWeights,
  type OptionsOfWeights,
  one,
  readFlag,
  readWeights,
  weightKeys,
  weightOptions,
} from './options.ts'

interface AxisOptions extends LayerOptions {
  /** -1, the last axis: there is no other choice. */
  readonly axis?: -1
}

/** Initializers: by default ones for gamma, zeros for beta. */
interface AffineOptions extends AxisOptions, OptionsOfWeights<'gamma' | 'beta'> {
  /** Added to the variance; > 0. Default 1e-3. */
  readonly epsilon?: number
  /** Adds `beta`. Default true. */
  readonly center?: boolean
  /** Multiplies by `gamma`. Default true. */
  readonly scale?: boolean
}

interface AffineConfig extends ConfigOfWeights<'gamma' | 'beta'> {
  readonly epsilon: number
  readonly center: boolean
  readonly scale: boolean
}

function checkAxis(kind: string, options: object): void {
  const { axis = -1 } = options as AxisOptions
  check(axis === -1, `${kind}: axis`, '-1, the last axis', axis)
}

function readEpsilon(kind: string, options: object, byDefault: number): number {
  const { epsilon = byDefault } = options as AffineOptions
  check(POSITIVE.holds(epsilon), `${kind}: epsilon`, POSITIVE.expected, epsilon)
  return epsilon
}

function readAffine(kind: string, options: object, own: readonly string[] = []): AffineConfig {
  checkLayerOptions(kind, options, [
    ...['axis', 'epsilon', 'center', 'scale'],
    ...weightKeys('gamma', 'beta'),
    ...own,
  ])
  checkAxis(kind, options)
  const given = options as AffineOptions
  return {
    epsilon: readEpsilon(kind, options, 1e-3),
    center: readFlag(`${kind}: center`, given.center ?? true),
    scale: readFlag(`${kind}: scale`, given.scale ?? true),
    ...readWeights(kind, options, { gamma: 'ones', beta: 'zeros' }),
  }
}

/** The one input [batch, ..., channels]. */
function withChannels(inputs: readonly Value[]): Value {
  const x = one(inputs)
  if (x.shape.length < 2)
    fail(`expected an input of rank 2 or more (batch first), got shape ${shapeText(x.shape)}`)
  return x
}

const channelsOf = ({ shape }: Value): number => shape[shape.length - 1]

/** gamma and beta, those that the layer has. */
function affineWeights({ weight }: LayerContext, x: Value, config: AffineConfig): Value[] {
  const names = (['gamma', 'beta'] as const).filter((name) => config[name === 'gamma' ? 'scale' : 'center'])
  return names.map((name) => weight(name, [channelsOf(x)], weightOptions(config, name)))
}

// ---- batch ----------------------------------------------------------------------------------------

export interface BatchNormalizationOptions extends AffineOptions {
  /** How much of the moving statistics each step keeps, 0 to 1. Default 0.99. */
  readonly momentum?: number
  /** The moving variance takes the batch's unbiased variance (divided by n - 1, as in PyTorch). Default false. */
  readonly unbiasedRunningVar?: boolean
  /** Default 'zeros'. */
  readonly movingMeanInitializer?: Initializer | InitializerName
  /** Default 'ones'. */
  readonly movingVarianceInitializer?: Initializer | InitializerName
}

interface BatchNormalizationConfig extends AffineConfig {
  readonly momentum: number
  readonly unbiasedRunningVar: boolean
  readonly movingMeanInitializer: Initializer
  readonly movingVarianceInitializer: Initializer
}

export const batchNormalizationKind: LayerKind<BatchNormalizationConfig> = {
  kind: 'batchNormalization',
  read(options) {
    const kind = 'batchNormalization'
    const own = ['momentum', 'unbiasedRunningVar', 'movingMeanInitializer', 'movingVarianceInitializer']
    const affine = readAffine(kind, options, own)
    const given = options as BatchNormalizationOptions
    const { momentum = 0.99, unbiasedRunningVar = false } = given
    check(
      NON_NEGATIVE.holds(momentum) && momentum <= 1,
      `${kind}: momentum`,
      'a number from 0 to 1',
      momentum,
    )
    return {
      ...affine,
      momentum,
      unbiasedRunningVar: readFlag(`${kind}: unbiasedRunningVar`, unbiasedRunningVar),
      movingMeanInitializer: toInitializer(given.movingMeanInitializer ?? 'zeros'),
      movingVarianceInitializer: toInitializer(given.movingVarianceInitializer ?? 'ones'),
    }
  },
  build(context, inputs, config) {
    const { g, training, trainable, weight, assign } = context
    const { epsilon, center, scale, momentum } = config
    const x = withChannels(inputs)
    const channels = channelsOf(x)
    const affine = affineWeights(context, x, config)
    const state = (name: string, initializer: Initializer) =>
      weight(name, [channels], { initializer, trainable: false })
    const movingMean = state('moving_mean', config.movingMeanInitializer)
    const movingVariance = state('moving_variance', config.movingVarianceInitializer)

    if (!training || !trainable) {
      // (x - mean) / sqrt(variance + epsilon) gamma + beta as x factor + offset, both of one number a channel
      const deviation = g.unary('sqrt', g.plus(movingVariance, g.constant(epsilon)))
      const factor = scale ? g.binary('divide', affine[0], deviation) : g.unary('reciprocal', deviation)
      const shift = g.times(movingMean, factor)
      const offset = center ? g.minus(affine[affine.length - 1], shift) : g.unary('negate', shift)
      return g.plus(g.times(x, factor), offset)
    }
    const attributes = { samples: 1, groups: channels, epsilon, scale, center }
    const [y, mean, variance] = g.kernel(channelNormalize, [x, ...affine], attributes)
    const count = elementCount(x.shape) / channels
    const correction = config.unbiasedRunningVar && count > 1 ? count / (count - 1) : 1
    const move = (moving: Value, batch: Value, factor: number) => {
      const next = g.scale(g.reshape(batch, [channels]), (1 - momentum) * factor)
      assign(moving, g.plus(g.scale(moving, momentum), next))
    }
    move(movingMean, mean, 1)
    move(movingVariance, variance, correction)
    return y
  },
}

/**
 * Batch normalization (Ioffe and Szegedy 2015): (x - mean) / sqrt(variance + epsilon) gamma + beta for each channel of
 * x [batch, ..., channels]. In training the statistics are those of the batch over all axes but the last (biased
 * variance), and after each step moving = momentum moving + (1 - momentum) batch. Otherwise, and always with
 * `trainable: false`, they are the moving ones. Weights `gamma`, `beta`, `moving_mean`, `moving_variance`, all
 * [channels]. Of a layer that is called twice, the last call moves the statistics. Masks are passed on, not used.
 */
export const batchNormalization = (options: BatchNormalizationOptions = {}): Layer =>
  makeLayer(batchNormalizationKind, options)

// ---- layer, RMS -----------------------------------------------------------------------------------

export type LayerNormalizationOptions = AffineOptions

export const layerNormalizationKind: LayerKind<AffineConfig> = {
  kind: 'layerNormalization',
  read: (options) => readAffine('layerNormalization', options),
  build(context, inputs, config) {
    const { epsilon, center, scale } = config
    const x = withChannels(inputs)
    const affine = affineWeights(context, x, config)
    return context.g.kernel(layerNormalize, [x, ...affine], { rms: false, epsilon, center, scale })[0]
  },
}

/**
 * Layer normalization (Ba et al. 2016): (x - mean) / sqrt(variance + epsilon) gamma + beta, the statistics over the
 * last axis (biased variance). Weights `gamma`, `beta` [channels].
 */
export const layerNormalization = (options: LayerNormalizationOptions = {}): Layer =>
  makeLayer(layerNormalizationKind, options)

/** Initializer: by default ones. */
export interface RmsNormalizationOptions extends AxisOptions, OptionsOfWeights<'scale'> {
  /** Added to the mean of x^2; > 0. Default 1e-6. */
  readonly epsilon?: number
}

interface RmsNormalizationConfig extends ConfigOfWeights<'scale'> {
  readonly epsilon: number
}

export const rmsNormalizationKind: LayerKind<RmsNormalizationConfig> = {
  kind: 'rmsNormalization',
  read(options) {
    const kind = 'rmsNormalization'
    checkLayerOptions(kind, options, ['axis', 'epsilon', ...weightKeys('scale')])
    checkAxis(kind, options)
    const epsilon = readEpsilon(kind, options, 1e-6)
    return { epsilon, ...readWeights(kind, options, { scale: 'ones' }) }
  },
  build({ g, weight }, inputs, config) {
    const x = withChannels(inputs)
    const scale = weight('scale', [channelsOf(x)], weightOptions(config, 'scale'))
    const attributes = { rms: true, epsilon: config.epsilon, center: false, scale: true }
    return g.kernel(layerNormalize, [x, scale], attributes)[0]
  },
}

/**
 * Root mean square normalization (Zhang and Sennrich 2019): x / sqrt(mean of x^2 + epsilon) scale, over the last axis.
 * Weight `scale` [channels].
 */
export const rmsNormalization = (options: RmsNormalizationOptions = {}): Layer =>
  makeLayer(rmsNormalizationKind, options)

// ---- group ----------------------------------------------------------------------------------------

export interface GroupNormalizationOptions extends AffineOptions {
  /** Divides the channels; -1: as many as channels (instance normalization). Default 32. */
  readonly groups?: number
}

interface GroupNormalizationConfig extends AffineConfig {
  readonly groups: number
}

export const groupNormalizationKind: LayerKind<GroupNormalizationConfig> = {
  kind: 'groupNormalization',
  read(options) {
    const affine = readAffine('groupNormalization', options, ['groups'])
    const { groups = 32 } = options as GroupNormalizationOptions
    const fits = Number.isSafeInteger(groups) && (groups > 0 || groups === -1)
    check(fits, 'groupNormalization: groups', 'a positive integer, or -1 for one a channel', groups)
    return { ...affine, groups }
  },
  build(context, inputs, config) {
    const { epsilon, center, scale } = config
    const x = withChannels(inputs)
    const channels = channelsOf(x)
    const groups = config.groups === -1 ? channels : config.groups
    if (channels % groups !== 0) fail(`${groups} groups don't divide the ${channels} channels of its input`)
    const attributes = { samples: x.shape[0], groups, epsilon, center, scale }
    return context.g.kernel(channelNormalize, [x, ...affineWeights(context, x, config)], attributes)[0]
  },
}

/**
 * Group normalization (Wu and He 2018) of x [batch, ..., channels]: (x - mean) / sqrt(variance + epsilon) gamma + beta,
 * the statistics of each sample over all its cells and the channels of a group (consecutive ones; biased variance).
 * `groups: -1` is instance normalization. Weights `gamma`, `beta` [channels].
 */
export const groupNormalization = (options: GroupNormalizationOptions = {}): Layer =>
  makeLayer(groupNormalizationKind, options)

// ---- unit -----------------------------------------------------------------------------------------

export const unitNormalizationKind: LayerKind<object> = {
  kind: 'unitNormalization',
  read(options) {
    checkLayerOptions('unitNormalization', options, ['axis'])
    checkAxis('unitNormalization', options)
    return {}
  },
  build({ g }, inputs) {
    const x = withChannels(inputs)
    const squares = g.sum(g.unary('square', x), [x.shape.length - 1], true)
    return g.binary('divide', x, g.unary('sqrt', g.binary('maximum', squares, g.constant(1e-12))))
  },
}

/** Each row of the last axis divided by its Euclidean norm (at least 1e-6). */
export const unitNormalization = (options: AxisOptions = {}): Layer =>
  makeLayer(unitNormalizationKind, options)
