// The operations that `operations` takes, by name: how many values each reads, how its attributes are checked, and how it is
// written into the graph. Attributes may come from files: what a kernel would trust is checked here.
import { allFunctions } from '../graph/mathematics.ts'
import * as ops from '../graph/operations.ts'
import { type BinaryName, binaryFunctions, reductions } from '../graph/ops/broadcast.ts'
import type { Value } from '../graph/value.ts'
import {
  BOOLEAN,
  check,
  FINITE,
  fail,
  NATURAL,
  oneOf,
  POSITIVE_INTEGER,
  type Read,
  type Readers,
  type Rule,
} from '../numerics/errors.ts'
import { sameShape, shapeText } from '../numerics/shape.ts'
import { elementCount } from '../numerics/tensor.ts'
import { batchMatmul } from '../operations/attention.ts'
import { convolve } from '../operations/convolution.ts'
import { gather } from '../operations/embedding.ts'
import { averagePool, maxPool, resize } from '../operations/pooling.ts'
import { reverse } from '../operations/recurrent.ts'
import { three, widened, windowsOf } from '../operations/window.ts'
import { limitIds } from './ids.ts'
import { type BuildContext, checkLayerName } from './layer.ts'

export interface StepKind {
  /** The least and the largest number of values it reads. */
  readonly inputs: readonly [least: number, most: number]
  readonly readers: Readers
  write(context: BuildContext, inputs: readonly Value[], attributes: object, batch: number): Value
}

/** Sizes; -k stands for k times the number of samples. */
const SIZES: Rule<readonly number[]> = {
  expected: 'a list of integers other than 0',
  holds: (list): list is readonly number[] =>
    Array.isArray(list) && list.length <= 32 && list.every((n) => Number.isSafeInteger(n) && n !== 0),
}

const AXES: Rule<readonly number[]> = {
  expected: 'a list of axes, each once',
  holds: (list): list is readonly number[] =>
    Array.isArray(list) && list.every((n) => NATURAL.holds(n)) && new Set(list).size === list.length,
}

const POSITIVES: Rule<readonly number[]> = {
  expected: 'a list of one to three positive integers up to 65535',
  holds: (list): list is readonly number[] =>
    Array.isArray(list) &&
    list.length > 0 &&
    list.length < 4 &&
    list.every((n) => POSITIVE_INTEGER.holds(n) && n < 0x10000),
}

const PAIRS: Rule<readonly (readonly [number, number])[]> = {
  expected: 'a list of [before, after]',
  holds: (list): list is readonly (readonly [number, number])[] =>
    Array.isArray(list) &&
    list.every((pair) => Array.isArray(pair) && pair.length === 2 && pair.every((n) => NATURAL.holds(n))),
}

const FINITES: Rule<readonly number[]> = {
  expected: 'a list of finite numbers',
  holds: (list): list is readonly number[] => Array.isArray(list) && list.every((n) => FINITE.holds(n)),
}

const sizesOf = (shape: readonly number[], batch: number): number[] =>
  shape.map((n) => (n < 0 ? -n * batch : n))

const kindOf = <R extends Readers>(
  inputs: StepKind['inputs'],
  readers: R,
  write: (context: BuildContext, inputs: readonly Value[], attributes: Read<R>, batch: number) => Value,
): StepKind => ({ inputs, readers, write: write as unknown as StepKind['write'] })

const named = <T extends object>(table: T) => oneOf(...(Object.keys(table) as (keyof T & string)[]))

/** Windows of x [batch, ...axes, channels]; each must hold a cell of x. */
function pooled(kernel: typeof maxPool) {
  const readers = { poolSize: POSITIVES, strides: POSITIVES, padding: PAIRS } as const
  return kindOf([1, 1], readers, ({ g }, [x], { poolSize, strides, padding }) => {
    const axes = x.shape.length - 2
    check(
      [poolSize, strides, padding].every(({ length }) => length === axes),
      'a pooling',
      `sizes of ${axes} axes`,
      poolSize,
    )
    const sizes = x.shape.slice(1, -1)
    const { counts, before } = windowsOf(sizes, poolSize, strides, padding)
    counts.forEach((count, i) => {
      const last = (count - 1) * strides[i] - before[i]
      if (before[i] >= poolSize[i] || last >= sizes[i])
        fail(`a window of axis ${i + 1} lies in the padding alone`)
    })
    const attributes = {
      pool: three(poolSize),
      strides: three(strides),
      before: three(before, 0),
      windows: three(counts),
    }
    const [y] = g.add(kernel, [widened(g, x)], attributes)
    return ops.reshape(g, y, [x.shape[0], ...counts, x.shape[x.shape.length - 1]])
  })
}

const NAME: Rule<string> = { expected: 'a name', holds: (name): name is string => typeof name === 'string' }

const make = (): Readonly<Record<string, StepKind>> => ({
  weight: kindOf(
    [0, 0],
    { name: NAME, shape: SIZES, trainable: [BOOLEAN, true], tiedTo: [NAME, ''] },
    (context, _, own) => {
      if (own.tiedTo !== '') {
        const tied = context.weightOf(own.tiedTo)
        check(
          sameShape(tied.shape, own.shape),
          `weight ${own.name}: shape`,
          `that of ${own.tiedTo}`,
          own.shape,
        )
        return tied
      }
      check(
        own.shape.every((n) => n > 0),
        `weight ${own.name}: shape`,
        'positive sizes',
        own.shape,
      )
      checkLayerName(own.name, 'name of a weight')
      return context.weight(own.name, own.shape, { initializer: 'zeros', trainable: own.trainable })
    },
  ),
  constant: kindOf([0, 0], { data: FINITES, shape: SIZES }, ({ g }, _, { data, shape }) => {
    check(
      shape.every((n) => n > 0) && elementCount(shape) === data.length,
      'a constant',
      `data of ${shapeText(shape)}`,
      data,
    )
    return g.constant(Float32Array.from(data), shape)
  }),
  unary: kindOf([1, 1], { fn: named(allFunctions), alpha: [FINITE, 0] }, ({ g }, [x], { fn, alpha }) =>
    ops.unary(g, allFunctions[fn], x, alpha),
  ),
  binary: kindOf([2, 2], { fn: named(binaryFunctions) }, ({ g }, [a, b], { fn }) =>
    ops.binary(g, fn as BinaryName, a, b),
  ),
  reshape: kindOf([1, 1], { shape: SIZES }, ({ g }, [x], { shape }, batch) =>
    ops.reshape(g, x, sizesOf(shape, batch)),
  ),
  expand: kindOf([1, 1], { shape: SIZES }, ({ g }, [x], { shape }, batch) =>
    ops.expand(g, x, sizesOf(shape, batch)),
  ),
  permute: kindOf([1, 1], { axes: AXES }, ({ g }, [x], { axes }) => {
    const fits = axes.length === x.shape.length && axes.every((axis) => axis < axes.length)
    check(fits, 'permute: axes', `those of ${shapeText(x.shape)} in some order`, axes)
    return ops.permute(g, x, axes)
  }),
  slice: kindOf([1, 1], { axis: NATURAL, start: NATURAL, size: POSITIVE_INTEGER }, ({ g }, [x], own) =>
    ops.slice(g, x, own.axis, own.start, own.size),
  ),
  concatenate: kindOf([1, 10_000], { axis: NATURAL }, ({ g }, inputs, { axis }) =>
    ops.concatenate(g, inputs, axis),
  ),
  pad: kindOf(
    [1, 1],
    { axis: NATURAL, before: NATURAL, after: NATURAL },
    ({ g }, [x], { axis, before, after }) => {
      check(axis < x.shape.length, 'pad: axis', `an axis of ${shapeText(x.shape)}`, axis)
      return ops.unslice(
        g,
        x,
        axis,
        before,
        x.shape.map((n, i) => (i === axis ? n + before + after : n)),
      )
    },
  ),
  reverse: kindOf([1, 1], { axis: NATURAL }, ({ g }, [x], { axis }) => {
    check(axis < x.shape.length, 'reverse: axis', `an axis of ${shapeText(x.shape)}`, axis)
    return g.add(reverse, [x], { axis })[0]
  }),
  resize: kindOf(
    [1, 1],
    {
      axis: NATURAL,
      size: POSITIVE_INTEGER,
      linear: [BOOLEAN, false],
      grid: [oneOf('halfPixel', 'start', 'corners'), 'halfPixel'],
    },
    ({ g }, [x], { axis, size, linear, grid }) => {
      check(axis < x.shape.length, 'resize: axis', `an axis of ${shapeText(x.shape)}`, axis)
      return g.add(resize, [x], { axis, size, linear, grid })[0]
    },
  ),
  softmax: kindOf([1, 1], { log: [BOOLEAN, false] }, ({ g }, [x], { log }) => ops.softmax(g, x, log)),
  reduce: kindOf(
    [1, 1],
    { fn: named({ mean: 0, ...reductions }), axes: AXES, keepDims: [BOOLEAN, false] },
    ({ g }, [x], { fn, axes, keepDims }) =>
      fn === 'mean' ? ops.mean(g, x, axes, keepDims) : ops.reduce(g, fn, x, axes, { keepDims }),
  ),
  matmul: kindOf(
    [2, 2],
    { transposeA: [BOOLEAN, false], transposeB: [BOOLEAN, false] },
    ({ g }, [a, b], transposes) =>
      a.shape.length === 2 ? ops.matmul(g, a, b, transposes) : batchMatmul(g, a, b, transposes),
  ),
  conv: kindOf(
    [2, 2],
    { strides: POSITIVES, dilations: POSITIVES, padding: PAIRS, groups: [POSITIVE_INTEGER, 1] },
    ({ g }, [x, w], own) => {
      const axes = x.shape.length - 2
      const channels = x.shape[x.shape.length - 1]
      const fits =
        w.shape.length === axes + 2 &&
        [own.strides, own.dilations, own.padding].every(({ length }) => length === axes) &&
        w.shape[axes] * own.groups === channels &&
        w.shape[axes + 1] % own.groups === 0
      if (!fits)
        fail(`a convolution of ${shapeText(x.shape)} by ${shapeText(w.shape)} in ${own.groups} groups`)
      return convolve(g, x, w, own)
    },
  ),
  maxPool: pooled(maxPool),
  averagePool: pooled(averagePool),
  gather: kindOf([2, 2], {}, ({ g }, [table, ids]) => {
    limitIds(g, ids, table.shape[0])
    return g.add(gather, [table, ids], {})[0]
  }),
})

let made: ReturnType<typeof make> | null = null

/** By name. Made when they are first asked for: few programs do. */
export const stepKinds = (): Readonly<Record<string, StepKind>> => {
  made ??= make()
  return made
}
