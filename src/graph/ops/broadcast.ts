// Functions of two broadcast values, expansion and reductions: each other's gradients, since what broadcasting spreads out
// is summed on the way back.
import * as abi from '../../../assembly/abi.ts'
import { extrasModule } from '../../binaries/core.ts'
import { mathematicsModule } from '../../binaries/mathematics.ts'
import { fail } from '../../numerics/errors.ts'
import { type Shape, sameShape, shapeText } from '../../numerics/shape.ts'
import { elementCount } from '../../numerics/tensor.ts'
import { f32 } from '../../numerics/words.ts'
import { unaryFunctions } from '../functions.ts'
import type { Kernel, Writer } from '../kernel.ts'
import type { Value } from '../value.ts'
import { reshape } from './moves.ts'
import { moved, weighted } from './ranges.ts'
import { copyOf, stridesOf, walkWords } from './strides.ts'
import { unary } from './unary.ts'

export const binaryFunctions = {
  add: abi.BINARY_ADD,
  subtract: abi.BINARY_SUBTRACT,
  multiply: abi.BINARY_MULTIPLY,
  divide: abi.BINARY_DIVIDE,
  maximum: abi.BINARY_MAXIMUM,
  minimum: abi.BINARY_MINIMUM,
  greater: abi.BINARY_GREATER,
  greaterEqual: abi.BINARY_GREATER_EQUAL,
  equal: abi.BINARY_EQUAL,
} as const
export type BinaryName = keyof typeof binaryFunctions

export const reductions = { sum: abi.REDUCE_SUM, max: abi.REDUCE_MAX, min: abi.REDUCE_MIN } as const
export type ReductionName = keyof typeof reductions

/** The axes of both shapes, aligned at the right, broadcast against each other. */
function broadcastShape(a: Shape, b: Shape): Shape {
  const rank = Math.max(a.length, b.length)
  const shape: number[] = []
  for (let i = 0; i < rank; i++) {
    const p = a[i - rank + a.length] ?? 1
    const q = b[i - rank + b.length] ?? 1
    if (p !== q && p !== 1 && q !== 1) fail(`shapes ${shapeText(a)} and ${shapeText(b)} don't broadcast`)
    shape.push(p === 1 ? q : p)
  }
  return shape
}

// ---- functions of two values ----------------------------------------------------------------------

/** A sum, difference or product. */
export const binaryKernel: Kernel<{ readonly fn: BinaryName }> = {
  name: 'binary',
  code: abi.OP_BINARY,
  module: extrasModule,
  shapes: ([a, b]) => [broadcastShape(a.shape, b.shape)],
  words({ output, inputs, attributes: { fn } }) {
    const { shape } = output
    const walk = walkWords(
      shape,
      inputs.map((input) => stridesOf(input.shape, shape)),
    )
    return {
      [abi.BINARY_DST]: [output, ...inputs],
      [abi.BINARY_FN]: binaryFunctions[fn],
      [abi.BINARY_WALK]: walk,
    }
  },
  reuses: [0, 1],
  isSum: ({ fn }) => fn === 'add',
  text: ({ fn }) => fn,
  range(op, known) {
    const { fn } = op.attributes
    const isSum = fn === 'add' || fn === 'subtract'
    const range = isSum || fn === 'multiply' ? weighted(op, known) : null
    if (range || !isSum) return range
    const ranges = op.inputs.map((input) => known.rangeOf(input))
    return ranges.find((own) => own?.low === -Infinity && own.high === Infinity) ?? null
  },
  gradient(g, { attributes: { fn }, inputs: [a, b] }, dy) {
    const isProduct = fn === 'multiply'
    return gradients(
      g,
      [a, b],
      () => (isProduct ? times(g, dy, b) : dy),
      () => (isProduct ? times(g, dy, a) : fn === 'subtract' ? unary(g, unaryFunctions.negate, dy) : dy),
    )
  },
}

/** The gradients of two operands, each summed to the operand's shape. */
const gradients = (g: Writer, [a, b]: readonly Value[], da: () => Value, db: () => Value): Value[] => [
  sumTo(g, da(), a.shape),
  sumTo(g, db(), b.shape),
]

/** y = a / b:  da = dy / b,  db = -(dy / b) y */
export const quotientKernel: Kernel<{ readonly fn: BinaryName }> = {
  ...binaryKernel,
  gradient(g, { inputs, output }, dy) {
    const da = binary(g, 'divide', dy, inputs[1])
    return gradients(
      g,
      inputs,
      () => da,
      () => unary(g, unaryFunctions.negate, times(g, da, output)),
    )
  },
}

/** The larger of two: at a tie the second operand takes the gradient. */
export const maximumKernel: Kernel<{ readonly fn: BinaryName }> = {
  ...binaryKernel,
  gradient: (g, { inputs }, dy) =>
    gradients(
      g,
      inputs,
      () => times(g, dy, binary(g, 'greater', inputs[0], inputs[1])),
      () => times(g, dy, binary(g, 'greaterEqual', inputs[1], inputs[0])),
    ),
}

/** The smaller of two: at a tie the first operand takes the gradient. */
export const minimumKernel: Kernel<{ readonly fn: BinaryName }> = {
  ...binaryKernel,
  gradient: (g, { inputs }, dy) =>
    gradients(
      g,
      inputs,
      () => times(g, dy, binary(g, 'greaterEqual', inputs[1], inputs[0])),
      () => times(g, dy, binary(g, 'greater', inputs[0], inputs[1])),
    ),
}

/** Comparisons are constant almost everywhere. */
export const comparisonKernel: Kernel<{ readonly fn: BinaryName }> = { ...binaryKernel, gradient: () => [] }

/** The kernel of each function: a program carries the gradients of those that it names. */
export const binaryKernels: Readonly<Record<BinaryName, Kernel<{ readonly fn: BinaryName }>>> = {
  add: binaryKernel,
  subtract: binaryKernel,
  multiply: binaryKernel,
  divide: quotientKernel,
  maximum: maximumKernel,
  minimum: minimumKernel,
  greater: comparisonKernel,
  greaterEqual: comparisonKernel,
  equal: comparisonKernel,
}

function write(
  g: Writer,
  kernel: Kernel<{ readonly fn: BinaryName }>,
  fn: BinaryName,
  operands: readonly (Value | number)[],
): Value {
  const values = operands.map((given) => (typeof given === 'number' ? g.constant(given) : given))
  return g.add(kernel, values, { fn })[0]
}

/** fn(a, b), element by element; shapes broadcast as in NumPy. Either may be a number. */
export const binary = (g: Writer, fn: BinaryName, a: Value | number, b: Value | number): Value =>
  write(g, binaryKernels[fn], fn, [a, b])

/** a + b; shapes broadcast, either may be a number. */
export const plus = (g: Writer, a: Value | number, b: Value | number): Value =>
  write(g, binaryKernel, 'add', [a, b])

/** a - b; shapes broadcast, either may be a number. */
export const minus = (g: Writer, a: Value | number, b: Value | number): Value =>
  write(g, binaryKernel, 'subtract', [a, b])

/** a b, element by element; shapes broadcast, either may be a number. */
export const times = (g: Writer, a: Value | number, b: Value | number): Value =>
  write(g, binaryKernel, 'multiply', [a, b])

/** x times a number. */
export const scale = (g: Writer, x: Value, factor: number): Value => (factor === 1 ? x : times(g, x, factor))

// ---- expansion and its transpose ------------------------------------------------------------------

export const expandKernel: Kernel<{ readonly shape: Shape }> = {
  name: 'expand',
  module: extrasModule,
  shapes([x], { shape }) {
    if (!sameShape(broadcastShape(x.shape, shape), shape))
      fail(`expand of ${shapeText(x.shape)} to ${shapeText(shape)}`)
    return [shape]
  },
  instructions: ({ output: { shape }, output, inputs: [x] }, at) => [
    copyOf(at.of(output), at.of(x), shape, stridesOf(shape), stridesOf(x.shape, shape)),
  ],
  gradient: (g, { inputs: [x] }, dy) => [sumTo(g, dy, x.shape)],
}

/** x broadcast to `shape`. */
export const expand = (g: Writer, x: Value, shape: Shape): Value =>
  sameShape(x.shape, shape) ? x : g.add(expandKernel, [x], { shape })[0]

/** The transpose of broadcasting: sums `x` over the axes along which `shape` was broadcast to x's shape. */
export function sumTo(g: Writer, x: Value, shape: Shape): Value {
  const missing = x.shape.length - shape.length
  const axes = x.shape
    .map((_, i) => i)
    .filter((i) => i < missing || (shape[i - missing] === 1 && x.shape[i] !== 1))
  return reshape(g, axes.length > 0 ? sum(g, x, axes) : x, shape)
}

// ---- reductions -----------------------------------------------------------------------------------

export interface ReduceAttributes {
  readonly fn: ReductionName
  /** Elements of the axes in front of the reduced ones, of these, and of those behind. */
  readonly outer: number
  readonly reduced: number
  readonly inner: number
  /** Factor of the result. */
  readonly scale: number
  /** The shape of the output with a 1 for each reduced axis. */
  readonly shape: Shape
}

/** The sum over the middle of [outer, reduced, inner]. */
export const reduceKernel: Kernel<ReduceAttributes> = {
  name: 'reduce',
  code: abi.OP_REDUCE,
  shapes: (_, { shape }) => [shape],
  words: ({ output, inputs: [x], attributes: { fn, outer, reduced, inner, scale } }, at) => ({
    [abi.REDUCE_DST]: output,
    [abi.REDUCE_SRC]: x,
    [abi.REDUCE_OUTER]: outer,
    [abi.REDUCE_REDUCED]: reduced,
    [abi.REDUCE_INNER]: inner,
    [abi.REDUCE_FN]: reductions[fn],
    [abi.REDUCE_SCALE]: f32(scale),
    [abi.REDUCE_RANGES]: at.scratch,
  }),
  scratchBytes({ attributes: { fn, outer, reduced, inner } }) {
    const isLong = fn === 'sum' && inner > 1 && reduced > abi.LONG_DEPTH
    return isLong ? 4 * outer * Math.ceil(reduced / abi.LONG_DEPTH) * inner : 0
  },
  addsColumns: ({ inputs: [x], attributes: { fn, outer, reduced, scale } }) =>
    fn === 'sum' && outer === 1 && reduced === x.shape[0] && scale === 1,
  text: ({ fn }) => fn,
  range({ inputs: [x], attributes: { fn, reduced, scale } }, known) {
    const range = moved(known, x)
    const factor = fn === 'sum' ? reduced * scale : 1
    return range && { ...range, low: range.low * factor, high: range.high * factor }
  },
  gradient: (g, { attributes: { scale: factor, shape }, inputs: [x] }, dy) => [
    scale(g, expand(g, reshape(g, dy, shape), x.shape), factor),
  ],
}

/** The largest or smallest: the elements that are equal to it share the gradient. */
export const extremumKernel: Kernel<ReduceAttributes> = {
  ...reduceKernel,
  calls: () => mathematicsModule,
  gradient(g, { attributes: { shape }, inputs: [x], output }, dy) {
    const equal = binary(g, 'equal', x, reshape(g, output, shape))
    const share = binary(g, 'divide', reshape(g, dy, shape), sumTo(g, equal, shape))
    return [times(g, expand(g, share, x.shape), equal)]
  },
}

/** The kernel of each reduction. */
export const reduceKernels: Readonly<Record<ReductionName, Kernel<ReduceAttributes>>> = {
  sum: reduceKernel,
  max: extremumKernel,
  min: extremumKernel,
}

/** Options of `reduce`. */
export interface ReduceOptions {
  /** Keeps each reduced axis as an axis of size 1. Default false. */
  readonly keepDims?: boolean
  /** Factor of the result. Default 1. */
  readonly scale?: number
}

/**
 * Reduces over `axes` (all by default), `scale` applied to the result. Adjacent axes are merged, so that most
 * reductions are one operation.
 */
export const reduce = (
  g: Writer,
  fn: ReductionName,
  x: Value,
  axes?: readonly number[],
  options?: ReduceOptions,
): Value => reduced(g, reduceKernels[fn], fn, x, axes, options)

function reduced(
  g: Writer,
  kernel: Kernel<ReduceAttributes>,
  fn: ReductionName,
  x: Value,
  axes?: readonly number[],
  { keepDims = false, scale = 1 }: ReduceOptions = {},
): Value {
  const over = new Set(axes?.slice() ?? x.shape.map((_, i) => i))
  for (const axis of over) if (!(axis in x.shape)) fail(`shape ${shapeText(x.shape)} has no axis ${axis}`)
  const shape: number[] = [...x.shape]
  let value = x
  for (let last = shape.length - 1; last >= 0; last--) {
    if (!over.has(last)) continue
    let start = last
    while (start > 0 && over.has(start - 1)) start--
    const [outer, middle, inner] = [
      shape.slice(0, start),
      shape.slice(start, last + 1),
      shape.slice(last + 1),
    ].map((part) => elementCount(part))
    shape.fill(1, start, last + 1)
    const factor = start === Math.min(...over) ? scale : 1
    const attributes = { fn, outer, reduced: middle, inner, scale: factor, shape: [...shape] }
    ;[value] = g.add(kernel, [value], attributes)
    last = start
  }
  return reshape(g, value, keepDims ? shape : shape.filter((_, i) => !over.has(i)))
}

/** The sum over `axes`, by default over all. */
export const sum = (g: Writer, x: Value, axes?: readonly number[], keepDims = false): Value =>
  reduced(g, reduceKernel, 'sum', x, axes, { keepDims })

/** The mean over `axes`, by default over all. */
export function mean(g: Writer, x: Value, axes?: readonly number[], keepDims = false): Value {
  const count = elementCount(axes ? axes.map((axis) => x.shape[axis]) : x.shape)
  return reduced(g, reduceKernel, 'sum', x, axes, { keepDims, scale: 1 / count })
}
