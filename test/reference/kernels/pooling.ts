// Pooling and resizing in float64, cell by cell.
import type { Shape } from '../../../src/numerics/shape.ts'
import type { PoolAttributes, ResizeAttributes } from '../../../src/operations/pooling.ts'
import type { KernelReference } from './reference.ts'

const count = (shape: Shape): number => shape.reduce((a, b) => a * b, 1)

/** Calls `visit` with each output's index and the indices of its window's cells, in row-major order. */
function forWindows(
  [batch, ...sizes]: Shape,
  { pool, strides, before, windows }: PoolAttributes,
  visit: (output: number, cells: readonly number[]) => void,
): void {
  const [depth, height, width, channels] = sizes
  /** The positions on one axis inside the input. */
  const along = (axis: number, o: number): number[] =>
    Array.from({ length: pool[axis] }, (_, i) => o * strides[axis] - before[axis] + i).filter(
      (i) => i >= 0 && i < sizes[axis],
    )
  let output = 0
  for (let n = 0; n < batch; n++)
    for (let i = 0; i < windows[0]; i++)
      for (let j = 0; j < windows[1]; j++)
        for (let k = 0; k < windows[2]; k++)
          for (let c = 0; c < channels; c++) {
            const cells = along(0, i).flatMap((d) =>
              along(1, j).flatMap((h) =>
                along(2, k).map((w) => (((n * depth + d) * height + h) * width + w) * channels + c),
              ),
            )
            visit(output++, cells)
          }
}

const maxPool: KernelReference<PoolAttributes> = ({ inputs, output, attributes }, [x]) => {
  const y = new Float64Array(count(output.shape))
  forWindows(inputs[0].shape, attributes, (o, cells) => {
    y[o] = Math.max(...cells.map((cell) => x[cell]))
  })
  return [y]
}

const maxPoolGrad: KernelReference<PoolAttributes> = ({ inputs, attributes }, [dy, x]) => {
  const dx = new Float64Array(x.length)
  forWindows(inputs[1].shape, attributes, (o, cells) => {
    const values = cells.map((cell) => x[cell])
    dx[cells[values.indexOf(Math.max(...values))]] += dy[o]
  })
  return [dx]
}

const averagePool: KernelReference<PoolAttributes> = ({ inputs, output, attributes }, [x]) => {
  const y = new Float64Array(count(output.shape))
  forWindows(inputs[0].shape, attributes, (o, cells) => {
    y[o] = cells.reduce((sum, cell) => sum + x[cell], 0) / cells.length
  })
  return [y]
}

const averagePoolGrad: KernelReference<PoolAttributes> = ({ output, attributes }, [dy]) => {
  const dx = new Float64Array(count(output.shape))
  forWindows(output.shape, attributes, (o, cells) => {
    for (const cell of cells) dx[cell] += dy[o] / cells.length
  })
  return [dx]
}

/** The matrix [to, from] of one axis. */
function weights(from: number, to: number, { linear, grid }: ResizeAttributes): number[][] {
  return Array.from({ length: to }, (_, o) => {
    const row = new Array<number>(from).fill(0)
    const corners = to === 1 ? 0 : (o * (from - 1)) / (to - 1)
    if (!linear) {
      // the rounding of Math.round, with room for that of the quotients
      const cell = { halfPixel: ((o + 0.5) * from) / to, start: (o * from) / to, corners: corners + 0.5 }[
        grid
      ]
      row[to === 1 && grid === 'corners' ? 0 : Math.floor(cell + 1e-9)] = 1
      return row
    }
    const center = { halfPixel: ((o + 0.5) * from) / to - 0.5, start: (o * from) / to, corners }[grid]
    const position = Math.min(Math.max(center, 0), from - 1)
    // the hat function around each cell
    return row.map((_, i) => Math.max(0, 1 - Math.abs(position - i)))
  })
}

/** out[outer, row, inner] = sum over col of matrix[row][col] x[outer, col, inner] */
function along(x: ArrayLike<number>, matrix: readonly (readonly number[])[], outer: number, inner: number) {
  const [rows, cols] = [matrix.length, matrix[0].length]
  return Float64Array.from({ length: outer * rows * inner }, (_, i) => {
    const [o, row, k] = [Math.floor(i / (rows * inner)), Math.floor(i / inner) % rows, i % inner]
    return matrix[row].reduce((sum, weight, col) => sum + weight * x[(o * cols + col) * inner + k], 0)
  })
}

const resize: KernelReference<ResizeAttributes> = ({ inputs: [{ shape }], attributes }, [x]) => {
  const { axis, size } = attributes
  const matrix = weights(shape[axis], size, attributes)
  return [along(x, matrix, count(shape.slice(0, axis)), count(shape.slice(axis + 1)))]
}

const resizeGrad: KernelReference<ResizeAttributes> = ({ inputs: [{ shape }], attributes }, [dy]) => {
  const { axis, size } = attributes
  const matrix = weights(size, shape[axis], attributes)
  const transposed = Array.from({ length: size }, (_, i) => matrix.map((row) => row[i]))
  return [along(dy, transposed, count(shape.slice(0, axis)), count(shape.slice(axis + 1)))]
}

export const poolingReferences = { maxPool, maxPoolGrad, averagePool, averagePoolGrad, resize, resizeGrad }
