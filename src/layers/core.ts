// Dense, activation and shape layers: each a kind and its constructor. No layer writes a backward phase, since the operations
// have gradient rules.

import * as ops from '../graph/operations.ts'
import type { Value } from '../graph/value.ts'
import { BOOLEAN, check, mismatch, POSITIVE_INTEGER } from '../numerics/errors.ts'
import { type Shape, sameShape, shapeText } from '../numerics/shape.ts'
import { elementCount } from '../numerics/tensor.ts'
import { type Activation, activate, readActivation } from './activations.ts'
import { type Layer, type LayerKind, type LayerOptions, makeLayer, readLayer } from './layer.ts'
import {
  addBiasAndActivate,
  channelInput,
  channelsOf,
  inputOfAxes,
  singleInput,
  weightOptions,
  weightReaders,
} from './options.ts'
import type { BiasOptions, KernelOptions } from './weights.ts'

/** Options of `dense`. */
export interface DenseOptions extends LayerOptions, KernelOptions, BiasOptions {
  /** Size of the output's last axis. */
  readonly units: number
  /** Default 'linear'. */
  readonly activation?: Activation
  /** Default true. */
  readonly useBias?: boolean
  /**
   * Tied weights: uses the transposed kernel of this dense layer, or the table of this embedding layer (the layer or its
   * name), in place of an own kernel. The gradients of both uses add up. Default null.
   */
  readonly tiedTo?: Layer | string | null
}

/** The name of the layer that a kernel is tied to, or null. */
function readTied(tiedTo: Layer | string | null, what: string): string | null {
  const tied = typeof tiedTo === 'function' ? tiedTo.layerName : tiedTo
  check(tiedTo === null || typeof tied === 'string', what, 'a named layer or its name', tiedTo)
  return tied
}

const readDense = (options: object) =>
  readLayer('dense', options, {
    units: POSITIVE_INTEGER,
    activation: readActivation,
    useBias: [BOOLEAN, true],
    ...weightReaders({ kernel: 'glorotUniform', bias: 'zeros' }),
    tiedTo: [readTied, null],
  })

export const denseKind: LayerKind<ReturnType<typeof readDense>> = {
  kind: 'dense',
  read: readDense,
  // x [..., in] . kernel [in, units] + bias [units] -> [..., units]
  build(context, inputs, config) {
    const { g } = context
    const { units, tiedTo } = config
    const x = channelInput(inputs)
    const features = channelsOf(x)
    const rows = ops.reshape(g, x, [elementCount(x.shape) / features, features])
    let kernel: Value
    if (tiedTo === null) {
      kernel = context.weight('kernel', [features, units], weightOptions(config, 'kernel'))
    } else {
      kernel = context.weightOf(`${tiedTo}/kernel`, `${tiedTo}/embeddings`)
      if (!sameShape(kernel.shape, [units, features]))
        mismatch(`tiedTo a kernel of shape [${units},${features}]`, shapeText(kernel.shape))
    }
    const y = ops.matmul(g, rows, kernel, { transposeB: tiedTo !== null })
    return addBiasAndActivate(context, { rows: y, shape: [...x.shape.slice(0, -1), units] }, config)
  },
}

/**
 * Fully connected layer, activation(x . kernel + bias) on the last axis: [batch, ..., in] to [batch, ..., units]. Weights
 * `kernel` [in, units], `bias` [units].
 * @throws LanegradError on an unknown or bad option
 * @example
 * ```js
 * import { dense, heNormal, sequential } from 'lanegrad'
 *
 * const model = sequential({ inputShape: [4], layers: [dense({ units: 3, activation: 'relu', kernelInitializer: heNormal() })] })
 * console.log(model.predict(new Float32Array(8)).shape) // [ 2, 3 ]
 * ```
 */
export const dense = (options: DenseOptions): Layer => makeLayer(denseKind, options)

/** Options of `activation`. */
export interface ActivationOptions extends LayerOptions {
  /** A name, 'relu' for example, or a name with its parameter: `{ name: 'leakyRelu', alpha: 0.1 }`. */
  readonly activation: Activation
}

const readActivationLayer = (options: object) =>
  readLayer('activation', options, { activation: readActivation })

export const activationKind: LayerKind<ReturnType<typeof readActivationLayer>> = {
  kind: 'activation',
  read: readActivationLayer,
  build: ({ g }, inputs, { activation }) => activate(g, activation, singleInput(inputs)),
}

/**
 * Layer of an activation function, elementwise or (softmax) over the last axis; the shape stays.
 * @throws LanegradError on an unknown name or a bad alpha
 * @example
 * ```js
 * import { activation, sequential } from 'lanegrad'
 *
 * const model = sequential({ inputShape: [3], layers: [activation({ activation: 'softmax' })] })
 * console.log(model.predict(new Float32Array(6)).shape) // [ 2, 3 ]
 * ```
 */
export const activation = (options: ActivationOptions): Layer => makeLayer(activationKind, options)

export const flattenKind: LayerKind<object> = {
  kind: 'flatten',
  read: (options) => readLayer('flatten', options, {}),
  build({ g }, inputs) {
    const x = singleInput(inputs)
    return ops.reshape(g, x, [x.shape[0], elementCount(x.shape.slice(1))])
  },
}

/**
 * Flattens samples: [batch, ...] to [batch, features], row-major.
 * @example
 * ```js
 * import { flatten, sequential } from 'lanegrad'
 *
 * const model = sequential({ inputShape: [2, 3], layers: [flatten()] })
 * console.log(model.predict(new Float32Array(12)).shape) // [ 2, 6 ]
 * ```
 */
export const flatten = (options: LayerOptions = {}): Layer => makeLayer(flattenKind, options)

/** Options of `reshape`. */
export interface ReshapeOptions extends LayerOptions {
  /** The new shape, without the batch axis; it has as many elements. */
  readonly targetShape: Shape
}

function readShape(shape: Shape, what: string): Shape {
  const fits = Array.isArray(shape) && shape.every((n) => POSITIVE_INTEGER.holds(n))
  check(fits, what, 'a list of positive integers', shape)
  return [...shape]
}

export const reshapeKind: LayerKind<{ readonly targetShape: Shape }> = {
  kind: 'reshape',
  read: (options) => readLayer('reshape', options, { targetShape: readShape }),
  build({ g }, inputs, { targetShape }) {
    const x = singleInput(inputs)
    const y = ops.reshape(g, x, [x.shape[0], ...targetShape])
    if (y !== x) g.masks?.set(y, null)
    return y
  },
}

/**
 * Reshapes samples: the same elements, row-major, in another shape.
 * @throws LanegradError for a bad shape; when the model is made, for one of another size
 * @example
 * ```js
 * import { reshape, sequential } from 'lanegrad'
 *
 * const model = sequential({ inputShape: [6], layers: [reshape({ targetShape: [2, 3] })] })
 * console.log(model.predict(new Float32Array(6)).shape) // [ 1, 2, 3 ]
 * ```
 */
export const reshape = (options: ReshapeOptions): Layer => makeLayer(reshapeKind, options)

/** Options of `permute`. */
export interface PermuteOptions extends LayerOptions {
  /** Order of the axes, counted from 1 without the batch axis, as in Keras: [2, 1] swaps the first two. */
  readonly dims: readonly number[]
}

function readDims(dims: readonly number[], what: string): readonly number[] {
  const whole = Array.isArray(dims) && [...dims].sort((a, b) => a - b).every((axis, i) => axis === i + 1)
  check(whole, what, 'the axes 1, 2, ... in some order', dims)
  return [...dims]
}

export const permuteKind: LayerKind<{ readonly dims: readonly number[] }> = {
  kind: 'permute',
  read: (options) => readLayer('permute', options, { dims: readDims }),
  build({ g }, inputs, { dims }) {
    const x = inputOfAxes(inputs, `[batch, ${dims.map((_, i) => `axis ${i + 1}`).join(', ')}]`)
    const y = ops.permute(g, x, [0, ...dims])
    if (y !== x) g.masks?.set(y, null)
    return y
  },
}

/**
 * Permutes the axes of samples.
 * @throws LanegradError for bad axes; when the model is made, for an input of another rank
 * @example
 * ```js
 * import { permute, sequential } from 'lanegrad'
 *
 * const model = sequential({ inputShape: [2, 3], layers: [permute({ dims: [2, 1] })] })
 * console.log(model.predict(new Float32Array(6)).shape) // [ 1, 3, 2 ]
 * ```
 */
export const permute = (options: PermuteOptions): Layer => makeLayer(permuteKind, options)
