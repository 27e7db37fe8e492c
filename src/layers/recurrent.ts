// Recurrent layers: simpleRnn, lstm, gru. One matmul makes the input products of all steps, one operation
// (operations/recurrent.ts) walks the sequence; what its kernels don't do is written step by step (unrolled.ts). Weights, gate
// order and defaults are those of Keras: kernel [in, parts u], recurrent_kernel [u, parts u], bias [parts u] (gru with
// resetAfter: [2, 3 u], the second row is added to the recurrent product).

import { type UnaryName, unaryFunctions } from '../graph/functions.ts'
import * as ops from '../graph/operations.ts'
import type { Value } from '../graph/value.ts'
import { BOOLEAN, POSITIVE_INTEGER, type Readers } from '../numerics/errors.ts'
import {
  gruBefore,
  gru as gruCell,
  lstm as lstmCell,
  type RecurrentKernel,
  recur,
  simpleRnn as simpleRnnCell,
} from '../operations/recurrent.ts'
import { type Activation, type ActivationName, readActivation } from './activations.ts'
import { type LayerKind, makeLayer, type RecurrentLayer, readLayer, type Symbolic } from './layer.ts'
import { type CheckedActivation, inputOfAxes, weightOptions } from './options.ts'
import {
  gateWeights,
  initialStates,
  lstmReaders,
  type ReturnsState,
  type SequenceOptions,
  sequenceOf,
  sequenceOutputs,
  sequenceReaders,
} from './sequence.ts'
import { gruStep, lstmStep, plainStep, unrolled } from './unrolled.ts'
import type { BiasOptions, KernelOptions, RecurrentKernelOptions } from './weights.ts'

/** Options of `simpleRnn`, `lstm` and `gru`. */
export interface RecurrentOptions
  extends SequenceOptions,
    KernelOptions,
    RecurrentKernelOptions,
    BiasOptions {
  /** Size of the state. */
  readonly units: number
}

/** Options of `simpleRnn`. */
export interface SimpleRnnOptions extends RecurrentOptions {
  /**
   * Default 'tanh'. This, relu, sigmoid and linear are computed by one kernel for all steps; any other activation takes some
   * operations for each step, which is slower.
   */
  readonly activation?: Activation
}

/**
 * Options of `lstm` and `gru`. With the default activations one kernel computes all steps; any other ones, and recurrentDropout in
 * training, take some operations for each step, which is slower.
 */
export interface GatedOptions extends RecurrentOptions {
  /** Function of the candidate, and of an lstm's c where h is computed. Default 'tanh'. */
  readonly activation?: Activation
  /** Function of the gates. Default 'sigmoid'. */
  readonly recurrentActivation?: Activation
}

/** Options of `lstm`. */
export interface LstmOptions extends GatedOptions {
  /** The bias of the forget gate starts at 1 (Jozefowicz et al. 2015), unless biasInitializer is given. Default true. */
  readonly unitForgetBias?: boolean
}

/** Options of `gru`. */
export interface GruOptions extends GatedOptions {
  /** The reset gate acts on the recurrent product (Keras 2 and 3, cuDNN, PyTorch), not on the state. Default true. */
  readonly resetAfter?: boolean
}

function readRecurrent(kind: string, isGated: boolean, options: object, own: Readers) {
  const gates: Readers = isGated ? { recurrentActivation: [readActivation, 'sigmoid'] } : {}
  const config = readLayer(kind, options, {
    units: POSITIVE_INTEGER,
    activation: [readActivation, 'tanh'],
    ...gates,
    ...sequenceReaders(),
    ...gateWeights(),
    ...own,
  })
  return config as typeof config & {
    readonly recurrentActivation: CheckedActivation
    readonly resetAfter?: boolean
  }
}
type RecurrentConfig = ReturnType<typeof readRecurrent>

/** The activations that the kernel of simpleRnn applies. */
const FUSED: readonly ActivationName[] = ['tanh', 'relu', 'sigmoid', 'linear']

/** A kind whose kernels have `parts` gates and whose cell has `states` states; `own`: readers that other kinds lack. */
function recurrentKind(
  kind: string,
  cell: RecurrentKernel,
  parts: number,
  states: number,
  own: (options: object) => Readers = () => ({}),
): LayerKind<RecurrentConfig> {
  return {
    kind,
    read: (options) => readRecurrent(kind, parts > 1, options, own(options)),
    outputs: ({ returnState }) => (returnState ? 1 + states : 1),
    build(context, inputs, config) {
      const { g, weight, training } = context
      const { units, useBias, resetAfter, activation, recurrentActivation } = config
      const given = inputOfAxes(inputs.slice(0, 1), '[batch, steps, features]')
      const [batch, steps, features] = given.shape
      const state = [batch, units]
      const initial = initialStates(context, inputs, states, state, config)
      const { x, mask } = sequenceOf(context, given, config)
      const kernel = weight('kernel', [features, parts * units], weightOptions(config, 'kernel'))
      const recurrent = weight('recurrent_kernel', [units, parts * units], weightOptions(config, 'recurrent'))
      let products = ops.matmul(g, ops.reshape(g, x, [batch * steps, features]), kernel)
      let recurrentBias: Value | null = null
      if (useBias) {
        const columns = parts * units
        const shape = resetAfter ? [2, columns] : [columns]
        let bias = weight('bias', shape, weightOptions(config, 'bias'))
        if (resetAfter) {
          recurrentBias = ops.reshape(g, ops.slice(g, bias, 0, 1, 1), [columns])
          bias = ops.reshape(g, ops.slice(g, bias, 0, 0, 1), [columns])
        }
        products = ops.plus(g, products, bias)
      }
      const xz = ops.reshape(g, products, [batch, steps, parts * units])
      const isBefore = resetAfter === false // two recurrent products
      const first = isBefore ? ops.slice(g, recurrent, 1, 0, 2 * units) : recurrent
      const second = isBefore ? ops.slice(g, recurrent, 1, 2 * units, units) : null
      const isFused =
        (parts === 1
          ? FUSED.includes(activation.name)
          : activation.name === 'tanh' && recurrentActivation.name === 'sigmoid') &&
        !(training && config.recurrentDropout > 0)
      let [y, h, c]: readonly Value[] = []
      if (isFused) {
        const [h0 = null, c0 = null] = initial
        const { returnSequences: sequence, goBackwards: reverse } = config
        const all = [xz, first, second, recurrentBias, mask, h0, c0]
        const fn = unaryFunctions[activation.name as UnaryName]
        ;[y, h, , , , c] = recur(g, isBefore ? gruBefore : cell, all, { sequence, reverse, fn })
      } else {
        const product = (value: Value) => {
          const p = ops.matmul(g, value, first)
          return recurrentBias ? ops.plus(g, p, recurrentBias) : p
        }
        const again = second && ((value: Value) => ops.matmul(g, value, second))
        const step =
          parts === 1
            ? plainStep(g, activation, product)
            : states === 1
              ? gruStep(g, config, product, again)
              : lstmStep(g, config, product)
        const zeros = () => ops.expand(g, g.constant(0), state)
        const before = Array.from({ length: states }, (_, i) => initial[i] ?? zeros())
        ;[y, h, c] = unrolled(context, xz, state, before, mask, config, step)
      }
      return sequenceOutputs(context, y, initial, [h, c].slice(0, states), mask, config)
    },
  }
}

export const simpleRnnKind: LayerKind<RecurrentConfig> = /*#__PURE__*/ recurrentKind(
  'simpleRnn',
  simpleRnnCell,
  1,
  1,
)
export const lstmKind: LayerKind<RecurrentConfig> = /*#__PURE__*/ recurrentKind(
  'lstm',
  lstmCell,
  4,
  2,
  lstmReaders,
)
export const gruKind: LayerKind<RecurrentConfig> = /*#__PURE__*/ recurrentKind('gru', gruCell, 3, 1, () => ({
  resetAfter: [BOOLEAN, true],
}))

/**
 * Plain recurrent layer, h' = activation(x . kernel + h . recurrent_kernel + bias): [batch, steps, features] to
 * [batch, units] (or a sequence). Called as layer(x) or, with an initial state [batch, units], layer(x, h).
 * @throws LanegradError on an unknown or bad option
 * @example
 * ```js
 * import { sequential, simpleRnn } from 'lanegrad'
 *
 * const model = sequential({ inputShape: [10, 4], layers: [simpleRnn({ units: 8 })] })
 * console.log(model.predict(new Float32Array(40)).shape) // [ 1, 8 ]
 * ```
 */
export function simpleRnn(options: SimpleRnnOptions & ReturnsState): RecurrentLayer<readonly Symbolic[]>
export function simpleRnn(options: SimpleRnnOptions): RecurrentLayer
export function simpleRnn(options: SimpleRnnOptions): RecurrentLayer<never> {
  return makeLayer<RecurrentConfig, never>(simpleRnnKind, options)
}

/**
 * Long short-term memory: [batch, steps, features] to [batch, units] (or a sequence). Columns of the weights in the
 * order input, forget, cell, output. Called as layer(x) or, with initial states [batch, units], layer(x, h, c).
 * @throws LanegradError on an unknown or bad option
 * @example
 * ```js
 * import { lstm, sequential } from 'lanegrad'
 *
 * const model = sequential({ inputShape: [10, 4], layers: [lstm({ units: 8 })] })
 * console.log(model.predict(new Float32Array(40)).shape) // [ 1, 8 ]
 * ```
 */
export function lstm(options: LstmOptions & ReturnsState): RecurrentLayer<readonly Symbolic[]>
export function lstm(options: LstmOptions): RecurrentLayer
export function lstm(options: LstmOptions): RecurrentLayer<never> {
  return makeLayer<RecurrentConfig, never>(lstmKind, options)
}

/**
 * Gated recurrent unit: [batch, steps, features] to [batch, units] (or a sequence). Columns of the weights in the order
 * update, reset, new. Called as layer(x) or, with an initial state [batch, units], layer(x, h).
 * @throws LanegradError on an unknown or bad option
 * @example
 * ```js
 * import { gru, sequential } from 'lanegrad'
 *
 * const model = sequential({ inputShape: [10, 4], layers: [gru({ units: 8, returnSequences: true })] })
 * console.log(model.predict(new Float32Array(40)).shape) // [ 1, 10, 8 ]
 * ```
 */
export function gru(options: GruOptions & ReturnsState): RecurrentLayer<readonly Symbolic[]>
export function gru(options: GruOptions): RecurrentLayer
export function gru(options: GruOptions): RecurrentLayer<never> {
  return makeLayer<RecurrentConfig, never>(gruKind, options)
}
