// Pooling of x [batch, depth, height, width, channels]; with fewer axes, the first sizes are 1. A window is cut where
// it leaves the input and keeps at least one cell. Forward: first the rows of a window, over the whole width (long
// vectors even where channels are few), then the cells of the combined row. The gradient of the average goes the same
// way back. The gradient of the maximum finds its cell again from x and y: nothing is saved, and the first cell of the
// window, in row-major order, that has the maximum takes it all.
// The sum of a window is that of chains of CHAIN rows (then cells), each from what rounding cut off when the one before was added
// (Kahan 1965): relative error of a mean of cells of one sign, however many: 3e-7 of random ones, below 2.4e-6 of any. The
// gradients add up as many floats as windows meet in a cell, one after the other: relative error below 6e-8 times that number.
// Over threads, a part is a range of samples.
// Operands: POOL_* of abi.ts.
// Float64 reference: test/reference/kernels/pooling.ts
import {
  POOL_AXIS_BEFORE, POOL_AXIS_BYTES, POOL_AXIS_OUTPUT, POOL_AXIS_SIZE, POOL_AXIS_STRIDE, POOL_AXIS_WINDOW,
  POOL_CHANNELS, POOL_INPUT_BYTES, POOL_OUTPUT_BYTES, POOL_PAIRS, POOL_SAMPLES, POOL_THIRD,
} from '../abi'
import { storeTail } from '../lanes'
import { FLOAT_WORK, scratchOf, split } from '../parallel'
import { storeBelow } from './tails'

/** Additions in one go. */
const CHAIN = 32

@inline
function sizeOf(p: usize, axis: usize): i32 {
  return load<i32>(p + axis * POOL_AXIS_BYTES, POOL_AXIS_SIZE)
}

@inline
function outputOf(p: usize, axis: usize): i32 {
  return load<i32>(p + axis * POOL_AXIS_BYTES, POOL_AXIS_OUTPUT)
}

/** Address of sample `n` in the operand at `word`, like x or like y. */
@inline
function inputAt(p: usize, word: usize, n: i32): usize {
  return <usize>load<u32>(p + word) + load<u32>(p, POOL_INPUT_BYTES) * n
}

@inline
function outputAt(p: usize, word: usize, n: i32): usize {
  return <usize>load<u32>(p + word) + load<u32>(p, POOL_OUTPUT_BYTES) * n
}

function splitSamples(kernel: u32, p: usize): void {
  split(kernel, p, load<i32>(p, POOL_SAMPLES), 1, FLOAT_WORK / 4 * <f64>load<u32>(p, POOL_INPUT_BYTES))
}

/** Where window `o` begins, before the input perhaps. */
@inline
function startOf(p: usize, axis: usize, o: i32): i32 {
  const q = p + axis * POOL_AXIS_BYTES
  return o * load<i32>(q, POOL_AXIS_STRIDE) - load<i32>(q, POOL_AXIS_BEFORE)
}

/** First cell of window `o`. */
@inline
function firstOf(p: usize, axis: usize, o: i32): i32 {
  return max(startOf(p, axis, o), 0)
}

/** Number of cells of window `o`. */
@inline
function cellsOf(p: usize, axis: usize, o: i32): i32 {
  const from = startOf(p, axis, o)
  return min(from + load<i32>(p + axis * POOL_AXIS_BYTES, POOL_AXIS_WINDOW), sizeOf(p, axis)) - max(from, 0)
}

/** The larger of each lane, NaN if one is, in a third of the instructions of f32x4.max. Of zeros of both signs it gives -0. */
@inline
function larger(x: v128, y: v128): v128 {
  return v128.or(f32x4.pmax(x, y), f32x4.pmax(y, x))
}

@inline
function combine(isMax: bool, x: v128, y: v128): v128 {
  return isMax ? larger(x, y) : f32x4.add(x, y)
}

/** scratch [width, channels] = `rows` rows of x combined, `heights` of each plane; the last vector may run over. */
@inline
function combineRows(
  isMax: bool, scratch: usize, src: usize, rows: i32, heights: i32, rowBytes: usize, planeBytes: usize,
): void {
  const skip = planeBytes - <usize>heights * rowBytes
  for (let j: usize = 0; j < rowBytes; j += 16) {
    let s = src + j
    let x = v128.load(s), total = f32x4.splat(0)
    for (let r = 1, h = 1; r < rows; r++, h++) {
      if (!isMax && r % CHAIN == 0) {
        const before = total
        total = f32x4.add(before, x)
        x = f32x4.sub(x, f32x4.sub(total, before))
      }
      if (h == heights) {
        s += skip
        h = 0
      }
      s += rowBytes
      x = combine(isMax, x, v128.load(s))
    }
    v128.store(scratch + j, isMax ? x : f32x4.add(total, x))
  }
}

/** Whether the windows are 2 x 2 cells side by side, none of them cut. */
@inline
function arePairs(p: usize): bool {
  return load<u32>(p, POOL_PAIRS) != 0
}

/** Such windows straight from x. */
@inline
function poolPairs(isMax: bool, p: usize, start: i32, end: i32): void {
  let y = outputAt(p, 0, start), x = inputAt(p, 4, start)
  const channels = load<i32>(p, POOL_CHANNELS), OH = outputOf(p, 1), OW = outputOf(p, 2)
  const cell = <usize>channels << 2, row = <usize>sizeOf(p, 2) * cell, plane = <usize>sizeOf(p, 1) * row
  const whole = cell & ~15
  for (let n = (end - start) * sizeOf(p, 0); n > 0; n--) {
    for (let j = 0; j < OH; j++) {
      let from = x + <usize>(2 * j) * row
      for (let k = 0; k < OW; k++) {
        for (let c: usize = 0; c < whole; c += 16) v128.store(y + c, pair(isMax, from + c, row, cell))
        if (whole < cell) storeTail(y + whole, pair(isMax, from + whole, row, cell), channels & 3)
        from += 2 * cell
        y += cell
      }
    }
    x += plane
  }
}

@inline
function pair(isMax: bool, s: usize, row: usize, cell: usize): v128 {
  const t = s + cell
  const left = combine(isMax, v128.load(s), v128.load(s + row))
  const all = combine(isMax, left, combine(isMax, v128.load(t), v128.load(t + row)))
  return isMax ? all : f32x4.mul(all, f32x4.splat(0.25))
}

@inline
function pool(isMax: bool, p: usize, start: i32, end: i32, part: i32): void {
  if (arePairs(p)) return poolPairs(isMax, p, start, end)
  let dst = outputAt(p, 0, start), src = inputAt(p, 4, start)
  const scratch = scratchOf(<usize>load<u32>(p, POOL_THIRD), part)
  const channels = load<i32>(p, POOL_CHANNELS)
  const cellBytes = <usize>channels << 2, rowBytes = <usize>sizeOf(p, 2) * cellBytes
  const planeBytes = <usize>sizeOf(p, 1) * rowBytes
  for (let n = start; n < end; n++) {
    for (let i = 0; i < outputOf(p, 0); i++) {
      const plane = src + <usize>firstOf(p, 0, i) * planeBytes
      for (let j = 0; j < outputOf(p, 1); j++) {
        let row = plane + <usize>firstOf(p, 1, j) * rowBytes
        const heights = cellsOf(p, 1, j), rows = cellsOf(p, 0, i) * heights
        if (rows > 1) {
          combineRows(isMax, scratch, row, rows, heights, rowBytes, planeBytes)
          row = scratch
        }
        for (let k = 0; k < outputOf(p, 2); k++) {
          const from = row + <usize>firstOf(p, 2, k) * cellBytes
          const cells = cellsOf(p, 2, k)
          const divisor = f32x4.splat(<f32>(rows * cells))
          for (let c = 0; c < channels; c += 4) {
            let s = from + (<usize>c << 2)
            let x = v128.load(s), total = f32x4.splat(0)
            for (let w = 1; w < cells; w++) {
              if (!isMax && w % CHAIN == 0) {
                const before = total
                total = f32x4.add(before, x)
                x = f32x4.sub(x, f32x4.sub(total, before))
              }
              s += cellBytes
              x = combine(isMax, x, v128.load(s))
            }
            storeBelow(dst + (<usize>c << 2), isMax ? x : f32x4.div(f32x4.add(total, x), divisor), channels - c)
          }
          dst += cellBytes
        }
      }
    }
    src += <usize>sizeOf(p, 0) * planeBytes
  }
}

/** y = the largest cell of each window; NaN if one is. words: y, x, scratch, 0, ... */
export function maxPool(p: usize): void {
  splitSamples(maxPoolPart.index, p)
}

function maxPoolPart(p: usize, start: i32, end: i32, part: i32): void {
  pool(true, p, start, end, part)
}

/** y = the mean of each window's cells. words: y, x, scratch, 0, ... */
export function averagePool(p: usize): void {
  splitSamples(averagePoolPart.index, p)
}

function averagePoolPart(p: usize, start: i32, end: i32, part: i32): void {
  pool(false, p, start, end, part)
}

/** The gradients for such windows: each cell is written once, when x has been read there: dx may take its place. */
@inline
function pairsGrad(isMax: bool, p: usize, start: i32, end: i32): void {
  let dx = inputAt(p, 0, start), dy = outputAt(p, 4, start)
  let x = inputAt(p, 8, start), y = outputAt(p, 12, start)
  const channels = load<i32>(p, POOL_CHANNELS), OH = outputOf(p, 1), OW = outputOf(p, 2)
  const cell = <usize>channels << 2, row = <usize>sizeOf(p, 2) * cell, plane = <usize>sizeOf(p, 1) * row
  const covered = <usize>(2 * OH) * row, rest = row - <usize>(2 * OW) * cell // of a plane, of a row that no window covers
  for (let n = (end - start) * sizeOf(p, 0); n > 0; n--) {
    for (let j = 0; j < OH; j++) {
      let at = <usize>(2 * j) * row
      for (let k = 0; k < OW; k++) {
        let c: usize = 0
        for (; c + 16 <= cell; c += 16) pairGrad(isMax, dx + at + c, x + at + c, dy + c, y + c, row, cell, 4)
        if (c < cell) pairGrad(isMax, dx + at + c, x + at + c, dy + c, y + c, row, cell, channels & 3)
        at += 2 * cell
        dy += cell
        if (isMax) y += cell
      }
      if (rest) {
        memory.fill(dx + at, 0, rest)
        memory.fill(dx + at + row, 0, rest)
      }
    }
    if (covered < plane) memory.fill(dx + covered, 0, plane - covered)
    dx += plane
    if (isMax) x += plane
  }
}

/** One vector of a window, `count` lanes of it. */
@inline
function pairGrad(isMax: bool, dx: usize, x: usize, dy: usize, y: usize, row: usize, cell: usize, count: i32): void {
  const flow = v128.load(dy)
  let g0 = f32x4.mul(flow, f32x4.splat(0.25)), g1 = g0, g2 = g0, g3 = g0
  if (isMax) {
    // in the order of the cells, as in maxPoolGrad
    const top = v128.load(y), t = x + cell
    let open = f32x4.lt(v128.load(x), top)
    g0 = v128.andnot(flow, open)
    let below = f32x4.lt(v128.load(t), top)
    g1 = v128.and(flow, v128.andnot(open, below))
    open = v128.and(open, below)
    below = f32x4.lt(v128.load(x + row), top)
    g2 = v128.and(flow, v128.andnot(open, below))
    open = v128.and(open, below)
    g3 = v128.and(flow, v128.andnot(open, f32x4.lt(v128.load(t + row), top)))
  }
  storeBelow(dx, g0, count)
  storeBelow(dx + cell, g1, count)
  storeBelow(dx + row, g2, count)
  storeBelow(dx + row + cell, g3, count)
}

/** One vector of a window of any size, `count` lanes of it: dx += dy in its first cell that has the maximum y. */
@inline
function windowGrad(
  dx: usize, x: usize, dy: usize, y: usize, depths: i32, heights: i32, cells: i32, plane: usize, row: usize, cell: usize, count: i32,
): void {
  const top = v128.load(y), flow = v128.load(dy)
  let open = i32x4.splat(-1) // lanes whose maximum is still to come
  for (let d = 0; d < depths; d++) {
    for (let h = 0; h < heights; h++) {
      let at = <usize>d * plane + <usize>h * row
      for (let w = 0; w < cells; w++) {
        const below = f32x4.lt(v128.load(x + at), top) // of a NaN: nowhere, so the first cell takes it
        const taken = v128.andnot(open, below)
        open = v128.and(open, below)
        storeBelow(dx + at, f32x4.add(v128.load(dx + at), v128.and(flow, taken)), count)
        at += cell
      }
    }
  }
}

/** dx = sum of dy over the windows whose maximum y a cell is. words: dx, dy, x, y, ... */
export function maxPoolGrad(p: usize): void {
  splitSamples(maxPoolGradPart.index, p)
}

function maxPoolGradPart(p: usize, start: i32, end: i32, _: i32): void {
  if (arePairs(p)) return pairsGrad(true, p, start, end)
  let dx = inputAt(p, 0, start), dy = outputAt(p, 4, start)
  let x = inputAt(p, 8, start), y = outputAt(p, 12, start)
  const channels = load<i32>(p, POOL_CHANNELS)
  const cellBytes = <usize>channels << 2, rowBytes = <usize>sizeOf(p, 2) * cellBytes
  const planeBytes = <usize>sizeOf(p, 1) * rowBytes, imageBytes = <usize>sizeOf(p, 0) * planeBytes
  for (let n = start; n < end; n++) {
    memory.fill(dx, 0, imageBytes)
    for (let i = 0; i < outputOf(p, 0); i++) {
      const plane = <usize>firstOf(p, 0, i) * planeBytes
      const depths = cellsOf(p, 0, i)
      for (let j = 0; j < outputOf(p, 1); j++) {
        const row = plane + <usize>firstOf(p, 1, j) * rowBytes
        const heights = cellsOf(p, 1, j)
        for (let k = 0; k < outputOf(p, 2); k++) {
          const from = row + <usize>firstOf(p, 2, k) * cellBytes
          const cells = cellsOf(p, 2, k)
          let c: usize = 0
          for (; c + 16 <= cellBytes; c += 16) {
            const a = from + c
            windowGrad(dx + a, x + a, dy + c, y + c, depths, heights, cells, planeBytes, rowBytes, cellBytes, 4)
          }
          if (c < cellBytes) {
            const a = from + c, left = channels & 3
            windowGrad(dx + a, x + a, dy + c, y + c, depths, heights, cells, planeBytes, rowBytes, cellBytes, left)
          }
          dy += cellBytes
          y += cellBytes
        }
      }
    }
    dx += imageBytes
    x += imageBytes
  }
}

/** dx = sum of dy / cells over the windows a cell is in. words: dx, dy, scratch, 0, ... */
export function averagePoolGrad(p: usize): void {
  splitSamples(averagePoolGradPart.index, p)
}

function averagePoolGradPart(p: usize, start: i32, end: i32, part: i32): void {
  if (arePairs(p)) return pairsGrad(false, p, start, end)
  let dx = inputAt(p, 0, start), dy = outputAt(p, 4, start)
  const scratch = scratchOf(<usize>load<u32>(p, POOL_THIRD), part)
  const channels = load<i32>(p, POOL_CHANNELS)
  const cellBytes = <usize>channels << 2, rowBytes = <usize>sizeOf(p, 2) * cellBytes
  const planeBytes = <usize>sizeOf(p, 1) * rowBytes, imageBytes = <usize>sizeOf(p, 0) * planeBytes
  for (let n = start; n < end; n++) {
    memory.fill(dx, 0, imageBytes)
    for (let i = 0; i < outputOf(p, 0); i++) {
      const plane = dx + <usize>firstOf(p, 0, i) * planeBytes
      const depths = cellsOf(p, 0, i)
      for (let j = 0; j < outputOf(p, 1); j++) {
        const row = plane + <usize>firstOf(p, 1, j) * rowBytes
        const heights = cellsOf(p, 1, j)
        spread(p, scratch, dy, depths * heights, channels)
        for (let d = 0; d < depths; d++) {
          for (let h = 0; h < heights; h++) {
            const to = row + <usize>d * planeBytes + <usize>h * rowBytes
            let at: usize = 0
            for (; at + 16 <= rowBytes; at += 16) v128.store(to + at, f32x4.add(v128.load(to + at), v128.load(scratch + at)))
            if (at < rowBytes) storeTail(to + at, f32x4.add(v128.load(to + at), v128.load(scratch + at)), <i32>(rowBytes - at) >> 2)
          }
        }
        dy += <usize>outputOf(p, 2) * cellBytes
      }
    }
    dx += imageBytes
  }
}

/** scratch [width, channels] = what one row of windows gives each row of x under it; the last vector may run over. */
@inline
function spread(p: usize, scratch: usize, dy: usize, rows: i32, channels: i32): void {
  const cellBytes = <usize>channels << 2
  memory.fill(scratch, 0, <usize>sizeOf(p, 2) * cellBytes)
  for (let k = 0; k < outputOf(p, 2); k++) {
    const cells = cellsOf(p, 2, k)
    const divisor = f32x4.splat(<f32>(rows * cells))
    for (let c = 0; c < channels; c += 4) {
      let to = scratch + <usize>firstOf(p, 2, k) * cellBytes + (<usize>c << 2)
      const share = f32x4.div(v128.load(dy + (<usize>c << 2)), divisor)
      for (let w = 0; w < cells; w++) {
        storeBelow(to, f32x4.add(v128.load(to), share), channels - c)
        to += cellBytes
      }
    }
    dy += cellBytes
  }
}
