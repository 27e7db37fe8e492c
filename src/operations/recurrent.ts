// Operations of recurrent cells over whole sequences. Enters: the input products of all steps, xz [B, T, parts u],
// recurrent kernels, initial states, a mask [B, T] (0: the step leaves the state as it is). Leaves: y, the state after
// each step [B, T, u] or the last one [B, u], and the last states. One instruction forward, one backward; the
// gradients of the recurrent kernels are products over all steps at once.
import * as abi from '../../assembly/abi.ts'
import { recurrentModule } from '../binaries/recurrent.ts'
import type { UnaryFunction } from '../graph/functions.ts'
import type { Addresses, Kernel, KernelCall, Writer } from '../graph/kernel.ts'
import { sum } from '../graph/ops/broadcast.ts'
import { matmul, matmulScratchBytes } from '../graph/ops/matmul.ts'
import { reshape, slice } from '../graph/ops/moves.ts'
import { weighted } from '../graph/ops/ranges.ts'
import type { Value } from '../graph/value.ts'
import { elementCount } from '../numerics/tensor.ts'

export interface RecurrentAttributes {
  /**
   * Whether each input is given. Forward: xz, U [u, width u], U2 [u, u], bias [width u], mask, h0 [B, u], c0 [B, u].
   * Backward: gates, before, saved, U, U2, mask, dy, dh, dc.
   */
  readonly given: readonly boolean[]
  /** Whether y is [B, T, u], in the order of reading, instead of [B, u]. */
  readonly sequence: boolean
  /** Whether steps are read from the end. */
  readonly reverse: boolean
  /** The function of simpleRnn: tanh, relu, sigmoid or linear, whose slopes are computed from their values. */
  readonly fn: UnaryFunction
  /** For the backward operation: whether the gradient of the initial state is wanted. */
  readonly state?: boolean
}

type Call = KernelCall<RecurrentAttributes>
export type RecurrentKernel = Kernel<RecurrentAttributes>

/** The properties in which cells differ; columns in units of u. */
interface Cell {
  /** Number of gates in xz. */
  readonly parts: number
  /** Columns of the recurrent product. */
  readonly width: number
  /** Columns of the gates that are kept for the backward phase. */
  readonly kept: number
  /** Whether there is a c beside h. */
  readonly hasC?: boolean
  /** Whether there is a second product. */
  readonly hasSecond?: boolean
  /** Whether the gradient of the recurrent product isn't dxz. */
  readonly splits?: boolean
}

/** The inputs by position, null for those that aren't given. */
function slotsOf({ inputs, attributes: { given } }: Call): (Value | null)[] {
  let next = 0
  return given.map((is) => (is ? inputs[next++] : null))
}

/** Writes a recurrent operation without the inputs that are null. Returns y, the last h and the other outputs. */
export function recur(
  g: Writer,
  kernel: RecurrentKernel,
  inputs: readonly (Value | null)[],
  attributes: Omit<RecurrentAttributes, 'given'>,
): readonly Value[] {
  const given = inputs.map((input) => input !== null)
  return g.add(
    kernel,
    inputs.filter((input) => input !== null),
    { ...attributes, given },
  )
}

const stepsAsRows = (g: Writer, x: Value): Value => reshape(g, x, [x.shape[0] * x.shape[1], x.shape[2]])

/** Outputs forward: y, h, gates, before, and by kind: saved (c before each step, or r h), c. Backward: dxz, dh0, dc0 or dhz. */
function cell(
  name: string,
  code: number,
  { parts, width, kept, hasC = false, hasSecond = false, splits = false }: Cell,
): RecurrentKernel {
  const saves = hasC || hasSecond
  const scratchBytesFor = (batch: number, units: number): number =>
    abi.PRODUCT_BYTES +
    4 * batch * units * (width + (hasSecond ? 2 : 0)) +
    Math.max(...[1, width].map((depth) => matmulScratchBytes(batch, depth * units)))
  /** RECURRENT_BATCH, STEPS, UNITS, FLAGS, FN, ARENA and SCRATCH. */
  const shapeWords = (
    before: Value,
    { sequence, reverse, fn, state }: RecurrentAttributes,
    at: Addresses,
  ): number[] => [
    ...before.shape,
    (sequence ? abi.RECURRENT_SEQUENCE : 0) |
      (reverse ? abi.RECURRENT_REVERSE : 0) |
      (state ? abi.RECURRENT_STATE : 0),
    fn.code,
    at.header,
    at.scratch,
  ]

  const backward: RecurrentKernel = {
    name: `${name}Grad`,
    module: recurrentModule,
    code: code + 1,
    reuses: [0],
    shapes([, { shape }]) {
      const [batch, steps, units] = shape
      const extra = hasC ? [[batch, units]] : splits ? [[batch, steps, width * units]] : []
      return [[batch, steps, parts * units], [batch, units], ...extra]
    },
    words(op, at) {
      const [gates, before, saved, u, u2, mask, dy, dh, dc] = slotsOf(op)
      const [dh0, third] = op.extras
      return {
        [abi.RECURRENT_XZ]: dy,
        [abi.RECURRENT_U]: u,
        [abi.RECURRENT_U2]: u2,
        [abi.RECURRENT_BIAS]: splits ? third : null,
        [abi.RECURRENT_MASK]: mask,
        [abi.RECURRENT_H0]: dh,
        [abi.RECURRENT_C0]: dc,
        [abi.RECURRENT_Y]: op.output,
        [abi.RECURRENT_H]: dh0,
        [abi.RECURRENT_C]: hasC ? third : null,
        [abi.RECURRENT_GATES]: gates,
        [abi.RECURRENT_BEFORE]: before,
        [abi.RECURRENT_SAVED]: saved,
        [abi.RECURRENT_BATCH]: shapeWords(before as Value, op.attributes, at),
      }
    },
    scratchBytes: ({ inputs: [, { shape }] }) => scratchBytesFor(shape[0], shape[2]),
  }

  return {
    name,
    module: recurrentModule,
    code,
    shapes([{ shape }], { sequence }) {
      const [batch, steps, columns] = shape
      const units = columns / parts
      const all = [batch, steps, units]
      const last = [batch, units]
      const extras = [last, [batch, steps, kept * units], all]
      return [sequence ? all : last, ...extras, ...(saves ? [all] : []), ...(hasC ? [last] : [])]
    },
    words(op, at) {
      const [xz, u, u2, bias, mask, h0, c0] = slotsOf(op)
      const [h, gates, before, saved, c] = op.extras
      return {
        [abi.RECURRENT_XZ]: xz,
        [abi.RECURRENT_U]: u,
        [abi.RECURRENT_U2]: u2,
        [abi.RECURRENT_BIAS]: bias,
        [abi.RECURRENT_MASK]: mask,
        [abi.RECURRENT_H0]: h0,
        [abi.RECURRENT_C0]: c0,
        [abi.RECURRENT_Y]: op.output,
        [abi.RECURRENT_H]: h,
        [abi.RECURRENT_C]: c,
        [abi.RECURRENT_GATES]: gates,
        [abi.RECURRENT_BEFORE]: before,
        [abi.RECURRENT_SAVED]: saved,
        [abi.RECURRENT_BATCH]: shapeWords(before, op.attributes, at),
      }
    },
    scratchBytes: ({ extras: [{ shape }] }) => scratchBytesFor(shape[0], shape[1]),
    range: (op, known) => weighted(op, known, op.attributes.fn),
    gradients(g, op, [dy, dh, , , , dc = null]) {
      const { given, sequence, reverse, fn } = op.attributes
      const [, u, u2, , mask, h0, c0] = slotsOf(op)
      const [, gates, before, saved = null] = op.extras
      const inputs = [gates, before, saved, u, u2, mask, dy, dh, dc]
      const state = h0 !== null || c0 !== null
      const [dxz, dh0, third] = recur(g, backward, inputs, { sequence, reverse, fn, state })
      const transposeA = true
      const rows = stepsAsRows(g, dxz)
      let dz = splits ? stepsAsRows(g, third) : rows
      let du2: Value | null = null
      if (hasSecond) {
        const units = before.shape[2]
        dz = slice(g, rows, 1, 0, width * units)
        du2 = matmul(g, stepsAsRows(g, saved as Value), slice(g, rows, 1, width * units, units), {
          transposeA,
        })
      }
      const du = matmul(g, stepsAsRows(g, before), dz, { transposeA })
      const dbias = given[3] ? sum(g, dz, [0]) : null
      const all = [dxz, du, du2, dbias, null, dh0, hasC ? third : null]
      return all.filter((_, i) => given[i])
    },
  }
}

/** c' = sigmoid(f) c + sigmoid(i) tanh(g), h' = sigmoid(o) tanh(c'); columns i, f, g, o of xz + h . U. */
export const lstm: RecurrentKernel = /*#__PURE__*/ cell('lstm', abi.OP_LSTM, {
  parts: 4,
  width: 4,
  kept: 4,
  hasC: true,
})

/** h' = z h + (1 - z) tanh(x_n + r (h . U + bias)_n), z, r = sigmoid(xz + h . U + bias); columns z, r, n. */
export const gru: RecurrentKernel = /*#__PURE__*/ cell('gru', abi.OP_GRU, {
  parts: 3,
  width: 3,
  kept: 4,
  splits: true,
})

/** A GRU with the reset gate before the product: tanh(x_n + (r h) . U2); U has columns z, r. */
export const gruBefore: RecurrentKernel = /*#__PURE__*/ cell('gruBefore', abi.OP_GRU_BEFORE, {
  parts: 3,
  width: 2,
  kept: 3,
  hasSecond: true,
})

/** h' = fn(xz + h . U). */
export const simpleRnn: RecurrentKernel = /*#__PURE__*/ cell('simpleRnn', abi.OP_SIMPLE_RNN, {
  parts: 1,
  width: 1,
  kept: 1,
})

/** The same array with the order of one axis reversed. */
export const reverse: Kernel<{ readonly axis: number }> = {
  name: 'reverse',
  module: recurrentModule,
  code: abi.OP_REVERSE,
  words: ({ output, inputs: [x], attributes: { axis } }) => ({
    [abi.REVERSE_DST]: output,
    [abi.REVERSE_SRC]: x,
    [abi.REVERSE_OUTER]: elementCount(x.shape.slice(0, axis)),
    [abi.REVERSE_STEPS]: x.shape[axis],
    [abi.REVERSE_INNER]: elementCount(x.shape.slice(axis + 1)),
  }),
  gradient: (g, { attributes }, dy) => g.add(reverse, [dy], attributes),
}
