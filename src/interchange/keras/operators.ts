// Operations between layers: `x + y` or `ops.mean(x)` in a model of Keras 3, `tf.math.multiply` in one of Keras 2 (TFOpLambda). Enters:
// the name of one, what it is called on and its options, from an untrusted file. Leaves: a layer of ours, where we have one, or a layer
// `operations`.
import { relu, softmax } from '../../layers/activation-layers.ts'
import { activation, permute, reshape } from '../../layers/core.ts'
import type { Layer, LayerOptions } from '../../layers/layer.ts'
import { add, concatenate, maximum, minimum, multiply, subtract } from '../../layers/merge.ts'
import { type OperationStep, operations } from '../../layers/operations.ts'
import { rescaling } from '../../layers/preprocessing.ts'
import { fail, isRecord, show } from '../../numerics/errors.ts'
import type { RowShape } from '../../numerics/shape.ts'
import { type Config, own } from './row.ts'

/** What an operation is called on: one of the values of the call, by its number, or a constant. */
export type Operand = { readonly input: number } | { readonly value: unknown }

/** A call of an operation. */
export interface Operation {
  readonly operands: readonly Operand[]
  /** Options by their names, of the operation and of the call. */
  readonly options: Config
  /** Shapes of the values, without the batch. */
  readonly shapes: readonly RowShape[]
  readonly named: Pick<LayerOptions, 'name'>
}

type Make = (operation: Operation) => Layer<unknown>

/** The first of some options that is there. */
const option = ({ options }: Operation, ...names: readonly string[]): unknown =>
  names.map((name) => options[name]).find((value) => value !== undefined && value !== null)

const numberIn = (value: unknown, what: string): number =>
  typeof value === 'number' && Number.isFinite(value) ? value : fail(`${what} ${show(value)}`)

/** The axes without negative ones: of a value with its batch. */
function axesOf(value: unknown, rank: number): number[] {
  const axes = [value].flat().map((axis) => {
    const at = numberIn(axis, 'axis')
    return at < 0 ? at + rank : at
  })
  if (axes.some((axis) => !(Number.isInteger(axis) && axis >= 1 && axis < rank)))
    fail(`axis ${show(value)} (axes 1 to ${rank - 1} are taken)`)
  return axes
}

/** The value that an operation on one is called on. */
function onlyShape({ operands, shapes }: Operation): RowShape {
  if (operands.length !== 1 || shapes.length !== 1) fail(`called on ${operands.length} operands`)
  return shapes[0]
}

const stepsLayer = ({ named }: Operation, steps: readonly OperationStep[]): Layer<unknown> =>
  operations({ ...named, steps }) as Layer<unknown>

// ---- one value ------------------------------------------------------------------------------------

/** An activation. */
const activated =
  (name: string, alpha?: (operation: Operation) => number): Make =>
  (operation) => {
    onlyShape(operation)
    const own = alpha ? { name, alpha: alpha(operation) } : name
    return activation({ ...operation.named, activation: own as 'relu' }) as Layer<unknown>
  }

/** Functions of each element, one behind the other. */
const functions =
  (...fns: readonly string[]): Make =>
  (operation) => {
    onlyShape(operation)
    return stepsLayer(
      operation,
      fns.map((fn, i) => ({ op: 'unary', inputs: [i], fn })),
    )
  }

const reduced =
  (fn: string): Make =>
  (operation) => {
    const shape = onlyShape(operation)
    const axes = axesOf(option(operation, 'axis') ?? fail('no axis: over the batch too'), shape.length + 1)
    const keepDims = option(operation, 'keepdims') === true
    if (!keepDims && axes.length === shape.length) fail('no axis but that of the batch is left')
    return stepsLayer(operation, [{ op: 'reduce', inputs: [0], fn, axes, keepDims }])
  }

/** Another shape; sizes are known, that of the batch apart. */
function shaped({ named }: Operation, shape: readonly unknown[]): Layer<unknown> {
  return reshape({ ...named, targetShape: shape as number[] }) as Layer<unknown>
}

const reshaped: Make = (operation) => {
  const shape = onlyShape(operation)
  const target = option(operation, 'newshape', 'shape')
  if (!Array.isArray(target) || target.length < 2 || (target[0] !== -1 && target[0] !== null))
    return fail(`a shape ${show(target)} (its first axis must be that of the batch)`)
  const rest = target.slice(1)
  const open = rest.findIndex((n) => n === -1 || n === null)
  if (open < 0) return shaped(operation, rest)
  const all = shape.reduce<number>((product, n) => product * (n ?? Number.NaN), 1)
  const known = rest.reduce((product, n, i) => (i === open ? product : product * numberIn(n, 'a size')), 1)
  return shaped(
    operation,
    rest.map((n, i) => (i === open ? all / known : n)),
  )
}

const expanded: Make = (operation) => {
  const shape = onlyShape(operation)
  const [axis] = axesOf(option(operation, 'axis') ?? -1, shape.length + 2)
  return shaped(operation, [...shape.slice(0, axis - 1), 1, ...shape.slice(axis - 1)])
}

const squeezed: Make = (operation) => {
  const shape = onlyShape(operation)
  const axes = axesOf(option(operation, 'axis') ?? fail('no axis: the batch may go too'), shape.length + 1)
  if (axes.some((axis) => shape[axis - 1] !== 1)) fail(`axis ${axes} of ${show(shape)}`)
  return shaped(
    operation,
    shape.filter((_, i) => !axes.includes(i + 1)),
  )
}

const transposed: Make = (operation) => {
  const shape = onlyShape(operation)
  const axes = option(operation, 'axes', 'perm')
  if (!Array.isArray(axes) || axes[0] !== 0 || axes.length !== shape.length + 1)
    return fail(`axes ${show(axes)} (the batch must stay in front)`)
  return permute({ ...operation.named, dims: axes.slice(1) as number[] }) as Layer<unknown>
}

const clipped: Make = (operation) => {
  onlyShape(operation)
  const low = numberIn(option(operation, 'x_min', 'clip_value_min'), 'a limit')
  const high = numberIn(option(operation, 'x_max', 'clip_value_max'), 'a limit')
  if (low === 0 && high > 0) return relu({ ...operation.named, maxValue: high }) as Layer<unknown>
  return stepsLayer(operation, [
    { op: 'constant', data: [low], shape: [1] },
    { op: 'constant', data: [high], shape: [1] },
    { op: 'binary', inputs: [0, 1], fn: 'maximum' },
    { op: 'binary', inputs: [3, 2], fn: 'minimum' },
  ])
}

const cast: Make = (operation) => {
  const dtype = option(operation, 'dtype') ?? 'float32'
  if (dtype !== 'float32') fail(`dtype ${show(dtype)} (float32 alone)`)
  return activated('linear')(operation)
}

// ---- two values, or one and a constant ------------------------------------------------------------

const MOST_NUMBERS = 4096

/** The numbers of an array that Keras 3 has put into a file: { class_name: "__numpy__", config: { value, dtype } }. */
function plainOf(value: unknown): unknown {
  const config = isRecord(value) ? own(value, 'config') : undefined
  return isRecord(config) ? own(config, 'value') : value
}

/** The numbers of a constant: a number, or lists of lists. @throws LanegradError where it isn't an array */
function constantOf(value: unknown, depth = 0): { data: number[]; shape: number[] } {
  if (!Array.isArray(value)) return { data: [numberIn(value, 'the constant')], shape: [] }
  if (depth > 6 || value.length === 0 || value.length > MOST_NUMBERS) fail(`the constant ${show(value)}`)
  const parts = value.map((part) => constantOf(part, depth + 1))
  const data = parts.flatMap((part) => part.data)
  const [{ shape }] = parts
  if (parts.some((part) => String(part.shape) !== String(shape)) || data.length > MOST_NUMBERS)
    fail(`the constant ${show(value)}`)
  return { data, shape: [parts.length, ...shape] }
}

/** x fn c as a rescaling. */
const rescaled: Readonly<Record<string, (c: number, isFirst: boolean) => readonly [number, number] | null>> =
  {
    add: (c) => [1, c],
    subtract: (c, isFirst) => (isFirst ? [-1, c] : [1, -c]),
    multiply: (c) => [c, 0],
    divide: (c, isFirst) => (isFirst ? null : [1 / c, 0]),
  }

const MERGES: Readonly<Record<string, (options: LayerOptions) => unknown>> = {
  add,
  subtract,
  multiply,
  maximum,
  minimum,
}

const binary =
  (fn: string): Make =>
  (operation) => {
    const { operands, shapes, named } = operation
    if (operands.length !== 2) fail(`called on ${operands.length} operands`)
    const at = operands.findIndex((operand) => 'value' in operand)
    if (at < 0) {
      const [a, b] = shapes
      if (!b || a.length !== b.length) fail(`called on values with different numbers of axes`)
      if (MERGES[fn]) return MERGES[fn](named) as Layer<unknown>
      return stepsLayer(operation, [{ op: 'binary', inputs: [0, 1], fn }])
    }
    const [shape] = shapes
    if (!shape || shapes.length > 1) return fail('called on constants alone')
    const { data, shape: sizes } = constantOf(plainOf((operands[at] as { readonly value: unknown }).value))
    const scaling = sizes.length === 0 ? rescaled[fn]?.(data[0], at === 0) : null
    if (scaling?.every(Number.isFinite))
      return rescaling({ ...named, scale: scaling[0], offset: scaling[1] }) as Layer<unknown>
    const ones = new Array(Math.max(0, shape.length + 1 - sizes.length)).fill(1)
    const full = [...ones, ...sizes]
    if (full.length > shape.length + 1 || full[0] !== 1) fail(`a constant of shape ${show(sizes)}`)
    return stepsLayer(operation, [
      { op: 'constant', data, shape: full },
      { op: 'binary', inputs: at === 0 ? [1, 0] : [0, 1], fn },
    ])
  }

const power: Make = (operation) => {
  const [, exponent] = operation.operands
  const p = exponent && 'value' in exponent ? exponent.value : undefined
  const single = { ...operation, operands: operation.operands.slice(0, 1) }
  if (p === 2) return functions('square')(single)
  if (p === 0.5) return functions('sqrt')(single)
  return fail(`a power of ${show(p)} (2 and 0.5 are taken)`)
}

const multiplied: Make = (operation) => {
  const { shapes } = operation
  if (shapes.length !== 2 || shapes[0].length !== shapes[1].length || shapes[0].length < 2)
    fail('called on values other than two stacks of matrices')
  const transposeA = option(operation, 'transpose_a') === true
  const transposeB = option(operation, 'transpose_b') === true
  return stepsLayer(operation, [{ op: 'matmul', inputs: [0, 1], transposeA, transposeB }])
}

const joined: Make = (operation) => {
  const axis = numberIn(option(operation, 'axis') ?? -1, 'axis')
  return concatenate({ ...operation.named, axis }) as Layer<unknown>
}

const gelu: Make = (operation) => {
  const isTanh = operation.options.approximate ?? operation.options.isKeras === true
  return activated(isTanh === true ? 'geluTanh' : 'gelu')(operation)
}

const alpha =
  (byDefault: number) =>
  (operation: Operation): number =>
    numberIn(option(operation, 'alpha', 'negative_slope') ?? byDefault, 'alpha')

/** By their names in small letters. */
const TABLE: Readonly<Record<string, Make>> = {
  ...Object.fromEntries(
    [
      'relu relu6 sigmoid tanh softplus softsign selu mish square exp:exponential silu swish:silu',
      'logsigmoid:logSigmoid hardsilu:hardSwish hardswish:hardSwish identity:linear',
    ]
      .join(' ')
      .split(' ')
      .map((entry): [string, Make] => {
        const [name, own = name] = entry.split(':')
        return [name, activated(own)]
      }),
  ),
  elu: activated('elu', alpha(1)),
  celu: activated('celu', alpha(1)),
  leakyrelu: activated('leakyRelu', alpha(0.2)),
  hardsigmoid: activated('hardSigmoid', () => 1 / 6),
  gelu,
  softmax: (operation) => {
    onlyShape(operation)
    const axis = numberIn(option(operation, 'axis') ?? -1, 'axis')
    return softmax({ ...operation.named, axis }) as Layer<unknown>
  },
  sqrt: functions('sqrt'),
  rsqrt: functions('sqrt', 'reciprocal'),
  log: functions('log'),
  abs: functions('abs'),
  absolute: functions('abs'),
  negative: functions('negate'),
  neg: functions('negate'),
  reciprocal: functions('reciprocal'),
  erf: functions('erf'),
  sign: functions('sign'),
  ...Object.fromEntries(
    ['mean', 'sum', 'max', 'min'].flatMap((fn): [string, Make][] =>
      [fn, `a${fn}`, `reduce${fn}`].map((name) => [name, reduced(fn)]),
    ),
  ),
  reshape: reshaped,
  expanddims: expanded,
  squeeze: squeezed,
  transpose: transposed,
  clip: clipped,
  clipbyvalue: clipped,
  cast,
  add: binary('add'),
  subtract: binary('subtract'),
  sub: binary('subtract'),
  multiply: binary('multiply'),
  mul: binary('multiply'),
  divide: binary('divide'),
  truedivide: binary('divide'),
  truediv: binary('divide'),
  realdiv: binary('divide'),
  maximum: binary('maximum'),
  minimum: binary('minimum'),
  power,
  pow: power,
  matmul: multiplied,
  concat: joined,
  concatenate: joined,
}

const MODULES = /^(ops|tf(\.(__operators__|math|nn|linalg|keras\.(activations|backend)|compat\.v1))?)$/

/** The maker of an operation: `ops.Add`, `tf.__operators__.add`; undefined: it isn't one that we have. */
export function operatorOf(className: string): Make | undefined {
  const at = className.lastIndexOf('.')
  if (!MODULES.test(className.slice(0, Math.max(at, 0)))) return undefined
  const name = className
    .slice(at + 1)
    .replaceAll('_', '')
    .toLowerCase()
  const make = Object.hasOwn(TABLE, name) ? TABLE[name] : undefined
  // gelu of Keras 3 is approximate where it doesn't say
  return make === gelu && className.startsWith('ops.')
    ? (operation) => gelu({ ...operation, options: { isKeras: true, ...operation.options } })
    : make
}
