// Operations: convolutions over three axes, channels last: x [N, D, H, W, C], kernel [kd, kh, kw, C / groups, F], y [N, OD, OH,
// OW, F]; depthwise: kernel [1, kh, kw, C, m], y [N, 1, OH, OW, C m]. Missing axes have size 1. `convolve` and
// `convolveTransposedRows` write them for values of rank 3 to 5, without bias and activation.
import * as abi from '../../assembly/abi.ts'
import { convolutionModule } from '../binaries/convolution.ts'
import { moduleOf, unaryFunctions } from '../graph/functions.ts'
import {
  type Addresses,
  type Epilogue,
  isOf,
  type Kernel,
  type KernelCall,
  type Words,
  type Writer,
} from '../graph/kernel.ts'
import { matmul, matmulScratchBytes } from '../graph/ops/matmul.ts'
import { reshape, unsliceKernel } from '../graph/ops/moves.ts'
import { weighted } from '../graph/ops/ranges.ts'
import type { Value } from '../graph/value.ts'
import { fail, show } from '../numerics/errors.ts'
import type { Shape } from '../numerics/shape.ts'
import { elementCount } from '../numerics/tensor.ts'
import { f32 } from '../numerics/words.ts'
import { type Padding, three, widened, windowsOf } from './window.ts'

/**
 * Sizes along the three axes. Output position o meets input position o * stride - before + tap * dilation; positions
 * outside count as 0.
 */
export interface ConvGeometry {
  readonly input: Shape
  readonly output: Shape
  readonly kernel: Shape
  readonly strides: Shape
  readonly dilations: Shape
  /** Number of cells of padding before the first cell. */
  readonly before: Shape
  readonly groups: number
  /** For `conv`: whether there is a bias [F] behind x and w. */
  readonly bias?: boolean
  /** For `conv`: the function that it applies to its result. */
  readonly epilogue?: Epilogue
}

const roundUp = (size: number): number => Math.ceil(size / abi.ALIGNMENT) * abi.ALIGNMENT

/** Floats of a block of patches: with the product's panel, it takes half of a 1 MB L2 cache. */
const BLOCK_FLOATS = 65536

/** Number of rows of a block that is a list of addresses. */
const LISTED_ROWS = 512

/** The block that a kernel works on at a time. */
interface Block {
  /** For dx, a number of rows; otherwise of samples or, if negative, of lines of positions of one sample. */
  readonly size: number
  readonly rows: number
  /** Floats of the patches or of the padded copy. */
  readonly image: number
  /** Runs of a patch in the image, and floats of a run; 0 without a list. */
  readonly runs: number
  readonly runDepth: number
}

/** The block for dx: patches. */
function patchesBlock(rows: number, depth: number): Block {
  const fitting = Math.floor(BLOCK_FLOATS / depth / abi.TILE_ROWS) * abi.TILE_ROWS
  const size = Math.min(rows, Math.max(64, Math.min(abi.BLOCK_ROWS, fitting)))
  return { size, rows: size, image: size * depth, runs: 0, runDepth: 0 }
}

/** The largest divisor of `n` up to `most`. */
function divisorOf(n: number, most: number): number {
  let divisor = Math.min(n, most)
  while (n % divisor !== 0) divisor--
  return divisor
}

/** The block for y and dw: whole samples, or lines of one sample if two axes are enough. */
function listedBlock(x: Value, geometry: ConvGeometry): Block {
  const { input, output, kernel, strides, dilations, before, groups } = geometry
  const [samples, channels] = [x.shape[0], x.shape[4] / groups]
  const positions = elementCount(output)
  const fitting = Math.floor(LISTED_ROWS / positions)
  const lines =
    fitting === 0 && output[0] === 1 ? Math.max(1, Math.floor(LISTED_ROWS / output[2])) : output[1]
  const size = lines < output[1] ? -lines : Math.max(1, Math.min(samples, fitting))
  const counts = [output[0], lines, output[2]]
  const spans = counts.map((count, i) => (count - 1) * strides[i] + (kernel[i] - 1) * dilations[i] + 1)
  const whole = output.map((count, i) => (count - 1) * strides[i] + (kernel[i] - 1) * dilations[i] + 1)
  const isPadded = whole.some((span, i) => before[i] > 0 || span > input[i])
  const row = kernel[2] * channels
  const isRow = groups === 1 && dilations[2] === 1 && row <= abi.CHAIN_DEPTH
  const runDepth = isRow ? row : divisorOf(channels, abi.CHAIN_DEPTH)
  return {
    size,
    rows: Math.max(1, size) * elementCount(counts),
    image: isPadded ? Math.max(1, size) * elementCount(spans) * x.shape[4] : 0,
    runs: (elementCount(kernel) * channels) / runDepth,
    runDepth,
  }
}

/** The places of the parts of the scratch buffer, and its bytes. */
function scratchOf(parts: Parts, { kernel, groups }: ConvGeometry) {
  const { block, image, y, product: productBytes, ranges = 1, long: longFloats = 0 } = parts
  const weights = (elementCount(kernel) * image.shape[4] * y.shape[4]) / groups
  const kernelPart = roundUp(4 * block.image + 12)
  const rowsPart = kernelPart + (groups > 1 ? roundUp(4 * weights) : 0)
  const list = rowsPart + (groups > 1 ? roundUp((4 * block.rows * y.shape[4]) / groups) : 0)
  const offsets = list + (block.runs > 0 ? roundUp(4 * (block.rows + abi.ROWS_SPARE)) : 0)
  const words = offsets + roundUp(4 * block.runs)
  const product = words + abi.PRODUCT_BYTES + abi.CONV_OWN_BYTES
  const sums = roundUp(product + productBytes)
  const long = sums + (ranges - 1) * roundUp(4 * weights)
  const bytes = long + 2 * roundUp(4 * longFloats)
  return { kernelPart, rowsPart, list, offsets, words, sums, long, bytes }
}

function wordsOf(op: KernelCall<ConvGeometry>, at: Addresses, parts: Parts): Words {
  const { block, image, y, ranges = 1 } = parts
  const { input, output, kernel, strides, dilations, before, groups, epilogue } = op.attributes
  const axes = [output, kernel, strides, dilations, before]
  const [a, b, bias] = op.inputs
  const { kernelPart, rowsPart, list, offsets, words, sums, long } = scratchOf(parts, op.attributes)
  return {
    [abi.CONV_DST]: [op.output, a, b],
    [abi.CONV_ARENA]: at.header,
    [abi.CONV_PATCHES]: block.image > 0 ? at.scratch : 0,
    [abi.CONV_KERNEL_PART]: at.scratch + kernelPart,
    [abi.CONV_ROWS_PART]: at.scratch + rowsPart,
    [abi.CONV_PRODUCT]: at.scratch + words,
    [abi.CONV_BLOCK]: block.size,
    [abi.CONV_SAMPLES]: image.shape[0],
    [abi.CONV_C]: image.shape[4],
    [abi.CONV_F]: y.shape[4],
    [abi.CONV_GROUPS]: groups,
    [abi.CONV_TAPS]: elementCount(kernel),
    // AXIS_SIZE, AXIS_OUTPUT ... of each axis
    [abi.CONV_DEPTH]: input.flatMap((size, i) => [size, ...axes.map((numbers) => numbers[i])]),
    [abi.CONV_BIAS]: bias,
    [abi.CONV_FN]: epilogue ? unaryFunctions[epilogue.fn].code : abi.FN_LINEAR,
    [abi.CONV_ALPHA]: f32(epilogue?.alpha ?? 0),
    [abi.CONV_LIST]: at.scratch + list,
    [abi.CONV_OFFSETS]: at.scratch + offsets,
    [abi.CONV_RUN]: block.runDepth,
    [abi.CONV_SCRATCH]: at.scratch,
    [abi.CONV_PART]: 0,
    [abi.CONV_RANGES]: ranges,
    [abi.CONV_SUMS]: at.scratch + sums,
    [abi.CONV_LONG]: at.scratch + long,
  }
}

interface Parts {
  readonly block: Block
  /** Shape of x or dx. */
  readonly image: Value
  /** Shape of y or dy. */
  readonly y: Value
  /** Bytes of scratch of the product with a block. */
  readonly product: number
  /** Number of ranges of samples whose weight gradients are added up. Default 1. */
  readonly ranges?: number
  /** Floats of each of the two arrays of long sums. Default 0. */
  readonly long?: number
}

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
  calls: ({ epilogue }) => (epilogue ? moduleOf(epilogue.fn) : null),
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
  parts: ({ inputs, output, attributes }) =>
    listedParts(inputs[0], output, attributes, (rows, depth) =>
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

/** The input gradient: dx of dy and w. A transposed convolution is the same operation, with its x as dy. */
export const convInputGrad: Kernel<ConvGeometry> = /*#__PURE__*/ kernelOf('convInputGrad', {
  code: abi.OP_CONV_INPUT_GRAD,
  shape: ([dy, w], { input, groups }) => [dy.shape[0], ...input, w.shape[3] * groups],
  parts: ({ inputs: [dy], output, attributes: { kernel, groups } }) => {
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
/** The number of ranges, which threads share. The order of the sum is the same for any number of threads. */
const RANGES = 8

/** The weight gradient: dw of x and dy. */
export const convWeightGrad: Kernel<ConvGeometry> = /*#__PURE__*/ kernelOf('convWeightGrad', {
  code: abi.OP_CONV_WEIGHT_GRAD,
  shape: ([x, dy], { kernel, groups }) => [...kernel, x.shape[4] / groups, dy.shape[4]],
  parts({ inputs: [x, dy], output, attributes }) {
    const isSummed = attributes.groups === 1 && elementCount(output.shape) <= SUMMED
    const ranges = isSummed ? Math.min(RANGES, x.shape[0]) : 1
    const isLong = Math.ceil(x.shape[0] / ranges) * elementCount(attributes.output) > abi.LONG_DEPTH
    return {
      ...listedParts(x, dy, attributes, (rows, depth) => matmulScratchBytes(depth, rows)),
      ranges,
      long: isLong ? elementCount(output.shape) : 0,
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
