// Reverse-mode differentiation: graph in, graph out (Griewank and Walther 2008, chapter 3). Enters: a builder
// holding a forward graph, a scalar of it and the leaves to differentiate by. Leaves: one gradient value for
// each leaf, its operations appended to the builder. A rule returns one value per input, null where none is
// defined or asked; what turns out unused is removed by simplify.ts. Nothing here names a layer.
import { fail } from '../numerics/errors.ts'
import type { GraphBuilder } from './builder.ts'
import type { AnyOp, Op } from './graph.ts'
import { eachOutput, outputsOf } from './kernel.ts'
import type { OpName } from './ops.ts'
import type { Value } from './value.ts'

type Rule<N extends OpName> = (g: GraphBuilder, op: Op<N>, dy: Value) => readonly (Value | null)[]

const noRule = (_: GraphBuilder, op: AnyOp): never => fail(`operation ${op.name} has no gradient`)
const noGradient = (): [] => []

/** The constant 1 seeds the loss: then the seed is folded into the loss's own scale. */
const isOne = (value: Value): boolean => value.leaf?.data?.length === 1 && value.leaf.data[0] === 1

export const gradientRules: { readonly [N in OpName]: Rule<N> } = {
  // y = op(A) op(B):  d op(A) = dy op(B)^T,  d op(B) = op(A)^T dy
  matmul: (g, op, dy) => {
    const [a, b] = op.inputs
    const { transposeA, transposeB } = op.attributes
    return [
      transposeA
        ? g.matmul(b, dy, { transposeA: transposeB, transposeB: true })
        : g.matmul(dy, b, { transposeB: !transposeB }),
      transposeB
        ? g.matmul(dy, a, { transposeA: true, transposeB: transposeA })
        : g.matmul(a, dy, { transposeA: !transposeA }),
    ]
  },
  unary: (g, { attributes: { fn, alpha }, inputs: [x], output }, dy) => [
    g.unaryGrad(fn, dy, x, output, alpha),
  ],
  binary: (g, { attributes: { fn }, inputs: [a, b], output }, dy) => {
    switch (fn) {
      case 'add':
        return [g.sumTo(dy, a.shape), g.sumTo(dy, b.shape)]
      case 'subtract':
        return [g.sumTo(dy, a.shape), g.sumTo(g.unary('negate', dy), b.shape)]
      case 'multiply':
        return [g.sumTo(g.times(dy, b), a.shape), g.sumTo(g.times(dy, a), b.shape)]
      case 'divide': {
        // y = a / b:  da = dy / b,  db = -(dy / b) y
        const da = g.binary('divide', dy, b)
        return [g.sumTo(da, a.shape), g.sumTo(g.unary('negate', g.times(da, output)), b.shape)]
      }
      // at a tie the second operand takes the gradient of maximum, the first that of minimum
      case 'maximum':
        return [
          g.sumTo(g.times(dy, g.binary('greater', a, b)), a.shape),
          g.sumTo(g.times(dy, g.binary('greaterEqual', b, a)), b.shape),
        ]
      case 'minimum':
        return [
          g.sumTo(g.times(dy, g.binary('greaterEqual', b, a)), a.shape),
          g.sumTo(g.times(dy, g.binary('greater', a, b)), b.shape),
        ]
      default:
        return [null, null] // comparisons are constant almost everywhere
    }
  },
  reduce: (g, { attributes: { fn, scale, shape }, inputs: [x], output }, dy) => {
    if (fn === 'sum') return [g.scale(g.expand(g.reshape(dy, shape), x.shape), scale)]
    // the elements equal to the extremum share the gradient
    const equal = g.binary('equal', x, g.reshape(output, shape))
    const share = g.binary('divide', g.reshape(dy, shape), g.sumTo(equal, shape))
    return [g.times(g.expand(share, x.shape), equal)]
  },
  reshape: (g, { inputs: [x] }, dy) => [g.reshape(dy, x.shape)],
  expand: (g, { inputs: [x] }, dy) => [g.sumTo(dy, x.shape)],
  permute: (g, { attributes: { axes } }, dy) => {
    const inverse: number[] = []
    axes.forEach((axis, i) => {
      inverse[axis] = i
    })
    return [g.permute(dy, inverse)]
  },
  slice: (g, { attributes: { axis, start }, inputs: [x] }, dy) => [
    g.add('unslice', [dy, g.constant(0)], { axis, start, shape: x.shape }),
  ],
  unslice: (g, { attributes: { axis, start }, inputs: [x] }, dy) => [g.slice(dy, axis, start, x.shape[axis])],
  concatenate: (g, { attributes: { axis }, inputs }, dy) => {
    let start = 0
    return inputs.map((input) => {
      const size = input.shape[axis]
      start += size
      return g.slice(dy, axis, start - size, size)
    })
  },
  copy: (_, __, dy) => [dy],
  softmax: (g, { attributes, output }, dy) => [g.add('softmaxGrad', [dy, output], attributes)],
  loss: (g, { attributes, inputs }, dy) => {
    const seeded = !isOne(dy)
    return [g.add('lossGrad', seeded ? [...inputs, dy] : inputs, { ...attributes, seeded })]
  },
  penalty: (g, { attributes, inputs: [w] }, dy) => {
    const seeded = !isOne(dy)
    return [g.add('penaltyGrad', seeded ? [w, dy] : [w], { ...attributes, seeded, accumulate: false })]
  },
  metric: noGradient,
  kernel: noRule, // has its own, with more than one output
  unaryGrad: noRule,
  softmaxGrad: noRule,
  lossGrad: noRule,
  penaltyGrad: noRule,
}

/** What one operation passes on: by its kernel's own rule or by that of the table. */
function gradientsOf(g: GraphBuilder, op: AnyOp, dys: readonly (Value | null)[]): readonly (Value | null)[] {
  if (op.name === 'kernel') {
    const { kernel, with: attributes } = op.attributes
    if (!kernel.gradient) return fail(`operation ${kernel.name} has no gradient`)
    return kernel.gradient(g, { ...op, attributes }, dys)
  }
  const rule = gradientRules[op.name] as Rule<OpName>
  return dys[0] ? rule(g, op, dys[0]) : []
}

/**
 * The gradient of the scalar `of` with respect to each leaf of `by`; null for a leaf that doesn't reach it.
 * Adjoints of a value used several times are summed here, at plan time.
 */
export function differentiate(g: GraphBuilder, of: Value, by: readonly Value[]): (Value | null)[] {
  const forward = [...g.ops]
  const moving = new Set<Value>(by) // values that depend on a leaf of `by`
  forward.forEach((op) => {
    if (op.inputs.some((input) => moving.has(input))) eachOutput(op, (value) => moving.add(value))
  })

  const adjoints = new Map<Value, Value>([[of, g.constant(1)]])
  for (const op of forward.reverse()) {
    if (!moving.has(op.output)) continue
    const dys = outputsOf(op).map((value) => adjoints.get(value) ?? null)
    if (dys.every((dy) => dy === null)) continue
    g.label = op.label
    const gradients = gradientsOf(g, op, dys)
    op.inputs.forEach((input, i) => {
      const gradient = gradients[i]
      if (!gradient || !moving.has(input)) return
      const sum = adjoints.get(input)
      adjoints.set(input, sum ? g.plus(sum, gradient) : gradient)
    })
  }
  return by.map((leaf) => adjoints.get(leaf) ?? null)
}
