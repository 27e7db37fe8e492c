// The operations of the core (graph/ops), of embeddings and of classes as ONNX nodes.
import type { UnaryFunction } from '../../../graph/functions.ts'
import type { FunctionName } from '../../../graph/mathematics.ts'
import type { BinaryName, ReduceAttributes } from '../../../graph/ops/broadcast.ts'
import { fail } from '../../../numerics/errors.ts'
import type { EncodeCategoriesAttributes } from '../../../operations/normalize.ts'
import { DATA_TYPE } from '../messages.ts'
import type { OnnxBuilder } from './builder.ts'
import { type Form, float } from './form.ts'
import type { Tensor } from './tensor.ts'

const clip = (b: OnnxBuilder, x: Tensor, low: number, high: number) =>
  b.map('Clip', x, {}, [b.scalar(low), b.scalar(high)])
const times = (b: OnnxBuilder, x: Tensor, y: Tensor | number) =>
  b.binary('Mul', x, typeof y === 'number' ? b.scalar(y) : y)
const plus = (b: OnnxBuilder, x: Tensor, y: number) => b.binary('Add', x, b.scalar(y))

type Unary = (b: OnnxBuilder, x: Tensor, alpha: number) => Tensor
const plain =
  (op: string): Unary =>
  (b, x) =>
    b.map(op, x)
const withAlpha =
  (op: string): Unary =>
  (b, x, alpha) =>
    b.map(op, x, { alpha: float(alpha) })

const unary: Readonly<Record<FunctionName, Unary>> = {
  linear: (_, x) => x,
  relu: plain('Relu'),
  relu6: (b, x) => clip(b, x, 0, 6),
  leakyRelu: withAlpha('LeakyRelu'),
  elu: withAlpha('Elu'),
  celu: withAlpha('Celu'),
  selu: plain('Selu'),
  gelu: (b, x) => times(b, times(b, x, 0.5), plus(b, b.map('Erf', times(b, x, Math.SQRT1_2)), 1)),
  geluTanh(b, x) {
    const cubic = times(b, times(b, times(b, x, x), x), 0.044715)
    const inner = times(b, b.binary('Add', x, cubic), Math.sqrt(2 / Math.PI))
    return times(b, times(b, x, 0.5), plus(b, b.map('Tanh', inner), 1))
  },
  silu: (b, x) => times(b, x, b.map('Sigmoid', x)),
  sigmoid: plain('Sigmoid'),
  logSigmoid: (b, x) => b.map('Neg', b.map('Softplus', b.map('Neg', x))),
  tanh: plain('Tanh'),
  softplus: plain('Softplus'),
  softsign: plain('Softsign'),
  hardSigmoid: (b, x, alpha) => b.map('HardSigmoid', x, { alpha: float(alpha || 1 / 6), beta: float(0.5) }),
  hardSwish: plain('HardSwish'),
  hardTanh: (b, x) => clip(b, x, -1, 1),
  mish: (b, x) => times(b, x, b.map('Tanh', b.map('Softplus', x))),
  exp: plain('Exp'),
  square: (b, x) => times(b, x, x),
  negate: plain('Neg'),
  abs: plain('Abs'),
  sign: plain('Sign'),
  log: plain('Log'),
  sqrt: plain('Sqrt'),
  reciprocal: plain('Reciprocal'),
  erf: plain('Erf'),
}

const binary: Readonly<Record<BinaryName, string>> = {
  add: 'Add',
  subtract: 'Sub',
  multiply: 'Mul',
  divide: 'Div',
  maximum: 'Max',
  minimum: 'Min',
  greater: 'Greater',
  greaterEqual: 'GreaterOrEqual',
  equal: 'Equal',
}
const COMPARISONS: readonly BinaryName[] = ['greater', 'greaterEqual', 'equal']

/** The last two axes swapped. */
export const swapped = (b: OnnxBuilder, x: Tensor, isSwapped: boolean): Tensor => {
  const axes = x.dims.map((_, i) => i)
  return isSwapped ? b.transpose(x, [...axes.slice(0, -2), axes[axes.length - 1], axes[axes.length - 2]]) : x
}

const product: Form<{ readonly transposeA: boolean; readonly transposeB: boolean }> = (
  { b },
  { attributes: { transposeA, transposeB } },
  [x, y],
) => b.matmul(swapped(b, x, transposeA), swapped(b, y, transposeB))

const same: Form = (_, __, [x]) => x

/** Forms by the names of kernels. */
export const plainForms: Readonly<Record<string, Form>> = {
  copy: same,
  convert: ({ b }, _, [x]) => b.cast(x, DATA_TYPE.float),
  stopGradient: same,
  reshape: ({ b, trace }, { output }, [x]) => b.reshape(x, trace.dimsOf(output)),
  permute: (({ b }, { attributes: { axes } }, [x]) => b.transpose(x, axes)) as Form<{
    readonly axes: readonly number[]
  }>,
  slice: (({ b }, { attributes: { axis, start, size } }, [x]) => b.slice(x, axis, start, size)) as Form<{
    readonly axis: number
    readonly start: number
    readonly size: number
  }>,
  unslice: (({ b, trace }, { attributes: { axis, start }, output, inputs: [, filled] }, [x]) =>
    b.pad(x, axis, start, trace.dimsOf(output)[axis], filled.leaf?.data?.[0])) as Form<{
    readonly axis: number
    readonly start: number
  }>,
  split: (({ b }, { attributes: { axis, parts } }, [x]) => {
    const size = x.dims[axis] / parts
    return Array.from({ length: parts }, (_, i) => b.slice(x, axis, i * size, size))
  }) as Form<{ readonly axis: number; readonly parts: number }>,
  concatenate: (({ b }, { attributes: { axis } }, values) => b.concatenate(values, axis)) as Form<{
    readonly axis: number
  }>,
  expand: ({ b, trace }, { output }, [x]) => b.expand(x, trace.dimsOf(output)),
  reverse: (({ b }, { attributes: { axis } }, [x]) => b.flip(x, axis)) as Form<{ readonly axis: number }>,
  unary: (({ b }, { attributes: { fn, alpha } }, [x]) => unary[fn.name](b, x, alpha)) as Form<{
    readonly fn: UnaryFunction<FunctionName>
    readonly alpha: number
  }>,
  binary: (({ b }, { attributes: { fn } }, [x, y]) =>
    COMPARISONS.includes(fn)
      ? b.cast(b.binary(binary[fn], x, y, DATA_TYPE.bool), DATA_TYPE.float)
      : b.binary(binary[fn], x, y)) as Form<{ readonly fn: BinaryName }>,
  reduce: (({ b, trace }, { attributes, inputs: [x], output }, [given]) => {
    const { fn, reduced, scale, shape } = attributes
    const axes = trace.dimsOf(x).flatMap((n, axis) => (shape[axis] === 1 && n !== 1 ? axis : []))
    if (fn !== 'sum') return b.reduce(fn === 'max' ? 'ReduceMax' : 'ReduceMin', given, axes)
    if (Math.abs(scale * reduced - 1) < 1e-6) return b.reduce('ReduceMean', given, axes)
    if (scale !== 1 && axes.some((axis) => trace.dimsOf(x)[axis] < 0))
      fail('a sum over the batch that is scaled by its size')
    const sum = b.reduce('ReduceSum', given, axes)
    return scale === 1 ? sum : times(b, b.reshape(sum, trace.dimsOf(output)), scale)
  }) as Form<ReduceAttributes>,
  softmax: (({ b }, { attributes: { log } }, [x]) =>
    b.node(log ? 'LogSoftmax' : 'Softmax', [x], [x.dims], { axis: -1 })[0]) as Form<{
    readonly log: boolean
  }>,
  batchMatmul: product as Form,
  gather: ({ b, trace }, { output }, [table, ids]) =>
    b.node('Gather', [table, ids], [trace.dimsOf(output)], { axis: 0 })[0],
  nonZero: ({ b }, _, [ids]) => b.cast(b.cast(ids, DATA_TYPE.bool), DATA_TYPE.float),
  encodeCategories: (({ b, trace }, { attributes: { tokens, count }, output }, [ids]) => {
    const all = b.constant(
      Int32Array.from({ length: tokens }, (_, i) => i),
      [tokens],
    )
    const lists = b.reshape(ids, [...ids.dims, 1])
    const [equal] = b.node('Equal', [lists, all], [[...ids.dims, tokens]], {}, DATA_TYPE.bool)
    const found = b.reduce(count ? 'ReduceSum' : 'ReduceMax', b.cast(equal, DATA_TYPE.float), [
      ids.dims.length - 1,
    ])
    return b.reshape(found, trace.dimsOf(output))
  }) as Form<EncodeCategoriesAttributes>,
  matmul: product as Form,
}
