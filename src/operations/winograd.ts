// Where convolutions of images by windows of 3x3 cells that move by one cell are made by Winograd's algorithm
// (assembly/kernels/winograd.ts), and the parts of their words.
import { matmulScratchBytes } from '../graph/ops/matmul.ts'
import type { Value } from '../graph/value.ts'
import type { ConvGeometry, Parts } from './convolution-words.ts'

/** Channels and filters from which its rounding errors are no larger than those of the sums themselves. */
const LEAST_CHANNELS = 16

/** Multiply-adds that the transforms of a tile cost, for each channel. */
const TRANSFORM = 60

/** Tiles of a block: as many as fit so many floats of x and y, half of a 512 KB L2 cache, within limits. */
const BLOCK_FLOATS = 65536
export const LEAST_TILES = 32
const MOST_TILES = 256

/** The geometry of the convolution of dy by 3x3 cells that gives dx. */
export const turned = (geometry: ConvGeometry): ConvGeometry => ({
  ...geometry,
  input: geometry.output,
  output: geometry.input,
  before: geometry.before.map((n) => 2 - n),
})

/** Floats of 16 planes. */
const planes = (floats: number): number => 256 * (Math.ceil(floats / 16) | 1)

/**
 * The parts of the convolution of `image` that gives `y`, or of its weight gradient (`isSum`); null: it doesn't pay. That depends on
 * the sizes of an image and its channels alone, so that neither the batch nor the runtime changes a bit. `positions`: those
 * of the sums that it replaces.
 */
export function tiledParts(
  image: Value,
  y: Value,
  geometry: ConvGeometry,
  tiled: number,
  positions: number,
  isSum = false,
): Parts | null {
  const { kernel, strides, dilations, groups, input, output } = geometry
  const [C, F] = [image.shape[4], y.shape[4]]
  const products = C * F
  const direct = 9 * positions * products
  const [rows, cols] = [Math.ceil(output[1] / 2), Math.ceil(output[2] / 2)]
  if (
    `${[kernel, strides, dilations, groups, input[0], output[0]]}` !== '1,3,3,1,1,1,1,1,1,1,1,1' ||
    Math.min(C, F) < LEAST_CHANNELS ||
    direct < rows * cols * (18 * products + TRANSFORM * (C + F))
  )
    return null
  const most = Math.max(C, F)
  const fitting = Math.max(LEAST_TILES, Math.min(MOST_TILES, BLOCK_FLOATS / 16 / (C + F)))
  const size = Math.max(1, Math.min(image.shape[0] * rows, Math.floor(fitting / cols)))
  const tiles = size * cols
  return {
    geometry,
    tiled,
    block: { size, rows: 0, image: 2 * planes(tiles * most) + 20 * most, runs: 0, runDepth: 0 },
    image,
    y,
    kernelFloats: isSum ? 0 : 16 * products,
    rowsFloats: isSum ? 16 * products : 0,
    product: matmulScratchBytes(most, Math.max(tiles, most)),
  }
}
