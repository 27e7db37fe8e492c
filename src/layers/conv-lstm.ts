// LSTM over images: convolutions in the place of the two products. The input convolution of all steps is one operation;
// the recurrent one follows step by step, unrolled in the graph.
import * as ops from '../graph/operations.ts'
import type { Value } from '../graph/value.ts'
import { POSITIVE_INTEGER } from '../numerics/errors.ts'
import { convolve } from '../operations/convolution.ts'
import { type Activation, activate, readActivation } from './activations.ts'
import { type LayerKind, makeLayer, type RecurrentLayer, readLayer, type Symbolic } from './layer.ts'
import { channelsOf, inputOfAxes, weightOptions } from './options.ts'
import {
  initialStates,
  lstmReaders,
  type ReturnsState,
  type SequenceOptions,
  sequenceOf,
  sequenceOutputs,
  sequenceReaders,
} from './recurrent.ts'
import type { BiasOptions, KernelOptions, RecurrentKernelOptions } from './weights.ts'
import { type WindowOptions, windowOf, windowReaders } from './window.ts'

/**
 * Options of `convLstm2d`. The window (kernelSize, strides, padding, dilationRate) is that of the input convolution; the
 * recurrent one has the same kernelSize, stride 1 and padding 'same'.
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

const readConvLstm = (options: object) =>
  readLayer('convLstm2d', options, {
    ...windowReaders(2),
    ...sequenceReaders(),
    ...lstmReaders(options),
    filters: POSITIVE_INTEGER,
    activation: [readActivation, 'tanh'],
    recurrentActivation: [readActivation, 'sigmoid'],
  })

export const convLstm2dKind: LayerKind<ReturnType<typeof readConvLstm>> = {
  kind: 'convLstm2d',
  read: readConvLstm,
  outputs: ({ returnState }) => (returnState ? 3 : 1),
  // c' = r(f) c + r(i) a(g), h' = r(o) a(c'); columns i, f, g, o of conv(x, kernel) + bias + conv(h, recurrent_kernel)
  build(context, inputs, config) {
    const { g, weight } = context
    const { filters, kernelSize, useBias, returnSequences, goBackwards } = config
    const given = inputOfAxes(inputs.slice(0, 1), '[batch, steps, height, width, channels]')
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
    const [, height, width] = products.shape
    const shape = [batch, height, width, filters]
    const xz = ops.reshape(g, products, [batch, steps, height, width, columns])
    let [h, c]: readonly (Value | undefined)[] = initialStates(inputs, 2, shape)
    const gate = (z: Value, part: number) => {
      const activation = part === 2 ? config.activation : config.recurrentActivation
      return activate(g, activation, ops.slice(g, z, 3, part * filters, filters))
    }
    const sequence: Value[] = []
    for (let s = 0; s < steps; s++) {
      const t = goBackwards ? steps - 1 - s : s
      let z = ops.reshape(g, ops.slice(g, xz, 1, t, 1), [batch, height, width, columns])
      if (h)
        z = ops.plus(g, z, convolve(g, h, recurrent, { strides: [1, 1], dilations: [1, 1], padding: 'same' }))
      let nextC = ops.times(g, gate(z, 0), gate(z, 2))
      if (c) nextC = ops.plus(g, ops.times(g, gate(z, 1), c), nextC)
      let nextH = ops.times(g, gate(z, 3), activate(g, config.activation, nextC))
      if (mask) {
        // m next + (1 - m) before
        const counts = ops.reshape(g, ops.slice(g, mask, 1, t, 1), [batch, 1, 1, 1])
        const kept = ops.minus(g, g.constant(1), counts)
        const choose = (next: Value, before: Value | undefined) => {
          const chosen = ops.times(g, next, counts)
          return before ? ops.plus(g, chosen, ops.times(g, before, kept)) : chosen
        }
        nextC = choose(nextC, c)
        nextH = choose(nextH, h)
      }
      c = nextC
      h = nextH
      sequence.push(ops.reshape(g, h, [batch, 1, height, width, filters]))
    }
    const states = [h as Value, c as Value]
    const y = returnSequences ? ops.concatenate(g, sequence, 1) : states[0]
    return sequenceOutputs(context, y, states, mask, config)
  },
}

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
  return makeLayer<ReturnType<typeof readConvLstm>, never>(convLstm2dKind, options)
}
