// Shared by all layers over sequences: their options, the mask of the input, initial and last states.
import { RANDOM_BERNOULLI } from '../../assembly/abi.ts'
import { assign } from '../graph/assign.ts'
import * as ops from '../graph/operations.ts'
import type { Value } from '../graph/value.ts'
import { BOOLEAN, fail, mismatch, POSITIVE_INTEGER, type Read, SHARE } from '../numerics/errors.ts'
import { type Shape, sameShape, shapeText } from '../numerics/shape.ts'
import { reverse } from '../operations/recurrent.ts'
import { STATE } from '../session/layout.ts'
import { type Initializer, readInitializer, UNIT_FORGET_BIAS } from './initializers.ts'
import type { BuildContext, LayerOptions } from './layer.ts'
import { drawn } from './noise.ts'
import { weightReaders } from './options.ts'
import { orthogonal } from './orthogonal.ts'

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
  /**
   * In training, the share of the elements of h that are set to 0 where it enters the recurrent product, alike at all steps;
   * in [0, 1). Default 0.
   */
  readonly recurrentDropout?: number
  /**
   * Whether each row starts from the state in which the same row of the batch before ended, in fit, evaluate, predict and
   * trainStep, until `model.resetStates()`: a long sequence piece by piece, or step by step, has the numbers of the whole. Gradients
   * stop at the beginning of the piece, `fit` keeps the order of the rows (its validation goes on from the same states), and files
   * hold the states. Default false.
   */
  readonly stateful?: boolean
  /** With `stateful`, the number of rows of every batch. Default 1. */
  readonly batchSize?: number
}

/** The option with which a recurrent layer gives several values. */
export interface ReturnsState {
  /** A call gives [y, h] (lstm: [y, h, c]). */
  readonly returnState: true
}

/** Readers of the options of all layers over sequences. */
export const sequenceReaders = () =>
  ({
    useBias: [BOOLEAN, true],
    returnSequences: [BOOLEAN, false],
    returnState: [BOOLEAN, false],
    goBackwards: [BOOLEAN, false],
    dropout: [SHARE, 0],
    recurrentDropout: [SHARE, 0],
    stateful: [BOOLEAN, false],
    batchSize: [POSITIVE_INTEGER, 1],
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

export const gateWeights = () =>
  weightReaders({ kernel: 'glorotUniform', recurrent: orthogonal(), bias: 'zeros' })

/** x with features dropped, the same ones at all steps, and the mask of x. */
export function sequenceOf(
  context: BuildContext,
  x: Value,
  { dropout }: SequenceConfig,
): { x: Value; mask: Value | null } {
  const { g, training } = context
  const mask = g.masks?.of(x) ?? null
  const [batch, steps, ...rest] = x.shape
  if (steps === 0) mismatch('one step or more', shapeText(x.shape))
  if (mask && !sameShape(mask.shape, [batch, steps]))
    mismatch(`a mask of shape ${shapeText([batch, steps])}`, shapeText(mask.shape))
  if (!training || dropout === 0) return { x, mask }
  const factors = drawn(context, [batch, 1, ...rest], RANDOM_BERNOULLI, dropout, 'dropout')
  return { x: ops.times(g, x, factors), mask }
}

/**
 * The states of the first step, each of `shape`: those that a call was given behind its input, none, or, where they are kept,
 * those that the batch before has left.
 */
export function initialStates(
  { weight, isOutline }: BuildContext,
  inputs: readonly Value[],
  count: number,
  shape: Shape,
  { stateful, batchSize }: SequenceConfig,
): readonly Value[] {
  const given = inputs.slice(1)
  if (given.length !== 0 && given.length !== count)
    mismatch(`one input or ${count + 1} (with the initial states)`, inputs.length)
  for (const state of given) {
    if (!sameShape(state.shape, shape))
      mismatch(`initial states of shape ${shapeText(shape)}`, shapeText(state.shape))
  }
  if (!stateful) return given
  if (given.length > 0) fail('it is stateful and takes no initial states')
  const [batch, ...rest] = shape
  const states = ['h', 'c']
    .slice(0, count)
    .map((name) => weight(STATE + name, [batchSize, ...rest], { initializer: 'zeros', trainable: false }))
  if (batch !== batchSize && !(isOutline && batch === 1))
    mismatch(`batches of ${batchSize} rows (batchSize), whose states it keeps`, batch)
  return batch === batchSize ? states : []
}

/** The outputs of a layer over sequences, with masks set and states kept: a sequence has the mask of x, in its own order. */
export function sequenceOutputs(
  { g }: BuildContext,
  y: Value,
  initial: readonly Value[],
  states: readonly Value[],
  mask: Value | null,
  { returnSequences, returnState, goBackwards, stateful }: SequenceConfig,
): readonly Value[] {
  if (stateful)
    initial.forEach((state, i) => {
      assign(g, state, states[i])
    })
  const outputs = [y, ...(returnState ? states : [])]
  for (const value of outputs) g.masks?.set(value, null)
  if (mask && returnSequences) g.masks?.set(y, goBackwards ? g.add(reverse, [mask], { axis: 1 })[0] : mask)
  return outputs
}
