// Operators that work element by element, reductions, and those that are composed of both.
import { prelu } from '../../layers/activation-layers.ts'
import { dropout } from '../../layers/noise.ts'
import { rescaling } from '../../layers/preprocessing.ts'
import { fail } from '../../numerics/errors.ts'
import { broadcast, type Constant, combined, elements, mapped, numbers, reshaped } from './arrays.ts'
import { BATCH, countOf, type Flow, type Given, isWeight, type LayerNaming } from './flows.ts'
import { axesOf, axisOf, givenAxes } from './fold.ts'
import {
  binary,
  fixed,
  mapFlow,
  numberOf,
  plus,
  reduceAxes,
  squeeze,
  times,
  valued,
  type Write,
} from './functions.ts'
import { type Operator, typeOf } from './read.ts'
import type { Tape } from './tape.ts'

const unary =
  (fn: string): Write =>
  (t, _, [x]) => [mapFlow(t, valued(t, x), (at) => t.unary(at, fn))]

/** A unary function with a parameter. */
const withAlpha =
  (fn: string, byDefault: number): Write =>
  (t, node, [x]) => [mapFlow(t, valued(t, x), (at) => t.unary(at, fn, node.float('alpha', byDefault)))]

/** The second operand as versions before 7 align it: its first axis lies on the one that is named. */
function aligned(node: Operator, a: Given, b: Given): Given {
  if (node.opset >= 7 || node.int('broadcast') !== 1 || !node.has('axis') || !b.isConstant) return b
  const behind = a.shape.length - axisOf(node.int('axis'), a.shape.length) - b.shape.length
  return reshaped(b, [...b.shape, ...new Array(Math.max(behind, 0)).fill(1)])
}

const must = (given: Given | null | undefined): Given => given ?? fail('an input is missing')

const floats = (...inputs: readonly (Given | null)[]): void => {
  for (const x of inputs) if (x?.isConstant && x.type === 'bool') fail('computes with booleans')
}

const binaryOf =
  (fn: string): Write =>
  (t, node, [a, b]) => {
    floats(a, b)
    if (node.op === 'Div' && [a, b].every((x) => x?.isConstant && x.type === 'int')) fail('divides integers')
    return [binary(t, fn, must(a), aligned(node, must(a), must(b)))]
  }

const folded =
  (fn: string): Write =>
  (t, node, inputs) => {
    const list = inputs.filter((x): x is Given => x !== null)
    const sum = list.slice(1).reduce((all, x) => binary(t, fn, all, x), list[0])
    return [node.op === 'Mean' ? times(t, valued(t, sum), 1 / list.length) : valued(t, sum)]
  }

/** A comparison with its operands changed over. */
const swapped =
  (fn: string): Write =>
  (t, _, [a, b]) => [binary(t, fn, must(b), must(a))]

/** 1 - x, for what is 0 or 1. */
const not = (t: Tape, x: Flow): Flow => mapFlow(t, x, (at) => t.binary('subtract', t.scalar(1), at))

function clip(t: Tape, x: Flow, low: number, high: number): Flow {
  if (low === 0 && high === 6) return mapFlow(t, x, (at) => t.unary(at, 'relu6'))
  if (low === -1 && high === 1) return mapFlow(t, x, (at) => t.unary(at, 'hardTanh'))
  // relu: 'maximum' would take the gradient at 0
  const above = (at: number) =>
    low === 0 ? t.unary(at, 'relu') : low > -3.4e38 ? t.binary('maximum', at, t.scalar(low)) : at
  return mapFlow(t, x, (at) => (high < 3.4e38 ? t.binary('minimum', above(at), t.scalar(high)) : above(at)))
}

/** exp(p log x): x to any power, where x is positive. */
const byLogarithm = (t: Tape, x: Given, p: Given | number): Flow => {
  const log = mapFlow(t, valued(t, x), (at) => t.unary(at, 'log'))
  const scaled = typeof p === 'number' ? times(t, log, p) : binary(t, 'multiply', log, p)
  return mapFlow(t, scaled, (at) => t.unary(at, 'exp'))
}

/** x to a power that is the same for all elements. */
function power(t: Tape, x: Flow, p: number): Flow {
  const square = (y: Flow) => mapFlow(t, y, (at) => t.unary(at, 'square'))
  if (p < 0) return mapFlow(t, power(t, x, -p), (at) => t.unary(at, 'reciprocal'))
  if (p === 1) return x
  const root = () => mapFlow(t, x, (at) => t.unary(at, 'sqrt'))
  if (!Number.isInteger(p) && Number.isInteger(4 * p)) return power(t, root(), 2 * p)
  if (!(Number.isInteger(p) && p > 0 && p <= 64)) return byLogarithm(t, x, p)
  const half = square(power(t, x, Math.floor(p / 2)))
  return p % 2 === 0 ? half : binary(t, 'multiply', half, x)
}

/** The axes of a reduction, and whether they stay. */
function reduction(
  node: Operator,
  x: Flow,
  axes: Given | null | undefined,
): { over: number[]; keep: boolean; isNone: boolean } {
  const given = givenAxes(node, axes)
  const isAll = !given || given.length === 0
  const isNone = isAll && node.int('noop_with_empty_axes') === 1
  const over = isAll ? x.shape.map((_, i) => i) : axesOf(given, x.shape.length)
  return { over, keep: node.int('keepdims', 1) !== 0, isNone }
}

const reduceOf =
  (reduce: (t: Tape, x: Flow, axes: readonly number[]) => Flow): Write =>
  (t, node, [given, axes]) => {
    const x = valued(t, given)
    const { over, keep, isNone } = reduction(node, x, axes)
    if (isNone) return [x]
    const y = reduce(t, x, over)
    return [keep ? y : squeeze(t, y, over)]
  }

const apply = (fn: string) => (t: Tape, x: Flow) => mapFlow(t, x, (at) => t.unary(at, fn))
const sums = (t: Tape, x: Flow, axes: readonly number[]) => reduceAxes(t, 'sum', x, axes)

/** Softmax along an axis, which is then the last that is stored. */
function softmax(t: Tape, x: Flow, axis: number, log: boolean): Flow {
  t.checkFixed(x.shape[axis])
  const order = x.order[x.order.length - 1] === axis ? x.order : [...x.order.filter((i) => i !== axis), axis]
  return t.flow(x.shape, t.softmax(t.ordered(x, order), log), order)
}

const softmaxOf =
  (log: boolean): Write =>
  (t, node, [given]) => {
    const x = valued(t, given)
    const rank = x.shape.length
    const axis = axisOf(node.int('axis', node.opset < 13 ? 1 : -1), rank)
    if (node.opset >= 13 || axis === rank - 1) return [softmax(t, x, axis, log)]
    // earlier versions take all axes from this one on as one
    const rest = countOf(x.shape.slice(axis))
    const flat = t.flow(
      [...x.shape.slice(0, axis), rest],
      t.reshape(t.plain(x), [...x.shape.slice(0, axis), rest]),
    )
    const y = softmax(t, flat, axis, log)
    return [t.flow(x.shape, t.reshape(t.plain(y), x.shape))]
  }

const isNear = (a: number, b: number): boolean => Math.abs(a - b) < 1e-6

export const elementwise: Readonly<Record<string, Write>> = {
  Identity: (_, __, [x]) => [x],
  Relu: unary('relu'),
  Sigmoid: unary('sigmoid'),
  Tanh: unary('tanh'),
  Softplus: unary('softplus'),
  Softsign: unary('softsign'),
  Mish: unary('mish'),
  HardSwish: unary('hardSwish'),
  Silu: unary('silu'),
  Exp: unary('exp'),
  Log: unary('log'),
  Sqrt: unary('sqrt'),
  Erf: unary('erf'),
  Neg: unary('negate'),
  Abs: unary('abs'),
  Sign: unary('sign'),
  Reciprocal: unary('reciprocal'),
  Gelu: (t, node, [x]) => [
    mapFlow(t, valued(t, x), (at) =>
      t.unary(at, node.text('approximate', 'none') === 'tanh' ? 'geluTanh' : 'gelu'),
    ),
  ],
  LeakyRelu: withAlpha('leakyRelu', 0.01),
  Elu: withAlpha('elu', 1),
  Celu: withAlpha('celu', 1),
  Selu: (t, node, [given]) => {
    const x = valued(t, given)
    const [alpha, gamma] = [node.float('alpha', 1.6732632), node.float('gamma', 1.0507009)]
    if (isNear(alpha, 1.6732632) && isNear(gamma, 1.0507009)) return [apply('selu')(t, x)]
    return [
      times(
        t,
        mapFlow(t, x, (at) => t.unary(at, 'elu', alpha)),
        gamma,
      ),
    ]
  },
  HardSigmoid: (t, node, [given]) => {
    const x = valued(t, given)
    const [alpha, beta] = [node.float('alpha', 0.2), node.float('beta', 0.5)]
    if (isNear(beta, 0.5) && isNear(alpha, 1 / 6)) return [apply('hardSigmoid')(t, x)]
    return [clip(t, plus(t, times(t, x, alpha), beta), 0, 1)]
  },
  ThresholdedRelu: (t, node, [given]) => {
    const x = valued(t, given)
    const alpha = node.float('alpha', 1)
    return [mapFlow(t, x, (at) => t.binary('multiply', at, t.binary('greater', at, t.scalar(alpha))))]
  },
  Shrink: (t, node, [given]) => {
    const x = valued(t, given)
    const [lambd, bias] = [node.float('lambd', 0.5), node.float('bias')]
    const side = (limit: 'greater' | 'less') =>
      mapFlow(t, x, (at) => {
        const edge = t.scalar(limit === 'greater' ? lambd : -lambd)
        const is = limit === 'greater' ? t.binary('greater', at, edge) : t.binary('greater', edge, at)
        const moved = t.binary(limit === 'greater' ? 'subtract' : 'add', at, t.scalar(bias))
        return t.binary('multiply', is, moved)
      })
    return [binary(t, 'add', side('greater'), side('less'))]
  },
  PRelu: (t, node, [given, slope]) => {
    const x = valued(t, given)
    const rank = x.shape.length
    const own = must(slope)
    const isOld = node.opset < 7 && own.isConstant && own.shape.length === 1 && own.shape[0] > 1 && rank > 1
    const alpha = isOld ? reshaped(own as Constant, [own.shape[0], ...new Array(rank - 2).fill(1)]) : own
    const channels = x.shape[1]
    const isLayer =
      alpha.isConstant &&
      !t.each &&
      rank > 1 &&
      x.shape[0] % BATCH === 0 &&
      countOf(alpha.shape) === channels &&
      channels > 1
    if (
      isLayer &&
      (alpha.shape.length === rank - 1 || (rank === 2 && alpha.shape.length === 2)) &&
      alpha.shape.at(1 - rank) === channels
    ) {
      const order = [0, ...x.shape.map((_, i) => i).slice(2), 1]
      const stored = t.ordered(x, order)
      const [y] = t.layer(
        ({ name }) => prelu(name === undefined ? {} : { name }),
        [stored],
        [t.shapeOf(stored)],
        {
          weights: { alpha: elements(alpha) },
          key: `prelu ${t.keyOf(alpha)}`,
          of: alpha.weight,
        },
      )
      return [t.flow(x.shape, y, order)]
    }
    const zero = t.scalar(0)
    const positive = mapFlow(t, x, (at) => t.binary('maximum', at, zero))
    const negative = mapFlow(t, x, (at) => t.binary('minimum', at, zero))
    return [binary(t, 'add', positive, binary(t, 'multiply', negative, alpha))]
  },
  Clip: (t, node, [x, low, high]) => [
    clip(
      t,
      valued(t, x),
      low ? numberOf(low, 'lower limit', 0) : node.float('min', Number.NEGATIVE_INFINITY),
      high ? numberOf(high, 'upper limit', 0) : node.float('max', Number.POSITIVE_INFINITY),
    ),
  ],
  Add: binaryOf('add'),
  Sub: binaryOf('subtract'),
  Mul: binaryOf('multiply'),
  Div: binaryOf('divide'),
  Max: folded('maximum'),
  Min: folded('minimum'),
  Sum: folded('add'),
  Mean: folded('add'),
  Equal: binaryOf('equal'),
  Greater: binaryOf('greater'),
  GreaterOrEqual: binaryOf('greaterEqual'),
  Less: swapped('greater'),
  LessOrEqual: swapped('greaterEqual'),
  And: binaryOf('multiply'),
  Or: binaryOf('maximum'),
  Not: (t, _, [x]) => [not(t, valued(t, x))],
  Pow: (t, _, [x, given]) => {
    const p = must(given)
    const isNumber = p.isConstant && !isWeight(p) && p.data.length === 1
    return [isNumber ? power(t, valued(t, x), p.data[0]) : byLogarithm(t, must(x), p)]
  },
  Where: (t, _, [condition, a, b]) => {
    const is = must(condition)
    if (is.isConstant) {
      const side = (x: Given, isFirst: boolean): Given => {
        const share = mapped(is, (v) => Number((v !== 0) === isFirst), 'float')
        // an infinity that doesn't count would make a product that isn't a number
        return x.isConstant
          ? combined([x, share], (v, counts) => (counts ? v : 0), 'float')
          : binary(t, 'multiply', x, share)
      }
      return [binary(t, 'add', side(must(a), true), side(must(b), false))]
    }
    const other = not(t, is)
    return [binary(t, 'add', binary(t, 'multiply', is, must(a)), binary(t, 'multiply', other, must(b)))]
  },
  Cast: (t, node, [given]) => {
    let x = valued(t, given)
    const to = node.int('to')
    const { isInt32, isWhole } = t.values[x.stored]
    if ((to === 6 || to === 7) && isWhole) return [x]
    if (isInt32 && !t.each)
      x = mapFlow(t, x, (at) => {
        const one = (name: LayerNaming) => rescaling({ ...name, scale: 1 })
        return t.layer(one, [at], [t.shapeOf(at)], { isWhole })[0]
      })
    if (typeOf(to) === 'float') return [x] // of any width: read.ts tells which there are
    if (to === 9)
      return [
        not(
          t,
          mapFlow(t, x, (at) => t.binary('equal', at, t.scalar(0))),
        ),
      ]
    return fail(`Cast to type ${to} of what is computed: only floats are`)
  },
  CastLike: (t, _, [x, like]) => [
    like?.isConstant && like.type !== 'float' ? fail('a type other than float32') : valued(t, x),
  ],
  Dropout: (t, node, [given, ratio]) => {
    const x = valued(t, given)
    const rate = ratio ? numberOf(ratio, 'ratio', 0.5) : node.float('ratio', 0.5)
    if (t.each || x.flattened || !(rate > 0 && rate < 1) || t.shapeOf(x.stored)[0] % BATCH !== 0)
      return [x, null]
    const [stored] = t.layer(
      ({ name }) => dropout({ ...(name && { name }), rate }),
      [x.stored],
      [t.shapeOf(x.stored)],
    )
    return [{ ...x, stored }, null]
  },
  ReduceSum: reduceOf(sums),
  ReduceMean: reduceOf((t, x, axes) => reduceAxes(t, 'mean', x, axes)),
  ReduceMax: reduceOf((t, x, axes) => reduceAxes(t, 'max', x, axes)),
  ReduceMin: reduceOf((t, x, axes) => reduceAxes(t, 'min', x, axes)),
  ReduceL1: reduceOf((t, x, axes) => sums(t, apply('abs')(t, x), axes)),
  ReduceL2: reduceOf((t, x, axes) => apply('sqrt')(t, sums(t, apply('square')(t, x), axes))),
  ReduceSumSquare: reduceOf((t, x, axes) => sums(t, apply('square')(t, x), axes)),
  ReduceLogSum: reduceOf((t, x, axes) => apply('log')(t, sums(t, x, axes))),
  ReduceLogSumExp: reduceOf((t, x, axes) => {
    const most = reduceAxes(t, 'max', x, axes)
    const sum = sums(t, apply('exp')(t, binary(t, 'subtract', x, most)), axes)
    return binary(t, 'add', apply('log')(t, sum), most)
  }),
  Softmax: softmaxOf(false),
  LogSoftmax: softmaxOf(true),
  LpNormalization: (t, node, [given]) => {
    const x = valued(t, given)
    const axes = [axisOf(node.int('axis', -1), x.shape.length)]
    const size =
      node.int('p', 2) === 1
        ? sums(t, apply('abs')(t, x), axes)
        : apply('sqrt')(t, sums(t, apply('square')(t, x), axes))
    return [binary(t, 'divide', x, size)]
  },
  Expand: (t, _, [given, target]) => {
    const shape = broadcast(must(given).shape, numbers(fixed(target, 'shape')))
    const x = t.raised(valued(t, given), shape.length)
    return [
      t.flow(
        shape,
        t.expand(
          x.stored,
          x.order.map((axis) => shape[axis]),
        ),
        x.order,
      ),
    ]
  },
}
