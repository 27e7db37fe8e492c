// Operators on constants alone, computed when a file is read: shapes, indices, masks, and weights under another shape. What is
// computed with Math functions of engines is left out, since such numbers differ between them.

import { fail } from '../../numerics/errors.ts'
import { cos, exp, log, pow, sin } from '../../numerics/exact.ts'
import {
  type Constant,
  checkAxes,
  checkCount,
  combined,
  concatenated,
  constant,
  type ElementType,
  elements,
  emptyOf,
  expanded,
  integers,
  mapped,
  numbers,
  permuted,
  reshaped,
  taken,
  unsqueezed,
} from './arrays.ts'
import { type Operator, typeOf } from './read.ts'

type Fold = (node: Operator, inputs: readonly Constant[]) => readonly Constant[]

/** An axis that may count from the end. */
export function axisOf(axis: number, rank: number): number {
  const at = axis < 0 ? axis + rank : axis
  if (!(Number.isInteger(at) && at >= 0 && at < Math.max(rank, 1))) fail(`axis ${axis} of ${rank} axes`)
  return at
}

export const axesOf = (axes: readonly number[], rank: number): number[] => {
  checkAxes(axes)
  const all = axes.map((axis) => axisOf(axis, rank))
  if (new Set(all).size !== all.length) fail(`axes ${axes} of ${rank}, one twice`)
  return all
}

/** The axes that an operator takes as an attribute or, in later versions, as an input. */
export const givenAxes = (
  node: Operator,
  input: { readonly isConstant: boolean } | null | undefined,
): readonly number[] | null => {
  if (!input) return node.ints('axes')
  return input.isConstant
    ? numbers(input as Constant)
    : fail('its axes are computed from an input of the model')
}

/** The shape that Reshape gives. */
export function reshapeTo(
  node: Operator,
  from: readonly number[],
  target: readonly number[],
  count: number,
): number[] {
  const shape = target.map((n, i) =>
    n === 0 && node.int('allowzero') === 0 ? (from[i] ?? fail('Reshape: a 0 beyond the axes')) : n,
  )
  const open = shape.indexOf(-1)
  if (open >= 0) {
    const rest = shape.reduce((product, n, i) => (i === open ? product : product * n), 1)
    shape[open] = count / rest
  }
  if (!shape.every((n) => Number.isSafeInteger(n) && n >= 0)) fail(`Reshape of [${from}] to [${target}]`)
  return shape
}

/** The elements that Slice takes of an axis of `size`: the first, and how many steps of which width. */
export function sliceOf(
  size: number,
  start: number,
  end: number,
  step: number,
): { first: number; count: number; step: number } {
  const clamp = (i: number) => {
    const at = i < 0 ? i + size : i
    return step > 0 ? Math.min(Math.max(at, 0), size) : Math.min(Math.max(at, -1), size - 1)
  }
  if (!Number.isInteger(step) || step === 0) fail('Slice: a step of 0')
  const first = clamp(start)
  // an end far below 0 is in front of the first element
  const last = step < 0 && end < -size ? -1 : clamp(end)
  return { first, count: Math.max(0, Math.ceil((last - first) / step)), step }
}

/** Starts, ends, axes and steps of Slice. */
export function slicesOf(
  node: Operator,
  inputs: readonly ({ readonly isConstant: boolean } | null | undefined)[],
  rank: number,
) {
  const list = (i: number, name: string): readonly number[] | null => {
    const given = inputs[i]
    if (!given) return node.ints(name)
    return given.isConstant
      ? numbers(given as Constant)
      : fail(`its ${name} are computed from an input of the model`)
  }
  const starts = list(1, 'starts') ?? []
  const ends = list(2, 'ends') ?? []
  const axes = axesOf(list(3, 'axes') ?? starts.map((_, i) => i), rank)
  const steps = list(4, 'steps') ?? starts.map(() => 1)
  if (ends.length !== starts.length || axes.length !== starts.length || steps.length !== starts.length)
    fail('Slice: lists of different lengths')
  return axes.map((axis, i) => ({ axis, start: starts[i], end: ends[i], step: steps[i] }))
}

const unary =
  (fn: (x: number) => number): Fold =>
  (_, [x]) => [mapped(x, fn)]

const binary =
  (fn: (a: number, b: number) => number, type?: ElementType): Fold =>
  (_, [a, b]) => [combined([a, b], fn, type ?? a.type)]

const several =
  (fn: (a: number, b: number) => number): Fold =>
  (_, [first, ...rest]) => [rest.reduce((sum, each) => combined([sum, each], fn, sum.type), first)]

function reduced(
  node: Operator,
  [x, axes]: readonly Constant[],
  fn: (a: number, b: number) => number,
  first: number,
): Constant {
  const given = givenAxes(node, axes)
  const over = given && given.length > 0 ? axesOf(given, x.shape.length) : x.shape.map((_, i) => i)
  const isKept = node.int('keepdims', 1) !== 0
  const front = x.shape.map((_, i) => i).filter((i) => !over.includes(i))
  const moved = elements(permuted(x, [...front, ...over]))
  const shape = front.map((i) => x.shape[i])
  const inner = over.reduce((product, i) => product * x.shape[i], 1)
  const data = emptyOf(x.type, checkCount(shape))
  for (let i = 0; i < data.length; i++) {
    let value = first
    for (let k = 0; k < inner; k++) value = fn(value, moved[i * inner + k])
    data[i] = value
  }
  return constant(x.type, isKept ? x.shape.map((n, i) => (over.includes(i) ? 1 : n)) : shape, data)
}

const cast =
  (type: ElementType) =>
  (x: Constant): Constant => {
    if (type === x.type) return x
    const fn =
      type === 'bool' ? (v: number) => Number(v !== 0) : type === 'int' ? Math.trunc : (v: number) => v
    return mapped(x, fn, type)
  }

const triangle = (x: Constant, k: number, isUpper: boolean): Constant => {
  const [rows, columns] = x.shape.slice(-2)
  const all = elements(x)
  const data = emptyOf(x.type, all.length)
  for (let i = 0; i < data.length; i++) {
    const distance = (i % columns) - (Math.floor(i / columns) % rows)
    data[i] = (isUpper ? distance >= k : distance <= k) ? all[i] : 0
  }
  return constant(x.type, x.shape, data)
}

const isTrue = (x: number): boolean => x !== 0

export const folds: Readonly<Record<string, Fold>> = {
  Identity: (_, [x]) => [x],
  Constant: (node) => {
    const tensor = node.tensor('value')
    if (tensor) return [tensor]
    if (node.has('value_float')) return [constant('float', [], Float32Array.of(node.float('value_float')))]
    if (node.has('value_int')) return [constant('int', [], [node.int('value_int')])]
    const floats = node.floats('value_floats')
    if (floats?.length) return [constant('float', [floats.length], Float32Array.from(floats))]
    return [integers(node.ints('value_ints') ?? fail('Constant: no value that is an array of numbers'))]
  },
  ConstantOfShape: (node, [shape]) => {
    const value = node.tensor('value') ?? constant('float', [1], new Float32Array(1))
    const sizes = numbers(shape)
    checkAxes(sizes)
    return [constant(value.type, sizes, [value.data[0]], { own: sizes.map(() => 1) })]
  },
  Range: (_, [from, to, by]) => {
    const [start, end, step] = [from.data[0], to.data[0], by.data[0]]
    const count = Math.max(0, Math.ceil((end - start) / step))
    const data = emptyOf(from.type, checkCount([count]))
    for (let i = 0; i < count; i++) data[i] = start + i * step
    return [constant(from.type, [count], data)]
  },
  EyeLike: (node, [x]) => {
    const [rows, columns] = x.shape
    const data = new Float32Array(checkCount([rows, columns]))
    const k = node.int('k')
    for (let i = 0; i < rows; i++) if (i + k >= 0 && i + k < columns) data[i * columns + i + k] = 1
    return [constant(node.has('dtype') ? typeOf(node.int('dtype')) : x.type, [rows, columns], data)]
  },
  Cast: (node, [x]) => [cast(typeOf(node.int('to')))(x)],
  CastLike: (_, [x, like]) => [cast(like.type)(x)],
  Size: (_, [x]) => [constant('int', [], [x.shape.reduce((product, n) => product * n, 1)])],
  Gather: (node, [x, indices]) => {
    const axis = axisOf(node.int('axis'), x.shape.length)
    const size = x.shape[axis]
    const y = taken(
      x,
      axis,
      numbers(indices).map((i) => (i < 0 ? i + size : i)),
    )
    const shape = [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)]
    return [reshaped(y, shape)]
  },
  Slice: (node, [x, ...rest]) => {
    let y = x
    for (const { axis, start, end, step } of slicesOf(node, [x, ...rest], x.shape.length)) {
      const { first, count } = sliceOf(x.shape[axis], start, end, step)
      checkCount([count], x.data.length)
      y = taken(
        y,
        axis,
        Array.from({ length: count }, (_, i) => first + i * step),
      )
    }
    return [y]
  },
  Split: (node, [x, sizes]) => {
    const axis = axisOf(node.int('axis'), x.shape.length)
    const parts = splitSizes(node, x.shape[axis], sizes)
    let at = 0
    return parts.map((n) =>
      taken(
        x,
        axis,
        Array.from({ length: n }, () => at++),
      ),
    )
  },
  Concat: (node, list) => [concatenated(list, axisOf(node.int('axis'), list[0].shape.length))],
  Unsqueeze: (node, [x, axes]) => {
    const given = givenAxes(node, axes) ?? []
    return [unsqueezed(x, axesOf(given, x.shape.length + given.length))]
  },
  Squeeze: (node, [x, axes]) => {
    const given = givenAxes(node, axes)
    const over = given ? axesOf(given, x.shape.length) : x.shape.flatMap((n, i) => (n === 1 ? [i] : []))
    return [
      reshaped(
        x,
        x.shape.filter((_, i) => !over.includes(i)),
      ),
    ]
  },
  Reshape: (node, [x, target]) => {
    const count = x.shape.reduce((product, n) => product * n, 1)
    return [
      reshaped(x, reshapeTo(node, x.shape, target ? numbers(target) : (node.ints('shape') ?? []), count)),
    ]
  },
  Flatten: (node, [x]) => {
    const axis = node.int('axis', 1)
    const at = axis < 0 ? axis + x.shape.length : axis
    const product = (list: readonly number[]) => list.reduce((p, n) => p * n, 1)
    return [reshaped(x, [product(x.shape.slice(0, at)), product(x.shape.slice(at))])]
  },
  Transpose: (node, [x]) => {
    const perm = node.ints('perm')
    return [
      permuted(
        x,
        perm?.length ? axesOf(perm, x.shape.length) : x.shape.map((_, i) => x.shape.length - 1 - i),
      ),
    ]
  },
  Expand: (_, [x, shape]) => [expanded(x, numbers(shape))],
  Tile: (_, [x, repeats]) => {
    const times = numbers(repeats)
    return [
      times.reduce((y, n, axis) => {
        if (n === 1) return y
        checkCount([y.shape[axis], n], y.data.length)
        return taken(
          y,
          axis,
          Array.from({ length: y.shape[axis] * n }, (_, i) => i % y.shape[axis]),
        )
      }, x),
    ]
  },
  Trilu: (node, [x, k]) => [triangle(x, k?.data[0] ?? 0, node.int('upper', 1) !== 0)],
  Where: (_, [c, a, b]) => [combined([c, a, b], (is, x, y) => (isTrue(is) ? x : y), a.type)],
  Add: binary((a, b) => a + b),
  Sub: binary((a, b) => a - b),
  Mul: binary((a, b) => a * b),
  Div: (_, [a, b]) => [
    combined([a, b], a.type === 'int' ? (x, y) => Math.trunc(x / y) : (x, y) => x / y, a.type),
  ],
  Mod: (node, [a, b]) => [
    combined([a, b], node.int('fmod') ? (x, y) => x % y : (x, y) => ((x % y) + y) % y, a.type),
  ],
  Pow: (_, [a, b]) => [combined([a, b], (x, y) => (y === 2 ? x * x : pow(x, y)), a.type)],
  Max: several(Math.max),
  Min: several(Math.min),
  Neg: unary((x) => -x),
  Abs: unary(Math.abs),
  Sqrt: unary(Math.sqrt),
  Reciprocal: unary((x) => 1 / x),
  Floor: unary(Math.floor),
  Ceil: unary(Math.ceil),
  Exp: unary(exp),
  Log: unary(log),
  Sin: unary(sin),
  Cos: unary(cos),
  Sign: unary(Math.sign),
  Equal: binary((a, b) => Number(a === b), 'bool'),
  Greater: binary((a, b) => Number(a > b), 'bool'),
  GreaterOrEqual: binary((a, b) => Number(a >= b), 'bool'),
  Less: binary((a, b) => Number(a < b), 'bool'),
  LessOrEqual: binary((a, b) => Number(a <= b), 'bool'),
  And: binary((a, b) => Number(isTrue(a) && isTrue(b)), 'bool'),
  Or: binary((a, b) => Number(isTrue(a) || isTrue(b)), 'bool'),
  Xor: binary((a, b) => Number(isTrue(a) !== isTrue(b)), 'bool'),
  Not: (_, [x]) => [mapped(x, (v) => Number(!isTrue(v)), 'bool')],
  ReduceProd: (node, inputs) => [reduced(node, inputs, (a, b) => a * b, 1)],
  ReduceSum: (node, inputs) => [reduced(node, inputs, (a, b) => a + b, 0)],
  ReduceMax: (node, inputs) => [reduced(node, inputs, Math.max, Number.NEGATIVE_INFINITY)],
  ReduceMin: (node, inputs) => [reduced(node, inputs, Math.min, Number.POSITIVE_INFINITY)],
  CumSum: (node, [x, axis]) => {
    const at = axisOf(axis.data[0], x.shape.length)
    if (node.int('exclusive') || node.int('reverse')) fail('CumSum: exclusive or reverse')
    const inner = x.shape.slice(at + 1).reduce((product, n) => product * n, 1)
    const all = elements(x)
    const data = emptyOf(x.type, all.length)
    for (let i = 0; i < data.length; i++)
      data[i] = all[i] + (Math.floor(i / inner) % x.shape[at] === 0 ? 0 : data[i - inner])
    return [constant(x.type, x.shape, data)]
  },
}

/** The sizes of the parts that Split makes of an axis. */
export function splitSizes(
  node: Operator,
  size: number,
  given: { readonly isConstant: boolean } | null | undefined,
): readonly number[] {
  if (given && !given.isConstant) fail('its sizes are computed from an input of the model')
  const sizes = given ? numbers(given as Constant) : node.ints('split')
  if (sizes?.length) {
    if (sizes.length !== node.outputs.length || sizes.reduce((sum, n) => sum + n, 0) !== size)
      fail(`Split of ${size} into ${sizes}`)
    return sizes
  }
  const count = node.outputs.length
  const each = Math.ceil(size / count)
  return Array.from({ length: count }, (_, i) => Math.min(each, size - i * each))
}
