// LSTM over sequences, images or volumes: convolutions in the place of the two products. The input convolution of all steps is one
// operation; the recurrent one follows step by step, unrolled in the graph.
import * as ops from '../graph/operations.ts'
import type { Value } from '../graph/value.ts'
import { POSITIVE_INTEGER } from '../numerics/errors.ts'
import { convolve } from '../operations/convolution.ts'
import { type Activation, readActivation } from './activations.ts'
import { type LayerKind, makeLayer, type RecurrentLayer, readLayer, type Symbolic } from './layer.ts'
import { channelsOf, inputOfAxes, SPATIAL, weightOptions } from './options.ts'
import {
  initialStates,
  lstmReaders,
  type ReturnsState,
  type SequenceOptions,
  sequenceOf,
  sequenceOutputs,
  sequenceReaders,
} from './sequence.ts'
import { lstmStep, unrolled } from './unrolled.ts'
import type { BiasOptions, KernelOptions, RecurrentKernelOptions } from './weights.ts'
import { type WindowOptions, windowOf, windowReaders } from './window.ts'

/**
 * Options of `convLstm1d`, `convLstm2d` and `convLstm3d`. The window (kernelSize, strides, padding, dilationRate) is that of
 * the input convolution; the recurrent one has the same kernelSize, stride 1 and padding 'same'.
 */
export interface ConvLstmOptions
  extends Omit<WindowOptions<'valid' | 'same'>, keyof SequenceOptions>,
    SequenceOptions,
    KernelOptions,
    RecurrentKernelOptions,
    BiasOptions {
  /** Channels of the state. */
  readonly filters: number
  /** Default 'tanh'. */
  readonly activation?: Activation
  /** Default 'sigmoid'. */
  readonly recurrentActivation?: Activation
  /** The bias of the forget gate starts at 1, unless biasInitializer is given. Default true. */
  readonly unitForgetBias?: boolean
}

const readConvLstm = (axes: number, options: object) =>
  readLayer(`convLstm${axes}d`, options, {
    ...windowReaders(axes),
    ...sequenceReaders(),
    ...lstmReaders(options),
    filters: POSITIVE_INTEGER,
    activation: [readActivation, 'tanh'],
    recurrentActivation: [readActivation, 'sigmoid'],
  })

type ConvLstmConfig = ReturnType<typeof readConvLstm>

/** A kind with `axes` axes between the steps and the channels. */
const convLstmKind = (axes: number): LayerKind<ConvLstmConfig> => ({
  kind: `convLstm${axes}d`,
  read: (options) => readConvLstm(axes, options),
  outputs: ({ returnState }) => (returnState ? 3 : 1),
  build(context, inputs, config) {
    const { g, weight } = context
    const { filters, kernelSize, useBias } = config
    const between = axes === 1 ? 'cells' : SPATIAL[axes - 1]
    const given = inputOfAxes(inputs.slice(0, 1), `[batch, steps, ${between}, channels]`)
    const [batch, steps, ...image] = given.shape
    const { x, mask } = sequenceOf(context, given, config)
    const columns = 4 * filters
    const kernel = weight('kernel', [...kernelSize, channelsOf(x), columns], weightOptions(config, 'kernel'))
    const recurrent = weight(
      'recurrent_kernel',
      [...kernelSize, filters, columns],
      weightOptions(config, 'recurrent'),
    )
    let products = convolve(g, ops.reshape(g, x, [batch * steps, ...image]), kernel, windowOf(config))
    if (useBias) products = ops.plus(g, products, weight('bias', [columns], weightOptions(config, 'bias')))
    const cells = products.shape.slice(1, -1)
    const shape = [batch, ...cells, filters]
    const xz = ops.reshape(g, products, [batch, steps, ...cells, columns])
    const ones = kernelSize.map(() => 1)
    const same = { strides: ones, dilations: ones, padding: 'same' } as const
    const step = lstmStep(g, config, (h) => convolve(g, h, recurrent, same))
    const initial = initialStates(context, inputs, 2, shape, config)
    const before: readonly (Value | undefined)[] = initial
    const [y, ...states] = unrolled(context, xz, shape, before, mask, config, step)
    return sequenceOutputs(context, y, initial, states, mask, config)
  },
})

export const convLstm1dKind: LayerKind<ConvLstmConfig> = /*#__PURE__*/ convLstmKind(1)
export const convLstm2dKind: LayerKind<ConvLstmConfig> = /*#__PURE__*/ convLstmKind(2)
export const convLstm3dKind: LayerKind<ConvLstmConfig> = /*#__PURE__*/ convLstmKind(3)

/**
 * Convolutional LSTM (Shi et al. 2015): [batch, steps, height, width, channels] to [batch, height', width', filters] (or
 * a sequence). Weights `kernel` [kh, kw, channels, 4 filters], `recurrent_kernel` [kh, kw, filters, 4 filters], `bias`
 * [4 filters], in the order input, forget, cell, output. Called as layer(x) or, with initial states, layer(x, h, c).
 * @throws LanegradError on an unknown or bad option
 * @example
 * ```js
 * import { convLstm2d, sequential } from 'lanegrad'
 *
 * const model = sequential({ inputShape: [3, 8, 8, 1], layers: [convLstm2d({ filters: 2, kernelSize: 3, padding: 'same' })] })
 * console.log(model.predict(new Float32Array(192)).shape) // [ 1, 8, 8, 2 ]
 * ```
 */
export function convLstm2d(options: ConvLstmOptions & ReturnsState): RecurrentLayer<readonly Symbolic[]>
export function convLstm2d(options: ConvLstmOptions): RecurrentLayer
export function convLstm2d(options: ConvLstmOptions): RecurrentLayer<never> {
  return makeLayer<ConvLstmConfig, never>(convLstm2dKind, options)
}

/**
 * Convolutional LSTM over lines of cells, as `convLstm2d`: [batch, steps, cells, channels] to [batch, cells', filters] (or a
 * sequence).
 * @throws LanegradError on an unknown or bad option
 * @example
 * ```js
 * import { convLstm1d, sequential } from 'lanegrad'
 *
 * const model = sequential({ inputShape: [3, 8, 1], layers: [convLstm1d({ filters: 2, kernelSize: 3 })] })
 * console.log(model.predict(new Float32Array(24)).shape) // [ 1, 6, 2 ]
 * ```
 */
export function convLstm1d(options: ConvLstmOptions & ReturnsState): RecurrentLayer<readonly Symbolic[]>
export function convLstm1d(options: ConvLstmOptions): RecurrentLayer
export function convLstm1d(options: ConvLstmOptions): RecurrentLayer<never> {
  return makeLayer<ConvLstmConfig, never>(convLstm1dKind, options)
}

/**
 * Convolutional LSTM over volumes, as `convLstm2d`: [batch, steps, depth, height, width, channels] to [batch, depth', height',
 * width', filters] (or a sequence).
 * @throws LanegradError on an unknown or bad option
 * @example
 * ```js
 * import { convLstm3d, sequential } from 'lanegrad'
 *
 * const model = sequential({ inputShape: [2, 4, 4, 4, 1], layers: [convLstm3d({ filters: 2, kernelSize: 3 })] })
 * console.log(model.predict(new Float32Array(128)).shape) // [ 1, 2, 2, 2, 2 ]
 * ```
 */
export function convLstm3d(options: ConvLstmOptions & ReturnsState): RecurrentLayer<readonly Symbolic[]>
export function convLstm3d(options: ConvLstmOptions): RecurrentLayer
export function convLstm3d(options: ConvLstmOptions): RecurrentLayer<never> {
  return makeLayer<ConvLstmConfig, never>(convLstm3dKind, options)
}
