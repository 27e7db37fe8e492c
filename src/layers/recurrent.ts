// Recurrent layers: simpleRnn, lstm, gru. One matmul makes the input products of all steps, one operation
// (operations/recurrent.ts) walks the sequence. Weights, gate order and defaults are those of Keras:
// kernel [in, parts u], recurrent_kernel [u, parts u], bias [parts u] (gru with resetAfter: [2, 3 u], the second row is
// added to the recurrent product).

import { RANDOM_BERNOULLI } from '../../assembly/abi.ts'
import type { UnaryName } from '../graph/functions.ts'
import * as ops from '../graph/operations.ts'
import type { Value } from '../graph/value.ts'
import {
  BOOLEAN,
  mismatch,
  must,
  oneOf,
  POSITIVE_INTEGER,
  type Read,
  type Readers,
  SHARE,
} from '../numerics/errors.ts'
import { type Shape, sameShape, shapeText } from '../numerics/shape.ts'
import {
  gruBefore,
  gru as gruCell,
  lstm as lstmCell,
  type RecurrentKernel,
  recur,
  reverse,
  simpleRnn as simpleRnnCell,
} from '../operations/recurrent.ts'
import { type Activation, type ActivationName, readActivation } from './activations.ts'
import { type Initializer, readInitializer, UNIT_FORGET_BIAS } from './initializers.ts'
import {
  type BuildContext,
  type LayerKind,
  type LayerOptions,
  makeLayer,
  type RecurrentLayer,
  readLayer,
  type Symbolic,
} from './layer.ts'
import { drawn } from './noise.ts'
import { type CheckedActivation, inputOfAxes, weightOptions, weightReaders } from './options.ts'
import { orthogonal } from './orthogonal.ts'
import type { BiasOptions, KernelOptions, RecurrentKernelOptions } from './weights.ts'

/**
 * Options of all layers over sequences. A step that the mask of the input leaves out keeps the state, and a returned sequence
 * repeats the state there (the initial one before the first step that counts).
 */
export interface SequenceOptions extends LayerOptions {
  /** Default true. */
  readonly useBias?: boolean
  /** The state after every step, [batch, steps, ...], instead of the last one, [batch, ...]. Default false. */
  readonly returnSequences?: boolean
  /** A call gives [y, h] (lstm: [y, h, c]), the last states behind y. Default false. */
  readonly returnState?: boolean
  /** Reads from the last step to the first; a returned sequence is in that order. Default false. */
  readonly goBackwards?: boolean
  /** In training, the share of the input's elements that are set to 0, alike at all steps; in [0, 1). Default 0. */
  readonly dropout?: number
}

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
  /** Default 'tanh'. */
  readonly activation?: 'tanh' | 'relu' | 'sigmoid' | 'linear'
}

/** Options of `lstm` and `gru`. */
export interface GatedOptions extends RecurrentOptions {
  /** Only 'tanh'. Default 'tanh'. */
  readonly activation?: 'tanh'
  /** Only 'sigmoid'. Default 'sigmoid'. */
  readonly recurrentActivation?: 'sigmoid'
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

/** Readers of the options of all layers over sequences. */
export const sequenceReaders = () =>
  ({
    useBias: [BOOLEAN, true],
    returnSequences: [BOOLEAN, false],
    returnState: [BOOLEAN, false],
    goBackwards: [BOOLEAN, false],
    dropout: [SHARE, 0],
  }) as const

export type SequenceConfig = Read<ReturnType<typeof sequenceReaders>>

/** Readers of the options of an LSTM's weights and of unitForgetBias, which sets the bias's initializer. */
export const lstmReaders = ({ unitForgetBias = true }: { readonly unitForgetBias?: boolean }) => ({
  ...gateWeights(),
  biasInitializer: [
    (given: Initializer, what: string) =>
      given?.kind === UNIT_FORGET_BIAS.kind ? UNIT_FORGET_BIAS : readInitializer(given, what),
    unitForgetBias ? UNIT_FORGET_BIAS : 'zeros',
  ] as const,
  unitForgetBias: [BOOLEAN, true] as const,
})

const gateWeights = () => weightReaders({ kernel: 'glorotUniform', recurrent: orthogonal(), bias: 'zeros' })

/** x with features dropped, the same ones at all steps, and the mask of x. */
export function sequenceOf(
  context: BuildContext,
  x: Value,
  { dropout }: SequenceConfig,
): { x: Value; mask: Value | null } {
  const { g, training } = context
  const mask = context.maskOf(x)
  const [batch, steps, ...rest] = x.shape
  if (steps === 0) mismatch('one step or more', shapeText(x.shape))
  if (mask && !sameShape(mask.shape, [batch, steps]))
    mismatch(`a mask of shape ${shapeText([batch, steps])}`, shapeText(mask.shape))
  if (!training || dropout === 0) return { x, mask }
  const factors = drawn(context, [batch, 1, ...rest], RANDOM_BERNOULLI, dropout, 'dropout')
  return { x: ops.times(g, x, factors), mask }
}

/** The initial states that a call was given behind its input: none, or all `count`, each of `shape`. */
export function initialStates(inputs: readonly Value[], count: number, shape: Shape): readonly Value[] {
  const given = inputs.slice(1)
  if (given.length !== 0 && given.length !== count)
    mismatch(`one input or ${count + 1} (with the initial states)`, inputs.length)
  for (const state of given) {
    if (!sameShape(state.shape, shape))
      mismatch(`initial states of shape ${shapeText(shape)}`, shapeText(state.shape))
  }
  return given
}

/** The outputs of a layer over sequences, with masks set: a sequence has the mask of x, in its own order. */
export function sequenceOutputs(
  { g, setMask }: BuildContext,
  y: Value,
  states: readonly Value[],
  mask: Value | null,
  { returnSequences, returnState, goBackwards }: SequenceConfig,
): readonly Value[] {
  const outputs = [y, ...(returnState ? states : [])]
  for (const value of outputs) setMask(value, null)
  if (mask && returnSequences) setMask(y, goBackwards ? g.add(reverse, [mask], { axis: 1 })[0] : mask)
  return outputs
}

/** A reader of an activation that is one of `known`. */
const oneFunction =
  (...known: readonly ActivationName[]) =>
  (given: Activation, what: string): CheckedActivation => {
    const read = readActivation(given, what)
    must(oneOf(...known), read.name, what)
    return read
  }

function readRecurrent(kind: string, isGated: boolean, options: object, own: Readers) {
  const gates: Readers = isGated ? { recurrentActivation: [oneFunction('sigmoid'), 'sigmoid'] } : {}
  const config = readLayer(kind, options, {
    units: POSITIVE_INTEGER,
    activation: [isGated ? oneFunction('tanh') : oneFunction('tanh', 'relu', 'sigmoid', 'linear'), 'tanh'],
    ...gates,
    ...sequenceReaders(),
    ...gateWeights(),
    ...own,
  })
  return config as typeof config & { readonly resetAfter?: boolean }
}
type RecurrentConfig = ReturnType<typeof readRecurrent>

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
      const { g, weight } = context
      const { units, useBias, returnSequences, goBackwards, resetAfter } = config
      const given = inputOfAxes(inputs.slice(0, 1), '[batch, steps, features]')
      const [batch, steps, features] = given.shape
      const [h0 = null, c0 = null] = initialStates(inputs, states, [batch, units])
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
      const [y, h, , , , c] = recur(
        g,
        isBefore ? gruBefore : cell,
        [
          xz,
          isBefore ? ops.slice(g, recurrent, 1, 0, 2 * units) : recurrent,
          isBefore ? ops.slice(g, recurrent, 1, 2 * units, units) : null,
          recurrentBias,
          mask,
          h0,
          c0,
        ],
        {
          sequence: returnSequences,
          reverse: goBackwards,
          fn: config.activation.name as UnaryName,
        },
      )
      return sequenceOutputs(context, y, [h, c].slice(0, states), mask, config)
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

/** The option with which a recurrent layer gives several values. */
export interface ReturnsState {
  /** A call gives [y, h] (lstm: [y, h, c]). */
  readonly returnState: true
}

/**
 * Plain recurrent layer, h' = activation(x . kernel + h . recurrent_kernel + bias): [batch, steps, features] to
 * [batch, units] (or a sequence). Called as layer(x) or, with an initial state [batch, units], layer(x, h).
 * @throws LanegradError on an unknown option or activation
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
 * @throws LanegradError on an unknown option, or an activation other than tanh and sigmoid
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
 * @throws LanegradError on an unknown option, or an activation other than tanh and sigmoid
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
