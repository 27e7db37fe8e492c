// Batch and group normalization: x [samples, cells, channels], channels in consecutive groups of one size; statistics
// of each sample and group over its cells and channels.
//   y = (x - mean) / sqrt(variance + epsilon) gamma + beta,  biased variance
// Batch normalization is one sample whose groups have one channel each; instance normalization is groups of one.
// gamma, beta: [channels] or none (address 0). y may equal x; dx may equal dy or x. Reads up to 12 bytes past the last
// row, writes nothing there.
// scratch, with C = channels rounded up to a multiple of 4: the sums (16 C bytes, normalize-sums.ts), then vectors of
// coefficients of y or dx, 4 C bytes each: mean, slope, offset and, for dx, factor; then the f64 totals of dgamma and
// dbeta, 8 C bytes each.
import { columnMoments, columnProducts, factorAt, productOf, sumOf } from './normalize-sums'
import { storeBelow } from './tails'

/** words: y, x, mean, variance [samples, groups], gamma, beta, samples, cells, channels, groups, epsilon (f32), scratch */
export function channelNormalize(p: usize): void {
  let dst = <usize>load<u32>(p), src = <usize>load<u32>(p, 4)
  let means = <usize>load<u32>(p, 8), variances = <usize>load<u32>(p, 12)
  const gamma = <usize>load<u32>(p, 16), beta = <usize>load<u32>(p, 20)
  const samples = load<i32>(p, 24), cells = load<i32>(p, 28), channels = load<i32>(p, 32), groups = load<i32>(p, 36)
  const epsilon = <f64>load<f32>(p, 40), sums = <usize>load<u32>(p, 44)
  const padded = <usize>((channels + 3) & ~3)
  const mean = sums + (padded << 4), slope = mean + (padded << 2), offset = slope + (padded << 2)
  const width = channels / groups, count = <f64>cells * <f64>width
  for (let n = 0; n < samples; n++) {
    columnMoments(sums, src, cells, channels)
    for (let first = 0; first < channels; first += width) {
      let sum: f64 = 0, squares: f64 = 0
      for (let c = first; c < first + width; c++) {
        sum += sumOf(sums, c)
        squares += productOf(sums, c)
      }
      const m = sum / count
      const variance = <f32>max<f64>(squares / count - m * m, 0)
      store<f32>(means, <f32>m)
      store<f32>(variances, variance)
      const inverse = 1 / sqrt<f64>(<f64>variance + epsilon)
      for (let c = first; c < first + width; c++) {
        const at = <usize>c << 2
        store<f32>(mean + at, <f32>m)
        store<f32>(slope + at, <f32>(inverse * factorAt(gamma, c)))
        store<f32>(offset + at, beta ? load<f32>(beta + at) : 0)
      }
      means += 4
      variances += 4
    }
    for (let i = 0; i < cells; i++) {
      for (let j = 0; j < channels; j += 4) {
        const at = <usize>j << 2
        const centered = f32x4.sub(v128.load(src + at), v128.load(mean + at))
        const y = f32x4.add(f32x4.mul(centered, v128.load(slope + at)), v128.load(offset + at))
        storeBelow(dst + at, y, channels - j)
      }
      dst += <usize>channels << 2
      src += <usize>channels << 2
    }
  }
}

/**
 * words: dx, dgamma, dbeta [channels] (0: not wanted), dy, x, mean, variance, gamma, samples, cells, channels, groups,
 * epsilon (f32), scratch
 * With h = (x - mean) inverse, g = dy gamma and means over the group:
 *   dx = inverse (g - mean(g) - h mean(g h)),  dgamma = sum dy h,  dbeta = sum dy over samples and cells
 */
export function channelNormalizeGrad(p: usize): void {
  let dx = <usize>load<u32>(p), dy = <usize>load<u32>(p, 12), x = <usize>load<u32>(p, 16)
  const dgamma = <usize>load<u32>(p, 4), dbeta = <usize>load<u32>(p, 8)
  let means = <usize>load<u32>(p, 20), variances = <usize>load<u32>(p, 24)
  const gamma = <usize>load<u32>(p, 28)
  const samples = load<i32>(p, 32), cells = load<i32>(p, 36), channels = load<i32>(p, 40), groups = load<i32>(p, 44)
  const epsilon = <f64>load<f32>(p, 48), sums = <usize>load<u32>(p, 52)
  const padded = <usize>((channels + 3) & ~3)
  const mean = sums + (padded << 4), slope = mean + (padded << 2), offset = slope + (padded << 2)
  const factor = offset + (padded << 2), gammaTotals = factor + (padded << 2), betaTotals = gammaTotals + (padded << 3)
  const width = channels / groups, count = <f64>cells * <f64>width
  memory.fill(gammaTotals, 0, padded << 4)
  for (let n = 0; n < samples; n++) {
    columnProducts(sums, dy, x, cells, channels)
    for (let first = 0; first < channels; first += width) {
      const m = <f64>load<f32>(means)
      const inverse = 1 / sqrt<f64>(<f64>load<f32>(variances) + epsilon)
      let sum: f64 = 0, product: f64 = 0 // of g and of g h
      for (let c = first; c < first + width; c++) {
        const at = <usize>c << 3
        const own = sumOf(sums, c), ownProduct = (productOf(sums, c) - m * own) * inverse
        sum += own * factorAt(gamma, c)
        product += ownProduct * factorAt(gamma, c)
        store<f64>(gammaTotals + at, load<f64>(gammaTotals + at) + ownProduct)
        store<f64>(betaTotals + at, load<f64>(betaTotals + at) + own)
      }
      for (let c = first; c < first + width; c++) {
        const at = <usize>c << 2
        store<f32>(mean + at, <f32>m)
        store<f32>(slope + at, <f32>(-inverse * inverse * product / count))
        store<f32>(offset + at, <f32>(-inverse * sum / count))
        store<f32>(factor + at, <f32>(inverse * factorAt(gamma, c)))
      }
      means += 4
      variances += 4
    }
    for (let i = 0; i < cells; i++) {
      for (let j = 0; j < channels; j += 4) {
        const at = <usize>j << 2
        const g = f32x4.mul(v128.load(dy + at), v128.load(factor + at))
        const centered = f32x4.sub(v128.load(x + at), v128.load(mean + at))
        const rest = f32x4.add(f32x4.mul(centered, v128.load(slope + at)), v128.load(offset + at))
        storeBelow(dx + at, f32x4.add(g, rest), channels - j)
      }
      const step = <usize>channels << 2
      dx += step
      dy += step
      x += step
    }
  }
  for (let c = 0; c < channels; c++) {
    if (dgamma) store<f32>(dgamma + (<usize>c << 2), <f32>load<f64>(gammaTotals + (<usize>c << 3)))
    if (dbeta) store<f32>(dbeta + (<usize>c << 2), <f32>load<f64>(betaTotals + (<usize>c << 3)))
  }
}
