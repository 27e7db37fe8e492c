// Normalizations: layers where their weights are those of the file, composed of operations otherwise.
import {
  batchNormalization,
  groupNormalization,
  layerNormalization,
  rmsNormalization,
} from '../../layers/normalization.ts'
import { fail } from '../../numerics/errors.ts'
import { type Constant, combined, elements, mapped, numbers, reshaped } from './arrays.ts'
import { BATCH, countOf, type Flow, type Given, isEven } from './flows.ts'
import { axisOf } from './fold.ts'
import { binary, fixed, plus, reduceAxes, valued, type Write } from './functions.ts'
import { reshape, target } from './moving.ts'
import type { Tape } from './tape.ts'

/** [channels] under a shape that broadcasts against x, along axis 1. */
const perChannel = (t: Tape, given: Given, rank: number): Given => {
  const shape = [given.shape[0], ...new Array(rank - 2).fill(1)]
  return given.isConstant ? reshaped(given, shape) : reshape(t, given, shape)
}

/** A scale or bias; null for a constant that isn't a weight and changes nothing. */
const changing = (given: Given | null | undefined, neutral: number): Given | null =>
  given?.isConstant && given.weight === null && Array.prototype.every.call(given.data, (v) => v === neutral)
    ? null
    : (given ?? null)

/** The weights gamma and beta as a layer takes them; null unless both are constants of the file. */
function affineOf(ownScale: Given | null | undefined, ownBias: Given | null | undefined, size: number) {
  const [scale, bias] = [changing(ownScale, 1), changing(ownBias, 0)]
  const list = [scale, bias]
  if (list.some((x) => x && (!x.isConstant || countOf(x.shape) !== size))) return null
  return {
    options: { scale: !!scale, center: !!bias },
    weights: {
      ...(scale && { gamma: elements(scale as Constant) }),
      ...(bias && { beta: elements(bias as Constant) }),
    },
    key: list.map((x) => (x ? 'x' : '')).join(),
  }
}

/**
 * The key of a layer by its scale and bias. Before a net has trained, these are ones and zeros in every layer, and exporters keep
 * equal arrays once. Then the module that an operator is named after tells the layers apart ('/norm_1/Add' is a second call of
 * norm).
 */
function keyOf(t: Tape, list: readonly (Given | null | undefined)[]): string {
  const given = list.flatMap((x) => (x?.isConstant ? [x] : []))
  const module = given.every(isEven) ? t.hint.replaceAll(/_\d+\b|\/[^/]*$/g, '') : ''
  return `${module} ${list.map((x) => (x?.isConstant ? t.keyOf(x) : '')).join(' ')}`
}

/** x - mean over axes, and 1 / sqrt(variance + epsilon). */
function standard(
  t: Tape,
  x: Flow,
  axes: readonly number[],
  epsilon: number,
): { y: Flow; mean: Flow; inverse: Flow } {
  const mean = reduceAxes(t, 'mean', x, axes)
  const centered = binary(t, 'subtract', x, mean)
  const variance = reduceAxes(t, 'mean', { ...centered, stored: t.unary(centered.stored, 'square') }, axes)
  const deviation = plus(t, variance, epsilon)
  const inverse = { ...deviation, stored: t.unary(t.unary(deviation.stored, 'sqrt'), 'reciprocal') }
  return { y: binary(t, 'multiply', centered, inverse), mean, inverse }
}

const affine = (t: Tape, y: Flow, scale: Given | null | undefined, bias: Given | null | undefined): Flow => {
  const scaled = scale ? binary(t, 'multiply', y, scale) : y
  return bias ? binary(t, 'add', scaled, bias) : scaled
}

const channelsLast = (rank: number): number[] => [0, ...Array.from({ length: rank - 2 }, (_, i) => i + 2), 1]

/** Groups of channels: axis 1 of x. */
function grouped(
  t: Tape,
  x: Flow,
  scale: Given | null,
  bias: Given | null,
  groups: number,
  epsilon: number,
): Flow {
  const rank = x.shape.length
  const channels = x.shape[1]
  const order = channelsLast(rank)
  const own = affineOf(scale, bias, channels)
  if (own && !t.each && x.shape[0] % BATCH === 0 && epsilon > 0) {
    const stored = t.ordered(x, order)
    const [y] = t.layer(
      (name) =>
        groupNormalization({ ...name, ...own.options, groups: groups === channels ? -1 : groups, epsilon }),
      [stored],
      [t.shapeOf(stored)],
      {
        weights: own.weights,
        key: `group ${groups} ${epsilon} ${keyOf(t, [scale, bias])}`,
        of: (scale as Constant | null)?.weight ?? null,
      },
    )
    return t.flow(x.shape, y, order)
  }
  const split = reshape(t, x, [x.shape[0], groups, channels / groups, ...x.shape.slice(2)])
  const { y } = standard(t, split, split.shape.map((_, i) => i).slice(2), epsilon)
  const whole = reshape(t, y, x.shape)
  return affine(t, whole, scale && perChannel(t, scale, rank), bias && perChannel(t, bias, rank))
}

export const normalizing: Readonly<Record<string, Write>> = {
  BatchNormalization: (t, node, [given, scale, bias, mean, variance]) => {
    const x = valued(t, given)
    const rank = x.shape.length
    if (node.int('training_mode') === 1) return fail('in training mode, with the statistics of the batch')
    const epsilon = node.float('epsilon', 1e-5)
    const momentum = node.float('momentum', 0.9)
    if (!scale || !bias || !mean || !variance || rank < 2) return fail('an input is missing')
    const all = [scale, bias, mean, variance]
    if (all.every((c) => c.isConstant) && !t.each && x.shape[0] % BATCH === 0) {
      const [gamma, beta, moving, deviation] = all.map((c) => elements(fixed(c, 'statistics')))
      const order = channelsLast(rank)
      const stored = t.ordered(x, order)
      // PyTorch's moving variance is that of all rows but one
      const [isScaled, isMoved] = [changing(scale, 1) !== null, changing(bias, 0) !== null]
      const affine = { scale: isScaled, center: isMoved }
      const options = { ...affine, epsilon, momentum, unbiasedRunningVar: t.producer === 'pytorch' }
      const [y] = t.layer(
        (name) => batchNormalization({ ...name, ...options }),
        [stored],
        [t.shapeOf(stored)],
        {
          weights: {
            ...(isScaled && { gamma }),
            ...(isMoved && { beta }),
            ...{ moving_mean: moving, moving_variance: deviation },
          },
          key: `batch ${epsilon} ${momentum} ${keyOf(t, all)}`,
          of: (scale as Constant).weight,
        },
      )
      return [t.flow(x.shape, y, order)]
    }
    const [gamma, beta, moving, deviation] = all.map((c) => perChannel(t, c, rank))
    if (gamma.isConstant && beta.isConstant && moving.isConstant && deviation.isConstant) {
      const factor = combined([gamma, deviation], (g, v) => g / Math.sqrt(v + epsilon), 'float')
      const offset = combined([beta, moving, factor], (b, m, f) => b - m * f, 'float')
      return [binary(t, 'add', binary(t, 'multiply', x, factor), offset)]
    }
    const v = plus(t, valued(t, deviation), epsilon)
    const root = { ...v, stored: t.unary(v.stored, 'sqrt') }
    const y = binary(t, 'divide', binary(t, 'subtract', x, moving), root)
    return [affine(t, y, gamma, beta)]
  },
  InstanceNormalization: (t, node, [given, scale = null, bias = null]) => {
    const x = valued(t, given)
    return [grouped(t, x, scale, bias, x.shape[1], node.float('epsilon', 1e-5))]
  },
  GroupNormalization: (t, node, [given, scale = null, bias = null, shape]) => {
    const flow = valued(t, given)
    const x = shape ? reshape(t, flow, target(t, flow, numbers(fixed(shape, 'shape')), node)) : flow
    const groups = node.int('num_groups', 1)
    const channels = x.shape[1]
    // version 18 has one number for each group
    const each = (c: Given | null): Given | null =>
      c?.isConstant && c.shape[0] === groups && groups !== channels
        ? mapped(reshaped(repeated(c, channels / groups), [channels]), (v) => v)
        : c
    return [grouped(t, x, each(scale), each(bias), groups, node.float('epsilon', 1e-5))]
  },
  LayerNormalization: (t, node, [given, scale, bias]) => {
    const x = valued(t, given)
    const rank = x.shape.length
    const axis = axisOf(node.int('axis', -1), rank)
    const epsilon = node.float('epsilon', 1e-5)
    const axes = x.shape.map((_, i) => i).slice(axis)
    for (const i of axes) t.checkFixed(x.shape[i])
    const size = countOf(x.shape.slice(axis))
    const own = affineOf(scale, bias, size)
    if (own && !t.each && !node.outputs[1] && epsilon > 0) {
      const order = axis === rank - 1 && x.order[rank - 1] === axis ? x.order : t.batchFirst(x, axes)
      const sizes = order.map((i) => x.shape[i])
      if (sizes[0] % BATCH === 0) {
        const rows = [...sizes.slice(0, axis), size]
        const stored = t.reshape(t.ordered(x, order), rows)
        const [y] = t.layer(
          (name) => layerNormalization({ ...name, ...own.options, epsilon }),
          [stored],
          [rows],
          {
            weights: own.weights,
            key: `layer ${epsilon} ${keyOf(t, [scale, bias])}`,
            of: (scale as Constant | undefined)?.weight ?? null,
          },
        )
        return [t.flow(x.shape, t.reshape(y, sizes), order)]
      }
    }
    const { y, mean, inverse } = standard(t, x, axes, epsilon)
    return [affine(t, y, scale, bias), mean, inverse]
  },
  RMSNormalization: (t, node, [given, scale]) => {
    const x = valued(t, given)
    const rank = x.shape.length
    const axis = axisOf(node.int('axis', -1), rank)
    const epsilon = node.float('epsilon', 1e-5)
    if (axis !== rank - 1) return fail(`over ${rank - axis} axes; one is taken`)
    const order = x.order[rank - 1] === axis ? x.order : t.batchFirst(x, [axis])
    if (scale?.isConstant && !t.each && epsilon > 0) {
      const stored = t.ordered(x, order)
      const [y] = t.layer((name) => rmsNormalization({ ...name, epsilon }), [stored], [t.shapeOf(stored)], {
        weights: { scale: elements(scale) },
        key: `rms ${epsilon} ${t.keyOf(scale)}`,
        of: scale.weight,
      })
      return [t.flow(x.shape, y, order)]
    }
    const squares = reduceAxes(t, 'mean', { ...x, stored: t.unary(x.stored, 'square') }, [axis])
    const v = plus(t, squares, epsilon)
    return [affine(t, binary(t, 'divide', x, { ...v, stored: t.unary(v.stored, 'sqrt') }), scale, null)]
  },
  MeanVarianceNormalization: (t, node, [given]) => {
    const x = valued(t, given)
    const axes = node.ints('axes')?.length ? (node.ints('axes') as number[]) : [0, 2, 3]
    return [
      standard(
        t,
        x,
        axes.map((axis) => axisOf(axis, x.shape.length)),
        1e-9,
      ).y,
    ]
  },
}

/** Each element `times` times. */
const repeated = (c: Constant, times: number): Constant => ({
  ...c,
  shape: [c.shape[0], times],
  own: [c.shape[0], 1],
  data: elements(c),
})
