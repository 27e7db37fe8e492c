// Recurrent cells over whole sequences as ONNX nodes, which take the sequence [steps, batch, features] and the weights of all
// products, each gate's rows below those of the one before. Steps that don't count are taken out and put back, so that a mask may
// have any form: the steps that count come first, in their order (TopK), the node reads so many (sequence_lens), and the state
// after a step is found by how many steps up to it count (CumSum).

import type { Op } from '../../../graph/kernel.ts'
import type { Value } from '../../../graph/value.ts'
import type { RecurrentAttributes } from '../../../operations/recurrent.ts'
import { DATA_TYPE } from '../messages.ts'
import type { OnnxBuilder } from './builder.ts'
import { type Form, type FormContext, float } from './form.ts'
import { swapped } from './plain-forms.ts'
import type { Attributes, Tensor } from './tensor.ts'

interface Cell {
  readonly op: 'LSTM' | 'GRU' | 'RNN'
  /** Our gates in the order of ONNX. */
  readonly gates: readonly number[]
  readonly own?: (attributes: RecurrentAttributes) => Attributes
}

const FUNCTIONS: Readonly<Record<string, string>> = { tanh: 'Tanh', relu: 'Relu', sigmoid: 'Sigmoid' }

const cells: Readonly<Record<string, Cell>> = {
  // i, f, g, o to i, o, f, g
  lstm: { op: 'LSTM', gates: [0, 3, 1, 2] },
  gru: { op: 'GRU', gates: [0, 1, 2], own: () => ({ linear_before_reset: 1 }) },
  gruBefore: { op: 'GRU', gates: [0, 1, 2] },
  simpleRnn: {
    op: 'RNN',
    gates: [0],
    own: ({ fn }): Attributes =>
      Object.hasOwn(FUNCTIONS, fn.name)
        ? { activations: [FUNCTIONS[fn.name]] }
        : { activations: ['Affine'], activation_alpha: [float(1)], activation_beta: [float(0)] },
  },
}

/** What the input products xz are made of: x, its kernel and bias. Where they are something else, they are x. */
function productsOf(
  { b, trace, tensorOf }: FormContext,
  xz: Value,
): { x: Tensor; kernel: Tensor; bias: Tensor | null } {
  const [batch, steps, columns] = trace.dimsOf(xz)
  const made = (value: Value): Op | undefined => {
    const op = trace.producerOf(value)
    return op?.kernel.view ? made(op.inputs[0]) : op
  }
  const last = made(xz)
  const isSum = last?.kernel.name === 'binary' && (last.attributes as { fn?: string }).fn === 'add'
  const product = isSum ? made(last.inputs[0]) : last
  const { transposeA, transposeB } = (product?.attributes ?? {}) as {
    transposeA?: boolean
    transposeB?: boolean
  }
  if (product?.kernel.name === 'matmul' && !transposeA && (!isSum || last.inputs[1].shape.length === 1)) {
    const [rows, kernel] = product.inputs.map(tensorOf)
    return {
      x: b.reshape(rows, [batch, steps, rows.dims[1]]),
      kernel: swapped(b, kernel, transposeB === true),
      bias: isSum ? tensorOf(last.inputs[1]) : null,
    }
  }
  const same = Float32Array.from({ length: columns * columns }, (_, at) => (at % (columns + 1) === 0 ? 1 : 0))
  return { x: tensorOf(xz), kernel: b.constant(same, [columns, columns]), bias: null }
}

/** The gates' columns of [..., gates u] in another order. */
function inOrder(b: OnnxBuilder, x: Tensor, gates: readonly number[]): Tensor {
  const axis = x.dims.length - 1
  const units = x.dims[axis] / gates.length
  if (gates.every((gate, i) => gate === i)) return x
  return b.concatenate(
    gates.map((gate) => b.slice(x, axis, gate * units, units)),
    axis,
  )
}

/** A mask [batch, steps] as what moves its steps. */
function stepsOf(b: OnnxBuilder, mask: Tensor) {
  const { dims } = mask
  const [batch, steps] = dims
  const { int32, int64, float: real } = DATA_TYPE
  // steps that count above all others, earlier ones above later ones
  const places = b.vector(Array.from({ length: steps }, (_, t) => steps - 1 - t))
  const ranks = b.binary('Add', b.binary('Mul', mask, b.scalar(steps)), places)
  const [, order] = b.node('TopK', [ranks, b.ints([steps])], [dims, dims], { axis: 1 }, int64)
  const [counts] = b.node('CumSum', [mask, b.ints([1])], [dims])
  const [total] = b.node('ReduceSum', [mask, b.ints([1])], [[batch]], { keepdims: 0 })
  return {
    /** Steps of x that count, in front. */
    packed: (x: Tensor): Tensor =>
      b.node('GatherND', [x, b.reshape(order, [...dims, 1])], [x.dims], { batch_dims: 1 })[0],
    // a sequence of no steps isn't allowed; what it gives isn't read
    lengths: b.cast(b.binary('Max', total, b.scalar(1)), int32),
    /** The states after all steps, `first` in front of those of the steps that count. */
    unpacked(y: Tensor, first: Tensor): Tensor {
      const all = b.concatenate([b.reshape(first, [batch, 1, y.dims[2]]), y], 1)
      const at = b.reshape(b.cast(counts, int64), [...dims, 1])
      return b.node('GatherND', [all, at], [y.dims], { batch_dims: 1 })[0]
    },
    /** `last` where any step counts, else `first`. */
    chosen(last: Tensor, first: Tensor): Tensor {
      const any = b.cast(b.reshape(b.cast(total, DATA_TYPE.bool), [batch, 1]), DATA_TYPE.bool)
      return b.node('Where', [any, last, first], [last.dims], {}, real)[0]
    },
  }
}

const recurrent: Form<RecurrentAttributes> = (context, call, inputs) => {
  const { b } = context
  const { attributes, extras, kernel: cell } = call
  const { op, gates, own } = cells[cell.name]
  let next = 0
  const slots = attributes.given.map((is) => (is ? inputs[next++] : null))
  const [, first, second, recurrentBias, mask, h0, c0] = slots as [Tensor, Tensor, ...(Tensor | null)[]]
  const given = productsOf(context, call.inputs[0])
  const [batch, steps] = given.x.dims
  const kernel = second ? b.concatenate([first, second], 1) : first
  const units = kernel.dims[0]
  const columns = gates.length * units

  const rows = (x: Tensor) => b.reshape(swapped(b, inOrder(b, x, gates), true), [1, columns, x.dims[0]])
  const half = (bias: Tensor | null) => (bias ? inOrder(b, bias, gates) : b.filled(0, columns))
  const { bias } = given
  const biases =
    bias || recurrentBias
      ? b.reshape(b.concatenate([half(bias), half(recurrentBias)], 0), [1, 2 * columns])
      : null
  const ordered = (x: Tensor) => (attributes.reverse ? b.flip(x, 1) : x)
  const counted = mask ? stepsOf(b, ordered(mask)) : null
  const x = counted ? counted.packed(ordered(given.x)) : ordered(given.x)
  const state = [batch, units]
  const startOf = (value: Tensor | null | undefined) => value ?? b.expand(b.scalar(0), state)
  const initial = (value: Tensor | null | undefined) => (value ? b.reshape(value, [1, batch, units]) : null)
  const hasC = op === 'LSTM'
  const [all, h, c] = b.node(
    op,
    [
      b.transpose(x, [1, 0, 2]),
      rows(given.kernel),
      rows(kernel),
      biases,
      counted?.lengths ?? null,
      initial(h0),
      ...(hasC ? [initial(c0)] : []),
    ],
    [[steps, 1, batch, units], ...(hasC ? [1, 2] : [1]).map(() => [1, batch, units])],
    { hidden_size: units, ...own?.(attributes) },
  )
  const sequence = b.transpose(b.reshape(all, [steps, batch, units]), [1, 0, 2])
  const y = counted ? counted.unpacked(sequence, startOf(h0)) : sequence
  const last = counted ? b.reshape(b.slice(y, 1, steps - 1, 1), state) : b.reshape(h, state)
  const found: (Tensor | undefined)[] = [attributes.sequence ? y : last, last]
  if (!hasC) return found
  const lastC = b.reshape(c, state)
  found[extras.length] = counted ? counted.chosen(lastC, startOf(c0)) : lastC
  return found
}

/** Forms by the names of kernels. */
export const recurrentForms: Readonly<Record<string, Form>> = Object.fromEntries(
  Object.keys(cells).map((name) => [name, recurrent as Form]),
)
