// Every operation of src/graph/ops in plain float64, with straightforward loops, and the evaluation of a list of
// operations by them. For tests alone: shares no code with the kernels and the planner, nothing
// shares memory, every value gets an array of its own. May assume what the kernels' `shapes` have checked.
import * as abi from '../../assembly/abi.ts'
import { type Epilogue, type KernelCall, type Op, outputsOf } from '../../src/graph/kernel.ts'
import type { BinaryName, ReduceAttributes } from '../../src/graph/ops/broadcast.ts'
import type { LossAttributes, MetricAttributes, PenaltyAttributes } from '../../src/graph/ops/loss.ts'
import type { MatmulAttributes } from '../../src/graph/ops/matmul.ts'
import type { SoftmaxAttributes } from '../../src/graph/ops/softmax.ts'
import type { Value } from '../../src/graph/value.ts'
import type { Shape } from '../../src/numerics/shape.ts'
import { elementCount } from '../../src/numerics/tensor.ts'
import { referenceKernels } from './kernels.ts'
import { differences, type LossCase, logSoftmax, referenceLoss, softmax } from './losses.ts'
import { formulaOf, unarySlope } from './unary.ts'

/** One flat, row-major array per input. */
export type Arrays = readonly ArrayLike<number>[]

/** What each operation's attributes are, by the kernel's name. */
interface Attributes {
  matmul: MatmulAttributes
  unary: Epilogue
  unaryGrad: Epilogue
  binary: { readonly fn: BinaryName }
  reduce: ReduceAttributes
  reshape: object
  expand: object
  permute: { readonly axes: readonly number[] }
  slice: { readonly axis: number; readonly start: number }
  unslice: { readonly axis: number; readonly start: number }
  concatenate: { readonly axis: number }
  copy: object
  convert: object
  softmax: SoftmaxAttributes
  softmaxGrad: SoftmaxAttributes
  loss: LossAttributes
  lossGrad: LossAttributes & { readonly seeded: boolean }
  penalty: PenaltyAttributes
  penaltyGrad: PenaltyAttributes & { readonly seeded: boolean; readonly accumulate: boolean }
  metric: MetricAttributes
}
type Reference<A> = (op: KernelCall<A>, x: Arrays) => Float64Array

const binaryFormulas: { readonly [N in BinaryName]: (a: number, b: number) => number } = {
  add: (a, b) => a + b,
  subtract: (a, b) => a - b,
  multiply: (a, b) => a * b,
  divide: (a, b) => a / b,
  maximum: Math.max,
  minimum: Math.min,
  greater: (a, b) => Number(a > b),
  greaterEqual: (a, b) => Number(a >= b),
  equal: (a, b) => Number(a === b),
}

/** Element `flat` of an array of `shape` has this index. */
function indexOf(flat: number, shape: Shape): number[] {
  const index: number[] = []
  for (let i = shape.length - 1; i >= 0; i--) {
    index[i] = flat % shape[i]
    flat = Math.floor(flat / shape[i])
  }
  return index
}

/** Position of an index, aligned at the right, in an array of `shape`; an axis of size 1 is broadcast. */
function flatOf(index: readonly number[], shape: Shape): number {
  const missing = index.length - shape.length
  return shape.reduce((flat, size, i) => flat * size + (size === 1 ? 0 : index[i + missing]), 0)
}

/** One output element after another from its index. */
function fill(shape: Shape, element: (index: number[], flat: number) => number): Float64Array {
  return Float64Array.from({ length: elementCount(shape) }, (_, flat) => element(indexOf(flat, shape), flat))
}

const with_ = (index: readonly number[], axis: number, value: number): number[] =>
  index.map((i, at) => (at === axis ? value : i))

/** Rows of the last axis; a value of rank 1 is one row. */
function byRows(shape: Shape, row: (at: number, cols: number) => readonly number[]): Float64Array {
  const cols = shape[shape.length - 1] ?? 1
  const out = new Float64Array(elementCount(shape))
  for (let at = 0; at < out.length; at += cols) out.set(row(at, cols), at)
  return out
}

const cut = (x: ArrayLike<number>, at: number, count: number): number[] =>
  Array.from({ length: count }, (_, i) => x[at + i])

const lossKinds: Readonly<Record<number, LossCase['kind']>> = {
  [abi.LOSS_MSE]: 'mse',
  [abi.LOSS_MAE]: 'mae',
  [abi.LOSS_HUBER]: 'huber',
  [abi.LOSS_LOG_COSH]: 'logCosh',
  [abi.LOSS_POISSON]: 'poisson',
  [abi.LOSS_HINGE]: 'hinge',
  [abi.LOSS_SQUARED_HINGE]: 'squaredHinge',
  [abi.LOSS_BCE]: 'bce',
  [abi.LOSS_BCE_LOGITS]: 'bceLogits',
  [abi.LOSS_CCE]: 'cce',
  [abi.LOSS_CCE_LOGITS]: 'cceLogits',
  [abi.LOSS_SPARSE_CCE]: 'sparseCce',
  [abi.LOSS_SPARSE_CCE_LOGITS]: 'sparseCceLogits',
  [abi.LOSS_KL_DIVERGENCE]: 'klDivergence',
  [abi.LOSS_CATEGORICAL_HINGE]: 'categoricalHinge',
  [abi.LOSS_COSINE_SIMILARITY]: 'cosineSimilarity',
}

/** A prediction of rank 0 or 1 is one element a row. */
function lossCase(attributes: LossAttributes, inputs: readonly Value[], x: Arrays): LossCase {
  const { shape } = inputs[0]
  const cols = shape.length > 1 ? shape[shape.length - 1] : 1
  const rows = elementCount(shape) / cols
  const { code, flags, param, scale, ignoreIndex } = attributes
  return {
    kind: lossKinds[code],
    rows,
    cols,
    target: x[1],
    weights: x[2],
    rowsPerWeight: inputs[2] ? rows / elementCount(inputs[2].shape) : 1,
    mean: (flags & abi.LOSS_MEAN) !== 0,
    ignoreIndex: flags & abi.LOSS_IGNORE_INDEX ? ignoreIndex : undefined,
    param,
    scale,
  }
}

const argmax = (row: readonly number[]): number => row.indexOf(Math.max(...row))

const referenceOps: { readonly [N in keyof Attributes]: Reference<Attributes[N]> } = {
  matmul: ({ output, inputs, attributes }, [a, b, third]) => {
    const { transposeA, transposeB, bias, accumulate, fn, alpha } = attributes
    const [M, N] = output.shape
    const K = inputs[0].shape[transposeA ? 0 : 1]
    const out = new Float64Array(M * N)
    for (let m = 0; m < M; m++) {
      for (let n = 0; n < N; n++) {
        let sum = bias ? third[n] : 0
        for (let k = 0; k < K; k++) {
          sum += a[transposeA ? k * M + m : m * K + k] * b[transposeB ? n * K + k : k * N + n]
        }
        out[m * N + n] = formulaOf(fn)(sum, alpha) + (accumulate ? third[m * N + n] : 0)
      }
    }
    return out
  },
  unary: ({ attributes: { fn, alpha } }, [x]) => Float64Array.from(x, (v) => formulaOf(fn)(v, alpha)),
  unaryGrad: ({ attributes: { fn, alpha } }, [dy, saved]) =>
    Float64Array.from(dy, (d, i) => d * unarySlope(fn, saved[i], alpha)),
  binary: ({ output, inputs: [p, q], attributes: { fn } }, [a, b]) =>
    fill(output.shape, (index) => binaryFormulas[fn](a[flatOf(index, p.shape)], b[flatOf(index, q.shape)])),
  reduce: ({ attributes: { fn, outer, reduced, inner, scale } }, [x]) => {
    const out = new Float64Array(outer * inner)
    for (let o = 0; o < outer; o++) {
      for (let i = 0; i < inner; i++) {
        let result = fn === 'sum' ? 0 : fn === 'max' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY
        for (let r = 0; r < reduced; r++) {
          const value = x[(o * reduced + r) * inner + i]
          result =
            fn === 'sum' ? result + value : fn === 'max' ? Math.max(result, value) : Math.min(result, value)
        }
        out[o * inner + i] = result * scale
      }
    }
    return out
  },
  reshape: (_, [x]) => Float64Array.from(x),
  expand: ({ output, inputs: [p] }, [x]) => fill(output.shape, (index) => x[flatOf(index, p.shape)]),
  permute: ({ output, inputs: [p], attributes: { axes } }, [x]) =>
    fill(output.shape, (index) => {
      const source: number[] = []
      axes.forEach((axis, i) => {
        source[axis] = index[i]
      })
      return x[flatOf(source, p.shape)]
    }),
  slice: ({ output, inputs: [p], attributes: { axis, start } }, [x]) =>
    fill(output.shape, (index) => x[flatOf(with_(index, axis, start + index[axis]), p.shape)]),
  unslice: ({ output, inputs: [p], attributes: { axis, start } }, [x, filled]) =>
    fill(output.shape, (index) => {
      const at = index[axis] - start
      return at >= 0 && at < p.shape[axis] ? x[flatOf(with_(index, axis, at), p.shape)] : filled[0]
    }),
  concatenate: ({ output, inputs, attributes: { axis } }, x) =>
    fill(output.shape, (index) => {
      let which = 0
      let at = index[axis]
      while (at >= inputs[which].shape[axis]) at -= inputs[which++].shape[axis]
      return x[which][flatOf(with_(index, axis, at), inputs[which].shape)]
    }),
  copy: (_, [x]) => Float64Array.from(x),
  convert: (_, [x]) => Float64Array.from(x),
  softmax: ({ output, attributes: { log } }, [x]) =>
    byRows(output.shape, (at, cols) => (log ? logSoftmax : softmax)(cut(x, at, cols))),
  // Jacobian of softmax: dy_k/dx_j = y_k ([j = k] - y_j); of log-softmax: [j = k] - e^y_j
  softmaxGrad: ({ output, attributes: { log } }, [dy, y]) =>
    byRows(output.shape, (at, cols) => {
      const d = cut(dy, at, cols)
      const p = cut(y, at, cols)
      return p.map((_, j) =>
        d.reduce((sum, dk, k) => {
          const same = Number(j === k)
          return sum + dk * (log ? same - Math.exp(p[j]) : p[k] * (same - p[j]))
        }, 0),
      )
    }),
  loss: ({ inputs, attributes }, x) => Float64Array.of(referenceLoss(lossCase(attributes, inputs, x), x[0])),
  lossGrad: ({ inputs, attributes }, x) => {
    const count = attributes.seeded ? inputs.length - 1 : inputs.length
    const seed = attributes.seeded ? x[count][0] : 1
    const own = lossCase(attributes, inputs.slice(0, count), x.slice(0, count))
    return Float64Array.from(
      differences((p) => referenceLoss(own, p), x[0]),
      (slope) => seed * slope,
    )
  },
  penalty: ({ attributes: { l1, l2 } }, [w]) =>
    Float64Array.of(Array.from(w).reduce((sum, v) => sum + l1 * Math.abs(v) + l2 * v * v, 0)),
  penaltyGrad: ({ inputs, attributes: { l1, l2, seeded, accumulate } }, x) => {
    const seed = seeded ? x[1][0] : 1
    const before = accumulate ? x[inputs.length - 1] : null
    return Float64Array.from(x[0], (v, i) => seed * (l1 * Math.sign(v) + 2 * l2 * v) + (before?.[i] ?? 0))
  },
  metric: ({ inputs: [p], attributes: { code, param, ignoreIndex } }, [x, y, weights]) => {
    const cols = p.shape.length > 1 ? p.shape[p.shape.length - 1] : 1
    const rows = x.length / cols
    let right = 0
    let count = 0
    for (let at = 0, row = 0; at < x.length; at += cols, row++) {
      if (ignoreIndex !== null && y[row] === ignoreIndex) continue
      const weight = weights ? weights[Math.floor((row * weights.length) / rows)] : 1
      const guess = cut(x, at, cols)
      if (code === abi.METRIC_BINARY_ACCURACY) {
        right += weight * guess.filter((v, i) => v > param === y[at + i] > 0.5).length
        count += weight * cols
      } else {
        const truth = code === abi.METRIC_SPARSE_ACCURACY ? y[row] : argmax(cut(y, at, cols))
        if (code !== abi.METRIC_ROWS) right += weight * Number(argmax(guess) === truth)
        count += weight
      }
    }
    return Float64Array.of(right, count)
  },
}

/** The output and the extras of an operation, from the arrays of its inputs. */
function referenceOf(op: Op, x: Arrays): readonly Float64Array[] {
  const { name } = op.kernel
  if (name in referenceOps)
    return [(referenceOps as Readonly<Record<string, Reference<never>>>)[name](op as never, x)]
  const reference = referenceKernels[name]
  if (!reference) throw new Error(`test/reference has no ${name}`)
  return reference(op, x)
}

/** Every value that `ops`, in their order, make from `leaves`; constants need not be given. */
export function evaluate(
  ops: readonly Op[],
  leaves: ReadonlyMap<Value, ArrayLike<number>>,
): ReadonlyMap<Value, ArrayLike<number>> {
  const values = new Map(leaves)
  for (const op of ops) {
    const arrays = op.inputs.map((input) => {
      const array = values.get(input) ?? input.leaf?.data
      if (!array) throw new Error(`%${input.id} of ${op.kernel.name} has no value`)
      return array
    })
    const results = referenceOf(op, arrays)
    outputsOf(op).forEach((value, i) => {
      values.set(value, results[i])
    })
  }
  return values
}
