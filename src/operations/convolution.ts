// Operations: convolutions over three axes, channels last: x [N, D, H, W, C], kernel [kd, kh, kw, C / groups, F], y [N, OD, OH,
// OW, F]; depthwise: kernel [1, kh, kw, C, m], y [N, 1, OH, OW, C m]. Missing axes have size 1. `convolve` and
// `convolveTransposedRows` write them for values of rank 3 to 5, without bias and activation.
import * as abi from '../../assembly/abi.ts'
import { convolutionModule } from '../binaries/convolution.ts'
import { isOf, type Kernel, type KernelCall, type Writer } from '../graph/kernel.ts'
import { matmul, matmulScratchBytes } from '../graph/ops/matmul.ts'
import { reshape, unsliceKernel } from '../graph/ops/moves.ts'
import { weighted } from '../graph/ops/ranges.ts'
import type { Value } from '../graph/value.ts'
import { fail, show } from '../numerics/errors.ts'
import type { Shape } from '../numerics/shape.ts'
import { elementCount } from '../numerics/tensor.ts'
import {
  type ConvGeometry,
  listedBlock,
  type Parts,
  patchesBlock,
  scratchOf,
  wordsOf,
} from './convolution-words.ts'
import { type Padding, three, widened, windowsOf } from './window.ts'
import { LEAST_TILES, tiledParts, turned } from './winograd.ts'

interface Form {
  readonly code: number
  readonly shape: (inputs: readonly Value[], geometry: ConvGeometry) => Shape
  readonly parts: (op: KernelCall<ConvGeometry>) => Parts
  readonly fuse?: Kernel<ConvGeometry>['fuse']
  readonly gradient?: Kernel<ConvGeometry>['gradient']
}

/** Scratch for y and dw: the product of a block has M rows and depth K. */
function listedParts(
  x: Value,
  y: Value,
  geometry: ConvGeometry,
  scratch: (rows: number, depth: number) => number,
): Parts {
  const block = listedBlock(x, geometry)
  return { block, image: x, y, product: scratch(block.rows, block.runs * block.runDepth) }
}

/** Lines of x between zeros, or of dy (for dx, which is `isBack`), and a line of dx as wide as y. */
function depthwiseParts(x: Value, y: Value, geometry: ConvGeometry, isBack = false): Parts {
  const { input, output, kernel, strides, dilations, before } = geometry
  const filters = y.shape[4]
  const isWide = filters > x.shape[4]
  const reaches = kernel.map((taps, i) => (taps - 1) * dilations[i])
  const spans = output.map((count, i) => (count - 1) * strides[i] + reaches[i] + 1)
  const isRead = isBack || isWide || spans.some((span, i) => before[i] > 0 || span > input[i])
  const width = isBack ? input[2] + reaches[2] : isRead ? spans[2] : 0
  const image = ((reaches[1] + 2) * width + (isBack && isWide ? input[2] : 0)) * filters + 4
  return {
    block: { size: width, rows: 0, image: isRead ? image : 0, runs: 0, runDepth: 0 },
    image: x,
    y,
    product: 0,
  }
}

const kernelOf = (name: string, { code, shape, parts, fuse, gradient }: Form): Kernel<ConvGeometry> => ({
  name,
  module: convolutionModule,
  calls: ({ epilogue }) => epilogue?.fn.module ?? null,
  code,
  shapes: (inputs, geometry) => [shape(inputs, geometry)],
  words: (op, at) => wordsOf(op, at, parts(op)),
  scratchBytes: (op) => {
    const all = parts(op)
    return all.block.image + all.product + (all.long ?? 0) > 0 ? scratchOf(all, op.attributes).bytes : 0
  },
  fuse,
  range: weighted,
  gradient,
})

/** Convolution: y of x and w. */
export const conv: Kernel<ConvGeometry> = /*#__PURE__*/ kernelOf('conv', {
  code: abi.OP_CONV,
  shape: ([x, w], { output }) => [x.shape[0], ...output, w.shape[4]],
  parts: ({ inputs: [x], output, attributes }) =>
    tiledParts(x, output, attributes, 1, elementCount(attributes.output)) ??
    listedParts(x, output, attributes, (rows, depth) =>
      matmulScratchBytes(rows, Math.min(depth, abi.BLOCK_DEPTH), false),
    ),
  fuse(attributes, what) {
    const { bias, epilogue } = attributes
    if (epilogue || 'accumulate' in what) return null
    return 'fn' in what ? { ...attributes, epilogue: what } : bias ? null : { ...attributes, ...what }
  },
  gradient: (g, { inputs: [x, w], attributes: geometry }, dy) => [
    g.add(convInputGrad, [dy, w], geometry)[0],
    g.add(convWeightGrad, [x, dy], geometry)[0],
  ],
})

/** What the patches of dx cost besides the product that makes them. */
const SCATTERED = 1.2

/** The input gradient: dx of dy and w. A transposed convolution is the same operation, with its x as dy. */
export const convInputGrad: Kernel<ConvGeometry> = /*#__PURE__*/ kernelOf('convInputGrad', {
  code: abi.OP_CONV_INPUT_GRAD,
  shape: ([dy, w], { input, groups }) => [dy.shape[0], ...input, w.shape[3] * groups],
  parts: ({ inputs: [dy], output, attributes }) => {
    const { kernel, groups, output: counts } = attributes
    const tiled = 1 | abi.MATMUL_TRANSPOSE_B
    const found = tiledParts(dy, output, turned(attributes), tiled, SCATTERED * elementCount(counts))
    if (found) return found
    const rows = elementCount(dy.shape) / dy.shape[4]
    const block = patchesBlock(rows, (elementCount(kernel) * output.shape[4]) / groups)
    return {
      block,
      image: output,
      y: dy,
      product: matmulScratchBytes(block.rows, dy.shape[4] / groups, false),
    }
  },
  // linear in both operands: the gradient of dx takes the place of x
  gradient: (g, { inputs: [dy, w], attributes: geometry }, ddx) => [
    g.add(conv, [ddx, w], geometry)[0],
    g.add(convWeightGrad, [ddx, dy], geometry)[0],
  ],
})

/** The largest weight gradient, in floats, that is a sum over ranges of samples: threads can hardly split so few rows. */
const SUMMED = 16384
/** The same of tiles: a range has at least LEAST_TILES. */
const TILED_SUMMED = 65536
/** The number of ranges, which threads share. The order of the sum is the same for any number of threads. */
const RANGES = 8

/** The weight gradient: dw of x and dy. */
export const convWeightGrad: Kernel<ConvGeometry> = /*#__PURE__*/ kernelOf('convWeightGrad', {
  code: abi.OP_CONV_WEIGHT_GRAD,
  shape: ([x, dy], { kernel, groups }) => [...kernel, x.shape[4] / groups, dy.shape[4]],
  parts({ inputs: [x, dy], output, attributes }) {
    const [samples, sums, positions] = [
      x.shape[0],
      elementCount(output.shape),
      elementCount(attributes.output),
    ]
    const found = tiledParts(x, dy, attributes, 1, positions, true)
    const terms = found
      ? Math.ceil(attributes.output[1] / 2) * Math.ceil(attributes.output[2] / 2)
      : positions
    const most = found ? Math.ceil((samples * terms) / LEAST_TILES) : RANGES
    const isSummed = attributes.groups === 1 && sums <= (found ? TILED_SUMMED : SUMMED)
    const ranges = isSummed ? Math.min(RANGES, most, samples) : 1
    const isLong = Math.ceil(samples / ranges) * terms > abi.LONG_DEPTH
    return {
      ...(found ?? listedParts(x, dy, attributes, (rows, depth) => matmulScratchBytes(depth, rows))),
      ranges,
      long: isLong ? sums : 0,
    }
  },
})

/** Depthwise convolution: y of x and w, each channel with m filters of its own. */
export const depthwise: Kernel<ConvGeometry> = /*#__PURE__*/ kernelOf('depthwise', {
  code: abi.OP_DEPTHWISE,
  shape: ([x, w], { output }) => [x.shape[0], ...output, w.shape[3] * w.shape[4]],
  parts: ({ inputs, output, attributes }) => depthwiseParts(inputs[0], output, attributes),
  gradient: (g, { inputs: [x, w], attributes: geometry }, dy) => [
    g.add(depthwiseInputGrad, [dy, w], geometry)[0],
    g.add(depthwiseWeightGrad, [x, dy], geometry)[0],
  ],
})

/** dx of dy, w. */
export const depthwiseInputGrad: Kernel<ConvGeometry> = /*#__PURE__*/ kernelOf('depthwiseInputGrad', {
  code: abi.OP_DEPTHWISE_INPUT_GRAD,
  shape: ([dy, w], { input }) => [dy.shape[0], ...input, w.shape[3]],
  parts: ({ inputs, output, attributes }) => depthwiseParts(output, inputs[0], attributes, true),
})

/** dw of x, dy. */
export const depthwiseWeightGrad: Kernel<ConvGeometry> = /*#__PURE__*/ kernelOf('depthwiseWeightGrad', {
  code: abi.OP_DEPTHWISE_WEIGHT_GRAD,
  shape: ([x, dy], { kernel }) => [...kernel, x.shape[4], dy.shape[4] / x.shape[4]],
  parts: ({ inputs, output, attributes }) => ({
    ...depthwiseParts(inputs[0], inputs[1], attributes),
    long: elementCount(output.shape),
  }),
})

/** One number for each axis but batch and channels. */
export interface ConvOptions {
  readonly strides: readonly number[]
  readonly dilations: readonly number[]
  readonly padding: Padding
  /** Number of groups of channels. Default 1. */
  readonly groups?: number
}

const spansOf = (kernel: Shape, dilations: Shape): Shape => kernel.map((n, i) => (n - 1) * dilations[i] + 1)

function geometryOf(
  sizes: Shape,
  kernel: Shape,
  { strides, dilations, padding, groups = 1 }: ConvOptions,
): ConvGeometry {
  const { counts, before } = windowsOf(sizes, spansOf(kernel, dilations), strides, padding)
  return {
    input: three(sizes),
    output: three(counts),
    kernel: three(kernel),
    strides: three(strides),
    dilations: three(dilations),
    before: three(before, 0),
    groups,
  }
}

/**
 * A convolution of x that was made by putting zeros around another image, as one of that image: it finds zeros outside by itself.
 * The operations that made x vanish unless something else reads it.
 */
function unpadded(
  { ops = [] }: Writer,
  x: Value,
  geometry: ConvGeometry,
): { readonly x: Value; readonly geometry: ConvGeometry } {
  const [input, before] = [[...geometry.input], [...geometry.before]]
  for (let i = ops.length - 1; i >= 0; i--) {
    const op = ops[i]
    if (!isOf(op, unsliceKernel) || op.output !== x) break
    const [image, filled] = op.inputs
    const { axis, start } = op.attributes
    const own = axis + 4 - x.shape.length
    if (filled.leaf?.data?.[0] !== 0 || axis === 0 || own > 2) break
    input[own] = image.shape[axis]
    before[own] += start
    x = image
  }
  return { x, geometry: { ...geometry, input, before } }
}

/** The result of a convolution: `rows` [batch * positions, channels], and its shape [batch, ..., channels]. */
export interface ConvRows {
  readonly rows: Value
  readonly shape: Shape
}

function convRows(g: Writer, y: Value, rank: number): ConvRows {
  const channels = y.shape[4]
  const shape = [y.shape[0], ...y.shape.slice(6 - rank, 4), channels]
  return { rows: reshape(g, y, [elementCount(shape) / channels, channels]), shape }
}

/**
 * Convolves x [batch, ..., C] of rank 3 to 5 by `kernel` (conv or depthwise) with weights w [..., C / groups, F] ([..., C, m]).
 */
export function convolveRows(
  g: Writer,
  kernel: Kernel<ConvGeometry>,
  x: Value,
  w: Value,
  options: ConvOptions,
): ConvRows {
  const rank = x.shape.length
  const given = geometryOf(x.shape.slice(1, -1), w.shape.slice(0, -2), options)
  const { x: image, geometry } = unpadded(g, x, given)
  const { input, output, strides } = geometry
  const channels = x.shape[rank - 1]
  const isPlain = kernel === conv && geometry.groups === 1 && elementCount(geometry.kernel) === 1
  if (isPlain && input.every((size, i) => strides[i] === 1 && size === output[i])) {
    // every patch is a row of x
    const filters = w.shape[rank - 1]
    const patches = reshape(g, x, [elementCount(x.shape) / channels, channels])
    const rows = matmul(g, patches, reshape(g, w, [channels, filters]))
    return { rows, shape: [...x.shape.slice(0, -1), filters] }
  }
  const weights = reshape(g, w, [...geometry.kernel, ...w.shape.slice(-2)])
  return convRows(g, g.add(kernel, [widened(g, image), weights], geometry)[0], rank)
}

/**
 * The convolution of x [batch, ..., C] (rank 3 to 5, channels last) with w [..., C / groups, F]: [batch, ..., F].
 * @throws LanegradError if the kernel spans more than the padded input
 */
export function convolve(g: Writer, x: Value, w: Value, options: ConvOptions): Value {
  const { rows, shape } = convolveRows(g, conv, x, w, options)
  return reshape(g, rows, shape)
}

/** Options of a transposed convolution. */
export interface TransposedOptions extends ConvOptions {
  /** Cells of the output, on each axis, behind the last that any window needs; null: as many as give a multiple of the input. */
  readonly outputPadding: readonly number[] | null
}

/** Cells of one axis of the output of a transposed convolution. */
function transposedSize(size: number, span: number, i: number, options: TransposedOptions): number {
  const { strides, padding, outputPadding } = options
  const stride = strides[i]
  const isNamed = typeof padding === 'string'
  if (isNamed && outputPadding === null)
    return size * stride + (padding === 'same' ? 0 : Math.max(span - stride, 0))
  const cut = !isNamed ? padding[i][0] + padding[i][1] : padding === 'same' ? 2 * Math.floor(span / 2) : 0
  return (size - 1) * stride + span - cut + (outputPadding?.[i] ?? 0)
}

/**
 * The transpose of a convolution: x [batch, ..., C], w [..., F / groups, C] to [batch, ..., F]. Without `outputPadding` the
 * output size is n * stride with 'same' padding, max(span - stride, 0) more with 'valid'; otherwise, and with padding in
 * numbers, (n - 1) stride + span - padding + outputPadding, 'same' padding being 2 floor(span / 2).
 * @throws LanegradError where no convolution of an output of that size gives the size of x
 */
export function convolveTransposedRows(g: Writer, x: Value, w: Value, options: TransposedOptions): ConvRows {
  const rank = x.shape.length
  const kernel = w.shape.slice(0, -2)
  const spans = spansOf(kernel, options.dilations)
  const from = x.shape.slice(1, -1)
  const sizes = from.map((size, i) => transposedSize(size, spans[i], i, options))
  if (sizes.some((size) => size < 1)) fail(`padding ${show(options.padding)} leaves nothing of the output`)
  const geometry = geometryOf(sizes, kernel, options)
  const back = geometry.output.slice(-from.length)
  const odd = back.findIndex((count, i) => count !== from[i])
  if (odd >= 0)
    fail(
      `padding ${show(options.padding)} with outputPadding ${show(options.outputPadding)} doesn't fit: ${sizes[odd]} cells of axis ${odd + 1} come from ${back[odd]} windows, not from ${from[odd]}`,
    )
  const weights = reshape(g, w, [...geometry.kernel, ...w.shape.slice(-2)])
  return convRows(g, g.add(convInputGrad, [widened(g, x), weights], geometry)[0], rank)
}
