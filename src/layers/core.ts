// Dense, activation and shape layers: each a kind (a checked config and how it writes itself) and its
// constructor. No layer writes a backward pass: the operations have gradient rules.
import { type Shape, shapeText, type Value } from '../graph/value.ts'
import { check, fail, POSITIVE_INTEGER } from '../numerics/errors.ts'
import { elementCount } from '../numerics/tensor.ts'
import { type Activation, activate, readActivation } from './activations.ts'
import { type Initializer, type InitializerName, toInitializer } from './initializers.ts'
import { checkLayerOptions, type Layer, type LayerKind, type LayerOptions, makeLayer } from './layer.ts'
import {
  type CheckedActivation,
  type ConfigOfWeights,
  type OptionsOfWeights,
  one,
  readFlag,
  readWeights,
  weightKeys,
  weightOptions,
} from './options.ts'

/** Initializers: by default glorotUniform for the kernel, zeros for the bias. */
export interface DenseOptions extends LayerOptions, OptionsOfWeights<'kernel' | 'bias'> {
  /** Size of the output's last axis. */
  readonly units: number
  /** Default 'linear'. */
  readonly activation?: Activation
  /** Default true. */
  readonly useBias?: boolean
  /**
   * Tied weights: use the kernel of this dense layer (or of the layer of this name), transposed, instead of an own
   * one; of an embedding layer, its table. Gradients of both uses add up in that layer's weight.
   */
  readonly tiedTo?: Layer | string
}

interface DenseConfig extends ConfigOfWeights<'kernel' | 'bias'> {
  readonly units: number
  readonly activation: CheckedActivation
  readonly useBias: boolean
  readonly tiedTo: string | null
}

export const denseKind: LayerKind<DenseConfig> = {
  kind: 'dense',
  read(options) {
    const known = ['units', 'activation', 'useBias', 'tiedTo', ...weightKeys('kernel', 'bias')]
    checkLayerOptions('dense', options, known)
    const given = options as DenseOptions
    const { units, useBias = true, tiedTo = null } = given
    check(POSITIVE_INTEGER.holds(units), 'dense: units', POSITIVE_INTEGER.expected, units)
    const tied = typeof tiedTo === 'function' ? tiedTo.layerName : tiedTo
    check(
      tiedTo === null || typeof tied === 'string',
      'dense: tiedTo',
      'a layer with a name, or its name',
      tiedTo,
    )
    return {
      units,
      activation: readActivation(given.activation),
      useBias: readFlag('dense: useBias', useBias),
      ...readWeights('dense', options, { kernel: 'glorotUniform', bias: 'zeros' }),
      tiedTo: tied,
    }
  },
  // x [..., in] . kernel [in, units] + bias [units] -> [..., units]
  build({ g, weight, weightOf }, inputs, config) {
    const x = one(inputs)
    if (x.shape.length < 2)
      fail(`expected an input of rank 2 or more (batch first), got shape ${shapeText(x.shape)}`)
    const features = x.shape[x.shape.length - 1]
    const rows = g.reshape(x, [elementCount(x.shape) / features, features])
    let kernel: Value
    if (config.tiedTo === null) {
      kernel = weight('kernel', [features, config.units], weightOptions(config, 'kernel'))
    } else {
      kernel = weightOf(`${config.tiedTo}/kernel`, `${config.tiedTo}/embeddings`)
      if (kernel.shape[0] !== config.units || kernel.shape[1] !== features) {
        fail(`tied to a kernel of shape ${shapeText(kernel.shape)}, expected [${config.units},${features}]`)
      }
    }
    let y = g.matmul(rows, kernel, { transposeB: config.tiedTo !== null })
    if (config.useBias) y = g.plus(y, weight('bias', [config.units], weightOptions(config, 'bias')))
    const isSoftmax = config.activation.name === 'softmax' || config.activation.name === 'logSoftmax'
    const shape = [...x.shape.slice(0, -1), config.units]
    if (isSoftmax) return activate(g, config.activation, g.reshape(y, shape)) // rows stay the last axis
    return g.reshape(activate(g, config.activation, y), shape)
  },
}

/**
 * Fully connected layer: activation(x . kernel + bias) on the last axis. Weights `kernel` [in, units], `bias` [units].
 */
export const dense = (options: DenseOptions): Layer => makeLayer(denseKind, options)

export interface ActivationOptions extends LayerOptions {
  readonly activation: Activation
}

export const activationKind: LayerKind<{ readonly activation: CheckedActivation }> = {
  kind: 'activation',
  read(options) {
    checkLayerOptions('activation', options, ['activation'])
    return { activation: readActivation((options as ActivationOptions).activation) }
  },
  build: ({ g }, inputs, { activation }) => activate(g, activation, one(inputs)),
}

/** An activation function as a layer of its own. */
export const activation = (options: ActivationOptions): Layer => makeLayer(activationKind, options)

export interface PreluOptions extends LayerOptions {
  /** Default 'zeros'. */
  readonly alphaInitializer?: Initializer | InitializerName
}

export const preluKind: LayerKind<{ readonly alphaInitializer: Initializer }> = {
  kind: 'prelu',
  read(options) {
    checkLayerOptions('prelu', options, ['alphaInitializer'])
    return { alphaInitializer: toInitializer((options as PreluOptions).alphaInitializer ?? 'zeros') }
  },
  // max(x, 0) + alpha min(x, 0)
  build({ g, weight }, inputs, { alphaInitializer }) {
    const x = one(inputs)
    const alpha = weight('alpha', [x.shape[x.shape.length - 1]], { initializer: alphaInitializer })
    const zero = g.constant(0)
    return g.plus(g.binary('maximum', x, zero), g.times(alpha, g.binary('minimum', x, zero)))
  },
}

/** Parametric ReLU (He et al. 2015): x > 0 ? x : alpha x, one `alpha` per channel of the last axis. */
export const prelu = (options: PreluOptions = {}): Layer => makeLayer(preluKind, options)

export const flattenKind: LayerKind<object> = {
  kind: 'flatten',
  read(options) {
    checkLayerOptions('flatten', options, [])
    return {}
  },
  build({ g }, inputs) {
    const x = one(inputs)
    return g.reshape(x, [x.shape[0], elementCount(x.shape.slice(1))])
  },
}

/** [batch, ...] to [batch, features], row-major. */
export const flatten = (options: LayerOptions = {}): Layer => makeLayer(flattenKind, options)

export interface ReshapeOptions extends LayerOptions {
  /** Without the batch axis. */
  readonly targetShape: Shape
}

export const reshapeKind: LayerKind<{ readonly targetShape: Shape }> = {
  kind: 'reshape',
  read(options) {
    checkLayerOptions('reshape', options, ['targetShape'])
    const { targetShape } = options as ReshapeOptions
    const sizes = Array.isArray(targetShape) && targetShape.every((n) => POSITIVE_INTEGER.holds(n))
    check(sizes, 'reshape: targetShape', 'a list of positive integers', targetShape)
    return { targetShape: [...targetShape] }
  },
  build({ g }, inputs, { targetShape }) {
    const x = one(inputs)
    return g.reshape(x, [x.shape[0], ...targetShape])
  },
}

/** The same elements, row-major, under another shape. */
export const reshape = (options: ReshapeOptions): Layer => makeLayer(reshapeKind, options)

export interface PermuteOptions extends LayerOptions {
  /** Order of the axes, counted from 1 without the batch axis, as in Keras: [2, 1] swaps the first two. */
  readonly dims: readonly number[]
}

export const permuteKind: LayerKind<{ readonly dims: readonly number[] }> = {
  kind: 'permute',
  read(options) {
    checkLayerOptions('permute', options, ['dims'])
    const { dims } = options as PermuteOptions
    const whole = Array.isArray(dims) && [...dims].sort((a, b) => a - b).every((axis, i) => axis === i + 1)
    check(whole, 'permute: dims', 'each of 1, 2, ... once', dims)
    return { dims: [...dims] }
  },
  build({ g }, inputs, { dims }) {
    const x = one(inputs)
    if (x.shape.length !== dims.length + 1)
      fail(`expected an input of rank ${dims.length + 1}, got shape ${shapeText(x.shape)}`)
    return g.permute(x, [0, ...dims])
  },
}

/** Permutes the axes behind the batch axis. */
export const permute = (options: PermuteOptions): Layer => makeLayer(permuteKind, options)
