// Batch and group normalization: x [samples, cells, channels], channels in consecutive groups of one size; statistics
// of each sample and group over its cells and channels.
//   y = (x - mean) / sqrt(variance + epsilon) gamma + beta,  biased variance
// Batch normalization is one sample whose groups have one channel each; instance normalization is groups of one.
// gamma, beta: [channels] or none (address 0). Values that are constant become beta exactly; dx of statistics of one value is
// 0 exactly. A mean is two floats: what a float can hold, and the rest of it. y may equal x; dx may equal dy or x. Reads up to
// 12 bytes past the last row, writes nothing there.
// scratch, with C = channels rounded up to a multiple of 4: the operands of what is split (64 bytes), the sums (16 C
// bytes, normalize-sums.ts), then vectors of coefficients of y or dx, 4 C bytes each: mean, slope, offset and, for dx,
// factor and inverse; then the f64 totals of dgamma and dbeta, 8 C bytes each.
// Over threads, the sums of a sample are split by channels, then its y or dx by cells.
// Float64 reference: test/reference/kernels/normalize.ts
import {
  CHANNEL_NORMALIZE_BETA, CHANNEL_NORMALIZE_CELLS, CHANNEL_NORMALIZE_CHANNELS, CHANNEL_NORMALIZE_EPSILON,
  CHANNEL_NORMALIZE_GAMMA, CHANNEL_NORMALIZE_GRAD_CELLS, CHANNEL_NORMALIZE_GRAD_CHANNELS, CHANNEL_NORMALIZE_GRAD_DBETA,
  CHANNEL_NORMALIZE_GRAD_DGAMMA, CHANNEL_NORMALIZE_GRAD_DX, CHANNEL_NORMALIZE_GRAD_DY, CHANNEL_NORMALIZE_GRAD_EPSILON,
  CHANNEL_NORMALIZE_GRAD_GAMMA, CHANNEL_NORMALIZE_GRAD_GROUPS, CHANNEL_NORMALIZE_GRAD_MEAN,
  CHANNEL_NORMALIZE_GRAD_REST, CHANNEL_NORMALIZE_GRAD_SAMPLES, CHANNEL_NORMALIZE_GRAD_SCRATCH,
  CHANNEL_NORMALIZE_GRAD_VARIANCE, CHANNEL_NORMALIZE_GRAD_X, CHANNEL_NORMALIZE_GROUPS, CHANNEL_NORMALIZE_MEAN,
  CHANNEL_NORMALIZE_REST, CHANNEL_NORMALIZE_SAMPLES, CHANNEL_NORMALIZE_SCRATCH, CHANNEL_NORMALIZE_VARIANCE,
  CHANNEL_NORMALIZE_X, CHANNEL_NORMALIZE_Y,
} from '../abi'
import { storeTail } from '../lanes'
import { FLOAT_WORK, split } from '../parallel'
import { columnMoments, columnProducts, factorAt, productOf, sumOf } from './normalize-sums'

// Operands of what is split, of one sample: y or dx, dy (0: forward), x, cells, channels. Behind them, the sums.
const DST = 0, FLOW = 4, SRC = 8, CELLS = 12, CHANNELS = 16, SUMS = 64

/** Makes `words` those of the first sample. */
function begin(words: usize, dst: u32, flow: u32, src: u32, cells: i32, channels: i32): void {
  store<u32>(words, dst, DST)
  store<u32>(words, flow, FLOW)
  store<u32>(words, src, SRC)
  store<i32>(words, cells, CELLS)
  store<i32>(words, channels, CHANNELS)
}

/** Makes them those of the next one. */
function advance(words: usize): void {
  const bytes = load<i32>(words, CELLS) * load<i32>(words, CHANNELS) << 2
  store<u32>(words, load<u32>(words, DST) + bytes, DST)
  if (load<u32>(words, FLOW)) store<u32>(words, load<u32>(words, FLOW) + bytes, FLOW)
  store<u32>(words, load<u32>(words, SRC) + bytes, SRC)
}

function sumsPart(words: usize, start: i32, end: i32, _: i32): void {
  const flow = <usize>load<u32>(words, FLOW), src = <usize>load<u32>(words, SRC)
  const cells = load<i32>(words, CELLS), channels = load<i32>(words, CHANNELS)
  const mean = words + SUMS + (<usize>((channels + 3) & ~3) << 4)
  if (flow) columnProducts(words + SUMS, flow, src, cells, channels, mean, start, end)
  else columnMoments(words + SUMS, src, cells, channels, start, end)
}

/** (x - mean) slope + offset */
@inline
function normal(x: usize, mean: usize, slope: usize, offset: usize): v128 {
  return f32x4.add(f32x4.mul(f32x4.sub(v128.load(x), v128.load(mean)), v128.load(slope)), v128.load(offset))
}

/** y = (x - mean) slope + offset */
function normalizePart(words: usize, start: i32, end: i32, _: i32): void {
  const channels = load<i32>(words, CHANNELS)
  const padded = <usize>((channels + 3) & ~3), mean = words + SUMS + (padded << 4)
  const slope = mean + (padded << 2), offset = slope + (padded << 2)
  const left = channels & 3, whole = <usize>(channels - left) << 2
  const from = <usize>(start * channels) << 2
  let dst = <usize>load<u32>(words, DST) + from, src = <usize>load<u32>(words, SRC) + from
  for (let i = start; i < end; i++) {
    let at: usize = 0
    for (; at < whole; at += 16) v128.store(dst + at, normal(src + at, mean + at, slope + at, offset + at))
    if (left) storeTail(dst + at, normal(src + at, mean + at, slope + at, offset + at), left)
    dst += <usize>channels << 2
    src += <usize>channels << 2
  }
}

/** (dy factor + offset + (x - mean) slope) inverse; behind the means, `step` bytes apart: slopes, offsets, factors, inverses */
@inline
function normalGrad(dy: usize, x: usize, mean: usize, step: usize): v128 {
  const slope = mean + step, offset = slope + step, factor = offset + step
  const g = f32x4.mul(v128.load(dy), v128.load(factor))
  const centered = f32x4.sub(v128.load(x), v128.load(mean))
  const sum = f32x4.add(f32x4.add(g, v128.load(offset)), f32x4.mul(centered, v128.load(slope)))
  return f32x4.mul(sum, v128.load(factor + step))
}

/** dx = (dy factor + offset + (x - mean) slope) inverse: dy factor less its mean first, so that of equal ones nothing is left */
function normalizeGradPart(words: usize, start: i32, end: i32, _: i32): void {
  const channels = load<i32>(words, CHANNELS)
  const padded = <usize>((channels + 3) & ~3) << 2, mean = words + SUMS + (padded << 2)
  const left = channels & 3, whole = <usize>(channels - left) << 2
  const from = <usize>(start * channels) << 2
  let dx = <usize>load<u32>(words, DST) + from, dy = <usize>load<u32>(words, FLOW) + from
  let x = <usize>load<u32>(words, SRC) + from
  for (let i = start; i < end; i++) {
    let at: usize = 0
    for (; at < whole; at += 16) v128.store(dx + at, normalGrad(dy + at, x + at, mean + at, padded))
    if (left) storeTail(dx + at, normalGrad(dy + at, x + at, mean + at, padded), left)
    const step = <usize>channels << 2
    dx += step
    dy += step
    x += step
  }
}

/**
 * words: y, x, mean, variance, rest of the mean [samples, groups], gamma, beta, samples, cells, channels, groups, epsilon
 * (f32), scratch
 */
export function channelNormalize(p: usize): void {
  let means = <usize>load<u32>(p, CHANNEL_NORMALIZE_MEAN), variances = <usize>load<u32>(p, CHANNEL_NORMALIZE_VARIANCE)
  let rests = <usize>load<u32>(p, CHANNEL_NORMALIZE_REST)
  const gamma = <usize>load<u32>(p, CHANNEL_NORMALIZE_GAMMA), beta = <usize>load<u32>(p, CHANNEL_NORMALIZE_BETA)
  const samples = load<i32>(p, CHANNEL_NORMALIZE_SAMPLES), cells = load<i32>(p, CHANNEL_NORMALIZE_CELLS)
  const channels = load<i32>(p, CHANNEL_NORMALIZE_CHANNELS), groups = load<i32>(p, CHANNEL_NORMALIZE_GROUPS)
  const epsilon = <f64>load<f32>(p, CHANNEL_NORMALIZE_EPSILON), words = <usize>load<u32>(p, CHANNEL_NORMALIZE_SCRATCH)
  const sums = words + SUMS
  const padded = <usize>((channels + 3) & ~3)
  const mean = sums + (padded << 4), slope = mean + (padded << 2), offset = slope + (padded << 2)
  const width = channels / groups, count = <f64>cells * <f64>width
  begin(words, load<u32>(p, CHANNEL_NORMALIZE_Y), 0, load<u32>(p, CHANNEL_NORMALIZE_X), cells, channels)
  for (let n = 0; n < samples; n++) {
    split(sumsPart.index, words, channels, 4, FLOAT_WORK * <f64>cells)
    for (let first = 0; first < channels; first += width) {
      // the channels' own means and squares about them, then those of all (Chan, Golub and LeVeque 1983)
      const x = <usize>load<u32>(words, SRC)
      let mu: f64 = 0, squares: f64 = 0
      for (let c = first; c < first + width; c++) mu += (<f64>load<f32>(x + (<usize>c << 2)) + sumOf(sums, c) / <f64>cells) / <f64>width
      for (let c = first; c < first + width; c++) {
        const own = sumOf(sums, c), off = width > 1 ? <f64>load<f32>(x + (<usize>c << 2)) + own / <f64>cells - mu : 0
        squares += productOf(sums, c) - own * own / <f64>cells + off * off * <f64>cells
      }
      const m = <f32>mu
      // of one channel, what mu has lost beside a large shift
      const rest = width > 1 ? mu - <f64>m : <f64>load<f32>(x + (<usize>first << 2)) - <f64>m + sumOf(sums, first) / <f64>cells
      const variance = <f32>max<f64>(squares / count, 0)
      store<f32>(means, m)
      store<f32>(variances, variance)
      store<f32>(rests, <f32>rest)
      const inverse = 1 / sqrt<f64>(<f64>variance + epsilon)
      for (let c = first; c < first + width; c++) {
        const at = <usize>c << 2
        const k = inverse * factorAt(gamma, c)
        store<f32>(mean + at, m)
        store<f32>(slope + at, <f32>k)
        store<f32>(offset + at, <f32>((beta ? <f64>load<f32>(beta + at) : 0) - rest * k))
      }
      means += 4
      variances += 4
      rests += 4
    }
    split(normalizePart.index, words, cells, 1, FLOAT_WORK * <f64>channels)
    advance(words)
  }
}

/**
 * words: dx, dgamma, dbeta [channels] (0: not wanted), dy, x, mean, variance, rest, gamma, samples, cells, channels,
 * groups, epsilon (f32), scratch
 * With h = (x - mean) inverse, g = dy gamma and means over the group:
 *   dx = inverse (g - mean(g) - h mean(g h)),  dgamma = sum dy h,  dbeta = sum dy over samples and cells
 */
export function channelNormalizeGrad(p: usize): void {
  const dgamma = <usize>load<u32>(p, CHANNEL_NORMALIZE_GRAD_DGAMMA)
  const dbeta = <usize>load<u32>(p, CHANNEL_NORMALIZE_GRAD_DBETA)
  let means = <usize>load<u32>(p, CHANNEL_NORMALIZE_GRAD_MEAN)
  let variances = <usize>load<u32>(p, CHANNEL_NORMALIZE_GRAD_VARIANCE)
  let rests = <usize>load<u32>(p, CHANNEL_NORMALIZE_GRAD_REST)
  const gamma = <usize>load<u32>(p, CHANNEL_NORMALIZE_GRAD_GAMMA)
  const samples = load<i32>(p, CHANNEL_NORMALIZE_GRAD_SAMPLES), cells = load<i32>(p, CHANNEL_NORMALIZE_GRAD_CELLS)
  const channels = load<i32>(p, CHANNEL_NORMALIZE_GRAD_CHANNELS), groups = load<i32>(p, CHANNEL_NORMALIZE_GRAD_GROUPS)
  const epsilon = <f64>load<f32>(p, CHANNEL_NORMALIZE_GRAD_EPSILON)
  const words = <usize>load<u32>(p, CHANNEL_NORMALIZE_GRAD_SCRATCH), sums = words + SUMS
  const padded = <usize>((channels + 3) & ~3)
  const mean = sums + (padded << 4), slope = mean + (padded << 2), offset = slope + (padded << 2)
  const factor = offset + (padded << 2), inverses = factor + (padded << 2)
  const gammaTotals = inverses + (padded << 2), betaTotals = gammaTotals + (padded << 3)
  const width = channels / groups, count = <f64>cells * <f64>width
  const dx = load<u32>(p, CHANNEL_NORMALIZE_GRAD_DX), dy = load<u32>(p, CHANNEL_NORMALIZE_GRAD_DY)
  begin(words, dx, dy, load<u32>(p, CHANNEL_NORMALIZE_GRAD_X), cells, channels)
  memory.fill(gammaTotals, 0, padded << 4)
  for (let n = 0; n < samples; n++) {
    for (let c = 0; c < channels; c++) store<f32>(mean + (<usize>c << 2), load<f32>(means + (<usize>(c / width) << 2)))
    split(sumsPart.index, words, channels, 4, FLOAT_WORK * <f64>cells)
    for (let first = 0; first < channels; first += width) {
      const rest = <f64>load<f32>(rests)
      const inverse = 1 / sqrt<f64>(<f64>load<f32>(variances) + epsilon)
      let sum: f64 = 0, product: f64 = 0 // of g and of g h
      for (let c = first; c < first + width; c++) {
        const at = <usize>c << 3
        const own = sumOf(sums, c), ownProduct = (productOf(sums, c) - rest * own) * inverse
        sum += own * factorAt(gamma, c)
        product += ownProduct * factorAt(gamma, c)
        store<f64>(gammaTotals + at, load<f64>(gammaTotals + at) + ownProduct)
        store<f64>(betaTotals + at, load<f64>(betaTotals + at) + own)
      }
      const k = -inverse * product / count
      for (let c = first; c < first + width; c++) {
        const at = <usize>c << 2
        store<f32>(slope + at, <f32>k)
        store<f32>(offset + at, <f32>(-sum / count - rest * k))
        store<f32>(factor + at, <f32>factorAt(gamma, c))
        store<f32>(inverses + at, <f32>inverse)
      }
      variances += 4
      rests += 4
    }
    means += <usize>groups << 2
    split(normalizeGradPart.index, words, cells, 1, FLOAT_WORK * <f64>channels)
    advance(words)
  }
  for (let c = 0; c < channels; c++) {
    if (dgamma) store<f32>(dgamma + (<usize>c << 2), <f32>load<f64>(gammaTotals + (<usize>c << 3)))
    if (dbeta) store<f32>(dbeta + (<usize>c << 2), <f32>load<f64>(betaTotals + (<usize>c << 3)))
  }
}
