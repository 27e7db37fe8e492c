// Layer and RMS normalization: each row of x [rows, cols] by its own statistics.
//   layer  y = (x - mean) inverse gamma + beta,  inverse = 1 / sqrt(variance + epsilon), biased variance
//   rms    y = x inverse gamma + beta,           inverse = 1 / sqrt(mean of x^2 + epsilon)
// gamma, beta: [cols] or none (address 0). A row that is constant becomes beta exactly; dx of a row of one value is 0
// exactly, rms aside. A mean is two floats, which lie in [2, rows]: what a float can hold, and the rest of it. y may equal x;
// dx may equal dy or x. Reads up to 12 bytes past the last row, writes nothing there. Over threads, a part is a range of rows;
// of the sums down columns, a range of columns.
// Float64 reference: test/reference/kernels/normalize.ts
import {
  LAYER_NORMALIZE_BETA, LAYER_NORMALIZE_COLS, LAYER_NORMALIZE_EPSILON, LAYER_NORMALIZE_GAMMA,
  LAYER_NORMALIZE_GRAD_COLS, LAYER_NORMALIZE_GRAD_DBETA, LAYER_NORMALIZE_GRAD_DGAMMA, LAYER_NORMALIZE_GRAD_DX,
  LAYER_NORMALIZE_GRAD_DY, LAYER_NORMALIZE_GRAD_GAMMA, LAYER_NORMALIZE_GRAD_INVERSE, LAYER_NORMALIZE_GRAD_MEAN,
  LAYER_NORMALIZE_GRAD_ROWS, LAYER_NORMALIZE_GRAD_SCRATCH, LAYER_NORMALIZE_GRAD_X, LAYER_NORMALIZE_INVERSE,
  LAYER_NORMALIZE_MEAN, LAYER_NORMALIZE_ROWS, LAYER_NORMALIZE_X, LAYER_NORMALIZE_Y,
} from '../abi'
import { storeTail } from '../lanes'
import { FLOAT_WORK, split } from '../parallel'
import { columnScaledProducts, productOf, rowMoments, rowProducts, sumOf } from './normalize-sums'

/** words: y, x, inverse [rows], mean [2, rows] (0: rms), gamma, beta, rows, cols, epsilon (f32) */
export function layerNormalize(p: usize): void {
  const work = FLOAT_WORK * <f64>load<i32>(p, LAYER_NORMALIZE_COLS)
  split(layerNormalizePart.index, p, load<i32>(p, LAYER_NORMALIZE_ROWS), 1, work)
}

/** (x - mean - rest) inverse gamma + beta; gamma, beta: of the row, or 0. */
@inline
function normal(x: usize, gamma: usize, beta: usize, at: usize, mean: v128, rest: v128, inverse: v128): v128 {
  let y = f32x4.mul(f32x4.sub(f32x4.sub(v128.load(x), mean), rest), inverse)
  if (gamma) y = f32x4.mul(y, v128.load(gamma + at))
  if (beta) y = f32x4.add(y, v128.load(beta + at))
  return y
}

function layerNormalizePart(p: usize, start: i32, end: i32, _: i32): void {
  const inverses = <usize>load<u32>(p, LAYER_NORMALIZE_INVERSE), means = <usize>load<u32>(p, LAYER_NORMALIZE_MEAN)
  const gamma = <usize>load<u32>(p, LAYER_NORMALIZE_GAMMA), beta = <usize>load<u32>(p, LAYER_NORMALIZE_BETA)
  const rows = load<i32>(p, LAYER_NORMALIZE_ROWS), cols = load<i32>(p, LAYER_NORMALIZE_COLS)
  const epsilon = <f64>load<f32>(p, LAYER_NORMALIZE_EPSILON), count = <f64>cols
  const from = <usize>(start * cols) << 2, left = cols & 3, whole = <usize>(cols - left) << 2
  let dst = <usize>load<u32>(p, LAYER_NORMALIZE_Y) + from, src = <usize>load<u32>(p, LAYER_NORMALIZE_X) + from
  for (let r = start; r < end; r++) {
    const shift: f32 = means ? load<f32>(src) : 0
    const sums = rowMoments(src, cols, shift)
    const d = means ? f64x2.extract_lane(sums, 0) / count : 0
    const variance = max<f64>(f64x2.extract_lane(sums, 1) / count - d * d, 0)
    const inverse = <f32>(1 / sqrt<f64>(variance + epsilon))
    const mean = <f32>(<f64>shift + d), rest = <f32>(<f64>shift - <f64>mean + d)
    store<f32>(inverses + (<usize>r << 2), inverse)
    if (means) {
      store<f32>(means + (<usize>r << 2), mean)
      store<f32>(means + (<usize>(rows + r) << 2), rest)
    }
    const m = f32x4.splat(mean), k = f32x4.splat(inverse), o = f32x4.splat(rest)
    let at: usize = 0
    for (; at < whole; at += 16) v128.store(dst + at, normal(src + at, gamma, beta, at, m, o, k))
    if (left) storeTail(dst + at, normal(src + at, gamma, beta, at, m, o, k), left)
    dst += <usize>cols << 2
    src += <usize>cols << 2
  }
}

/**
 * words: dx, dgamma, dbeta [cols] (0: not wanted), dy, x, inverse, mean [2, rows] (0: rms), gamma, rows, cols, scratch
 * With h = (x - mean) inverse and g = dy gamma:
 *   dx = inverse (g - mean(g) - h mean(g h)),  rms: without mean(g);  dgamma = sum dy h,  dbeta = sum dy over rows
 */
export function layerNormalizeGrad(p: usize): void {
  const rows = load<i32>(p, LAYER_NORMALIZE_GRAD_ROWS), cols = load<i32>(p, LAYER_NORMALIZE_GRAD_COLS)
  // all of it before dx takes dy's place
  const wanted = load<u32>(p, LAYER_NORMALIZE_GRAD_DGAMMA) | load<u32>(p, LAYER_NORMALIZE_GRAD_DBETA)
  if (wanted) split(affineGradPart.index, p, cols, 4, FLOAT_WORK * <f64>rows)
  split(layerNormalizeGradPart.index, p, rows, 1, FLOAT_WORK * <f64>cols)
}

function affineGradPart(p: usize, start: i32, end: i32, _: i32): void {
  const dgamma = <usize>load<u32>(p, LAYER_NORMALIZE_GRAD_DGAMMA)
  const dbeta = <usize>load<u32>(p, LAYER_NORMALIZE_GRAD_DBETA), dy = <usize>load<u32>(p, LAYER_NORMALIZE_GRAD_DY)
  const cols = load<i32>(p, LAYER_NORMALIZE_GRAD_COLS), scratch = <usize>load<u32>(p, LAYER_NORMALIZE_GRAD_SCRATCH)
  columnScaledProducts(
    scratch, dy, <usize>load<u32>(p, LAYER_NORMALIZE_GRAD_X), load<i32>(p, LAYER_NORMALIZE_GRAD_ROWS), cols,
    <usize>load<u32>(p, LAYER_NORMALIZE_GRAD_MEAN), <usize>load<u32>(p, LAYER_NORMALIZE_GRAD_INVERSE), start, end,
  )
  for (let c = start; c < end; c++) {
    if (dgamma) store<f32>(dgamma + (<usize>c << 2), <f32>productOf(scratch, c))
    if (dbeta) store<f32>(dbeta + (<usize>c << 2), <f32>sumOf(scratch, c))
  }
}

/** (g + offset + (x - mean) slope) inverse: g less its mean first, so that of equal ones nothing is left. */
@inline
function normalGrad(
  dy: usize, x: usize, gamma: usize, at: usize, offset: v128, mean: v128, slope: v128, inverse: v128,
): v128 {
  let g = v128.load(dy)
  if (gamma) g = f32x4.mul(g, v128.load(gamma + at))
  return f32x4.mul(f32x4.add(f32x4.add(g, offset), f32x4.mul(f32x4.sub(v128.load(x), mean), slope)), inverse)
}

function layerNormalizeGradPart(p: usize, start: i32, end: i32, _: i32): void {
  const inverses = <usize>load<u32>(p, LAYER_NORMALIZE_GRAD_INVERSE)
  const means = <usize>load<u32>(p, LAYER_NORMALIZE_GRAD_MEAN), gamma = <usize>load<u32>(p, LAYER_NORMALIZE_GRAD_GAMMA)
  const rows = load<i32>(p, LAYER_NORMALIZE_GRAD_ROWS), cols = load<i32>(p, LAYER_NORMALIZE_GRAD_COLS), count = <f64>cols
  const from = <usize>(start * cols) << 2, left = cols & 3, whole = <usize>(cols - left) << 2
  let dx = <usize>load<u32>(p, LAYER_NORMALIZE_GRAD_DX) + from, dy = <usize>load<u32>(p, LAYER_NORMALIZE_GRAD_DY) + from
  let x = <usize>load<u32>(p, LAYER_NORMALIZE_GRAD_X) + from
  for (let r = start; r < end; r++) {
    const inverse = <f64>load<f32>(inverses + (<usize>r << 2))
    const mean: f32 = means ? load<f32>(means + (<usize>r << 2)) : 0
    const rest = means ? <f64>load<f32>(means + (<usize>(rows + r) << 2)) : 0
    const sums = rowProducts(dy, x, gamma, cols, mean)
    const sum = f64x2.extract_lane(sums, 0) // of g; that of g h, over inverse:
    const product = f64x2.extract_lane(sums, 1) - rest * sum
    const factor = -inverse * inverse * product / count
    const slope = f32x4.splat(<f32>factor)
    const offset = f32x4.splat(means ? <f32>(-sum / count - rest * factor) : 0)
    const m = f32x4.splat(mean), k = f32x4.splat(<f32>inverse)
    let at: usize = 0
    for (; at < whole; at += 16) v128.store(dx + at, normalGrad(dy + at, x + at, gamma, at, offset, m, slope, k))
    if (left) storeTail(dx + at, normalGrad(dy + at, x + at, gamma, at, offset, m, slope, k), left)
    const step = <usize>cols << 2
    dx += step
    dy += step
    x += step
  }
}
