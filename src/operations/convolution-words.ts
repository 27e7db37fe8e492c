// The words of the kernels of convolutions: their geometry, the block that each works on at a time, its scratch.
import * as abi from '../../assembly/abi.ts'
import type { Addresses, Epilogue, KernelCall, Words } from '../graph/kernel.ts'
import type { Value } from '../graph/value.ts'
import type { Shape } from '../numerics/shape.ts'
import { elementCount } from '../numerics/tensor.ts'
import { f32 } from '../numerics/words.ts'

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
export function patchesBlock(rows: number, depth: number): Block {
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
export function listedBlock(x: Value, geometry: ConvGeometry): Block {
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
export function scratchOf(parts: Parts, { kernel, groups }: ConvGeometry) {
  const { block, image, y, product: productBytes, ranges = 1, long: longFloats = 0 } = parts
  const weights = (elementCount(kernel) * image.shape[4] * y.shape[4]) / groups
  const ofGroups = groups > 1 ? 1 / groups : 0
  const { kernelFloats = groups > 1 ? weights : 0, rowsFloats = block.rows * y.shape[4] * ofGroups } = parts
  const kernelPart = roundUp(4 * block.image + 12)
  const rowsPart = kernelPart + roundUp(4 * kernelFloats)
  const list = rowsPart + roundUp(4 * rowsFloats)
  const offsets = list + (block.runs > 0 ? roundUp(4 * (block.rows + abi.ROWS_SPARE)) : 0)
  const words = offsets + roundUp(4 * block.runs)
  const product = words + abi.PRODUCT_BYTES + abi.CONV_OWN_BYTES
  const sums = roundUp(product + productBytes)
  const long = sums + (ranges - 1) * roundUp(4 * weights)
  const bytes = long + 2 * roundUp(4 * longFloats)
  return { kernelPart, rowsPart, list, offsets, words, sums, long, bytes }
}

export function wordsOf(op: KernelCall<ConvGeometry>, at: Addresses, parts: Parts): Words {
  const { block, image, y, ranges = 1 } = parts
  const { input, output, kernel, strides, dilations, before, groups, epilogue } =
    parts.geometry ?? op.attributes
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
    [abi.CONV_FN]: epilogue?.fn.code ?? abi.FN_LINEAR,
    [abi.CONV_ALPHA]: f32(epilogue?.alpha ?? 0),
    [abi.CONV_LIST]: at.scratch + list,
    [abi.CONV_OFFSETS]: at.scratch + offsets,
    [abi.CONV_RUN]: block.runDepth,
    [abi.CONV_SCRATCH]: at.scratch,
    [abi.CONV_PART]: 0,
    [abi.CONV_RANGES]: ranges,
    [abi.CONV_SUMS]: at.scratch + sums,
    [abi.CONV_LONG]: at.scratch + long,
    [abi.CONV_TILED]: parts.tiled ?? 0,
  }
}

/** What the words of a kernel are made of. */
export interface Parts {
  /** The geometry that the words describe. Default: that of the operation. */
  readonly geometry?: ConvGeometry
  readonly block: Block
  /** Shape of x or dx. */
  readonly image: Value
  /** Shape of y or dy. */
  readonly y: Value
  /** CONV_TILED. Default 0. */
  readonly tiled?: number
  /** Floats of the kernel part and of the rows part. Default: those of several groups. */
  readonly kernelFloats?: number
  readonly rowsFloats?: number
  /** Bytes of scratch of the product with a block. */
  readonly product: number
  /** Number of ranges of samples whose weight gradients are added up. Default 1. */
  readonly ranges?: number
  /** Floats of each of the two arrays of long sums. Default 0. */
  readonly long?: number
}
