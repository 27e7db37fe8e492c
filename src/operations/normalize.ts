// Operations of normalization and their gradients: rows by their own statistics (layer, RMS), channels by those of a batch or a
// group; and class ids as rows.
import * as abi from '../../assembly/abi.ts'
import { normalizeModule } from '../binaries/normalize.ts'
import type { Addresses, Epilogue, Kernel, KernelCall, Word } from '../graph/kernel.ts'
import { sumTo, times } from '../graph/ops/broadcast.ts'
import { weighted } from '../graph/ops/ranges.ts'
import type { Value } from '../graph/value.ts'
import type { Shape } from '../numerics/shape.ts'
import { elementCount } from '../numerics/tensor.ts'
import { f32 } from '../numerics/words.ts'

interface AffineAttributes {
  readonly epsilon: number
  /** Whether there is a gamma, the input behind x. */
  readonly scale: boolean
  /** Whether there is a beta, the last input. */
  readonly center: boolean
}

/** Gamma and beta of a forward operation, or null. */
function affineOf<A extends AffineAttributes>({ inputs, attributes: { scale, center } }: KernelCall<A>) {
  return { gamma: scale ? inputs[1] : null, beta: center ? inputs[scale ? 2 : 1] : null }
}

/** The inputs of a gradient operation: dy, x, the statistics, gamma?. */
const gradientInputs = <A extends AffineAttributes>(op: KernelCall<A>, dy: Value): Value[] => {
  const { gamma } = affineOf(op)
  return [dy, op.inputs[0], ...op.extras, ...(gamma ? [gamma] : [])]
}

/** [dx, dgamma?, dbeta?], `inputs`: dy, x, two statistics or one, gamma?; the last extra is dbeta. */
function gradientShapes(inputs: readonly Value[], { scale, center }: AffineAttributes): [Shape, ...Shape[]] {
  const [, { shape }] = inputs
  const channels = [shape[shape.length - 1]]
  return [shape, ...(scale ? [channels] : []), ...(center ? [channels] : [])]
}

/** DX, DGAMMA, DBETA, DY and X of both gradients. */
function gradientWords<A extends AffineAttributes>(op: KernelCall<A>): Word[] {
  const { output, extras, inputs, attributes } = op
  const { scale, center } = attributes
  const dbeta = center ? extras[extras.length - 1] : null
  return [output, scale ? extras[0] : null, dbeta, ...inputs.slice(0, 2)]
}

// ---- rows -----------------------------------------------------------------------------------------

export interface LayerNormalizeAttributes extends AffineAttributes {
  /** Whether no mean is subtracted, so that the deviation is that from 0. */
  readonly rms: boolean
}

const columnsIn = ({ shape }: Value): number => shape[shape.length - 1]
const rowsIn = (x: Value): number => elementCount(x.shape) / columnsIn(x)

/**
 * x [..., D], gamma? [D], beta? [D] to y [..., D]; extras: inverse deviation [rows] and, unless rms, mean and its rest [2,
 * rows].
 */
export const layerNormalize: Kernel<LayerNormalizeAttributes> = {
  name: 'layerNormalize',
  module: normalizeModule,
  code: abi.OP_LAYER_NORMALIZE,
  shapes: ([x], { rms }) => [x.shape, [rowsIn(x)], ...(rms ? [] : [[2, rowsIn(x)]])],
  words(op) {
    const { gamma, beta } = affineOf(op)
    const [x] = op.inputs
    const [inverse, mean] = op.extras
    return {
      [abi.LAYER_NORMALIZE_Y]: op.output,
      [abi.LAYER_NORMALIZE_X]: x,
      [abi.LAYER_NORMALIZE_INVERSE]: inverse,
      [abi.LAYER_NORMALIZE_MEAN]: mean,
      [abi.LAYER_NORMALIZE_GAMMA]: gamma,
      [abi.LAYER_NORMALIZE_BETA]: beta,
      [abi.LAYER_NORMALIZE_ROWS]: rowsIn(x),
      [abi.LAYER_NORMALIZE_COLS]: columnsIn(x),
      [abi.LAYER_NORMALIZE_EPSILON]: f32(op.attributes.epsilon),
    }
  },
  reuses: [0],
  range: weighted,
  gradient: (g, op, dy) => g.add(layerNormalizeGrad, gradientInputs(op, dy), op.attributes),
}

/** dy, x, inverse, mean (unless rms), gamma? to dx, dgamma?, dbeta? */
export const layerNormalizeGrad: Kernel<LayerNormalizeAttributes> = {
  name: 'layerNormalizeGrad',
  module: normalizeModule,
  code: abi.OP_LAYER_NORMALIZE_GRAD,
  shapes: gradientShapes,
  words(op, at) {
    const { inputs, attributes } = op
    const [, x, inverse, mean] = inputs
    return {
      [abi.LAYER_NORMALIZE_GRAD_DX]: gradientWords(op),
      [abi.LAYER_NORMALIZE_GRAD_INVERSE]: inverse,
      [abi.LAYER_NORMALIZE_GRAD_MEAN]: attributes.rms ? null : mean,
      [abi.LAYER_NORMALIZE_GRAD_GAMMA]: attributes.scale ? inputs[inputs.length - 1] : null,
      [abi.LAYER_NORMALIZE_GRAD_ROWS]: rowsIn(x),
      [abi.LAYER_NORMALIZE_GRAD_COLS]: columnsIn(x),
      [abi.LAYER_NORMALIZE_GRAD_SCRATCH]: at.scratch,
    }
  },
  // two f64 sums for each column, in groups of four columns
  scratchBytes: ({ inputs: [, x] }) => 64 * Math.ceil(columnsIn(x) / 4),
  reuses: [0, 1],
}

// ---- channels -------------------------------------------------------------------------------------

export interface ChannelNormalizeAttributes extends AffineAttributes {
  /** The number of samples with statistics of their own: the batch, or 1 for statistics of the whole batch. */
  readonly samples: number
  /** The number of groups of consecutive channels that share statistics; it divides the channels. */
  readonly groups: number
}

/** CHANNEL_NORMALIZE_SAMPLES to CHANNEL_NORMALIZE_SCRATCH, which the gradient has, too */
function channelWords(x: Value, { samples, groups, epsilon }: ChannelNormalizeAttributes, at: Addresses) {
  return [samples, rowsIn(x) / samples, columnsIn(x), groups, f32(epsilon), at.scratch]
}

/** Bytes of scratch (assembly/kernels/normalize-channels.ts). */
const channelScratch = (x: Value): number => 64 + 52 * 4 * Math.ceil(columnsIn(x) / 4)

/**
 * x [..., C], gamma? [C], beta? [C] to y [..., C]; extras: mean, biased variance, and the rest that a float32 cuts off the mean,
 * each [samples, groups]. Batch normalization has one sample and C groups.
 */
export const channelNormalize: Kernel<ChannelNormalizeAttributes> = {
  name: 'channelNormalize',
  module: normalizeModule,
  code: abi.OP_CHANNEL_NORMALIZE,
  shapes: ([x], { samples, groups }) => [x.shape, ...Array<Shape>(3).fill([samples, groups])],
  words(op, at) {
    const { gamma, beta } = affineOf(op)
    const [x] = op.inputs
    return {
      [abi.CHANNEL_NORMALIZE_Y]: op.output,
      [abi.CHANNEL_NORMALIZE_X]: x,
      [abi.CHANNEL_NORMALIZE_MEAN]: op.extras,
      [abi.CHANNEL_NORMALIZE_GAMMA]: gamma,
      [abi.CHANNEL_NORMALIZE_BETA]: beta,
      [abi.CHANNEL_NORMALIZE_SAMPLES]: channelWords(x, op.attributes, at),
    }
  },
  scratchBytes: ({ inputs: [x] }) => channelScratch(x),
  reuses: [0],
  range: weighted,
  gradient: (g, op, dy) => g.add(channelNormalizeGrad, gradientInputs(op, dy), op.attributes),
}

/** dy, x, mean, variance, rest, gamma? to dx, dgamma?, dbeta? */
export const channelNormalizeGrad: Kernel<ChannelNormalizeAttributes> = {
  name: 'channelNormalizeGrad',
  module: normalizeModule,
  code: abi.OP_CHANNEL_NORMALIZE_GRAD,
  shapes: gradientShapes,
  words(op, at) {
    const [, x, mean, variance, rest, gamma = null] = op.inputs
    return {
      [abi.CHANNEL_NORMALIZE_GRAD_DX]: gradientWords(op),
      [abi.CHANNEL_NORMALIZE_GRAD_MEAN]: mean,
      [abi.CHANNEL_NORMALIZE_GRAD_VARIANCE]: variance,
      [abi.CHANNEL_NORMALIZE_GRAD_REST]: rest,
      [abi.CHANNEL_NORMALIZE_GRAD_GAMMA]: gamma,
      [abi.CHANNEL_NORMALIZE_GRAD_SAMPLES]: channelWords(x, op.attributes, at),
    }
  },
  scratchBytes: ({ inputs: [, x] }) => channelScratch(x),
  reuses: [0, 1],
}

// ---- known statistics -----------------------------------------------------------------------------

/** x [..., C], factor [C], offset [C] to x factor + offset [..., C], then the function of `epilogue`. */
export const scaleShift: Kernel<{ readonly epilogue: Epilogue | null }> = {
  name: 'scaleShift',
  module: normalizeModule,
  calls: ({ epilogue }) => epilogue?.fn.module ?? null,
  code: abi.OP_SCALE_SHIFT,
  words: ({ output, inputs, attributes: { epilogue } }) => ({
    [abi.SCALE_SHIFT_Y]: [output, ...inputs],
    [abi.SCALE_SHIFT_ROWS]: [rowsIn(output), columnsIn(output)],
    [abi.SCALE_SHIFT_FN]: epilogue?.fn.code ?? abi.FN_LINEAR,
    [abi.SCALE_SHIFT_ALPHA]: f32(epilogue?.alpha ?? 0),
  }),
  reuses: [0],
  fuse({ epilogue }, what) {
    if (epilogue || !('fn' in what)) return null
    const { code } = what.fn
    return code === abi.FN_RELU || code >= abi.FN_CORE_END ? { epilogue: what } : null
  },
  text: ({ epilogue }) => epilogue?.fn.name ?? '',
  range: ({ inputs: [, , offset] }, known) => known.rangeOf(offset),
  gradient: (g, { inputs: [x, factor, offset] }, dy) => [
    times(g, dy, factor),
    sumTo(g, times(g, dy, x), factor.shape),
    sumTo(g, dy, offset.shape),
  ],
}

// ---- categories -----------------------------------------------------------------------------------

export interface EncodeCategoriesAttributes {
  readonly tokens: number
  /** Whether occurrences are counted. */
  readonly count: boolean
}

/** int32 ids [..., n] to [..., tokens]: 1 (or a count) for each id that occurs. Other ids count nowhere. */
export const encodeCategories: Kernel<EncodeCategoriesAttributes> = {
  name: 'encodeCategories',
  module: normalizeModule,
  code: abi.OP_ENCODE_CATEGORIES,
  shapes: ([ids], { tokens }) => [[...ids.shape.slice(0, -1), tokens]],
  words: ({ output, inputs: [ids], attributes: { tokens, count } }) => ({
    [abi.CATEGORIES_DST]: output,
    [abi.CATEGORIES_IDS]: ids,
    [abi.CATEGORIES_ROWS]: rowsIn(ids),
    [abi.CATEGORIES_PER_ROW]: columnsIn(ids),
    [abi.CATEGORIES_TOKENS]: tokens,
    [abi.CATEGORIES_IS_COUNT]: Number(count),
  }),
  int32: [0],
}
