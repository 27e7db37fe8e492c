// Depthwise convolution over two axes and its gradients: output channel o = c m + j comes from channel c alone.
//   y[n, oh, ow, o] = sum over taps of x[n, oh sh - ph + i dh, ow sw - pw + j dw, o / m] w[i, j, o]
// x [N, H, W, C], w [kh, kw, C, m], y [N, OH, OW, F = C m]. Tap by tap, all positions of a row, four channels a vector.
// With m > 1, each image is first widened to F channels in scratch, or its gradient narrowed from there.
// The order of dw's sums: up to CHAIN_DEPTH positions of a line from 0, those sums over some LONG_DEPTH positions, the sums of
// these by long-sum.ts. The error is that of gemm.ts.
//
// words: as in convolution.ts; the first axis has size 1, and scratch ("patches") is an image [H, W, F] and a vector more.
// Float64 reference: test/reference/kernels/convolution.ts
import {
  AXIS_BEFORE, AXIS_DILATION, AXIS_KERNEL, AXIS_OUTPUT, AXIS_SIZE, AXIS_STRIDE, CHAIN_DEPTH, CONV_A, CONV_B, CONV_C,
  CONV_DST, CONV_F, CONV_HEIGHT, CONV_LONG, CONV_PATCHES, CONV_SAMPLES, CONV_WIDTH, LONG_DEPTH,
} from '../abi'
import { madd, storeTail } from '../lanes'
import { fold } from './long-sum'

/** The first k >= 0 with start + k step >= 0. */
@inline
function firstInside(start: i32, step: i32): i32 {
  return start < 0 ? (step - 1 - start) / step : 0
}

/** One past the last k < count with start + k step < size. */
@inline
function endInside(start: i32, step: i32, count: i32, size: i32): i32 {
  return start < size ? min(count, (size - start + step - 1) / step) : 0
}

/** dst[F] += src[F] w[F] at `count` positions, `ds` and `ss` bytes apart. */
function addProducts(dst: usize, ds: usize, src: usize, ss: usize, w: usize, count: i32, F: i32): void {
  const end = dst + <usize>count * ds
  let o: usize = 0
  const pairs = <usize>(F >> 3) << 5, whole = <usize>(F >> 2) << 4
  for (; o < pairs; o += 32) {
    const k = v128.load(w + o), l = v128.load(w + o, 16)
    for (let d = dst + o, s = src + o; d < end; d += ds) {
      v128.store(d, madd(v128.load(s), k, v128.load(d)))
      v128.store(d, madd(v128.load(s, 16), l, v128.load(d, 16)), 16)
      s += ss
    }
  }
  for (; o < whole; o += 16) {
    const k = v128.load(w + o)
    for (let d = dst + o, s = src + o; d < end; d += ds) {
      v128.store(d, madd(v128.load(s), k, v128.load(d)))
      s += ss
    }
  }
  const rest = F & 3
  if (rest) {
    const k = v128.load(w + o)
    for (let d = dst + o, s = src + o; d < end; d += ds) {
      storeTail(d, madd(v128.load(s), k, v128.load(d)), rest)
      s += ss
    }
  }
}

/** dw[F] += sum over `count` positions of x[F] dy[F], `xs` and `ys` bytes apart. */
function addSums(dw: usize, x: usize, xs: usize, dy: usize, ys: usize, count: i32, F: i32): void {
  const end = x + <usize>count * xs
  let o: usize = 0
  const pairs = <usize>(F >> 3) << 5, whole = <usize>F << 2
  for (; o < pairs; o += 32) {
    let k = f32x4.splat(0), l = k
    for (let a = x + o, b = dy + o; a < end; a += xs) {
      k = madd(v128.load(a), v128.load(b), k)
      l = madd(v128.load(a, 16), v128.load(b, 16), l)
      b += ys
    }
    v128.store(dw + o, f32x4.add(v128.load(dw + o), k))
    v128.store(dw + o, f32x4.add(v128.load(dw + o, 16), l), 16)
  }
  for (; o < whole; o += 16) {
    let k = f32x4.splat(0)
    for (let a = x + o, b = dy + o; a < end; a += xs) {
      k = madd(v128.load(a), v128.load(b), k)
      b += ys
    }
    storeTail(dw + o, f32x4.add(v128.load(dw + o), k), <i32>((whole - o) >> 2))
  }
}

/** wide[cells, m] = narrow[cells], each repeated; writes up to 12 bytes behind the last one. */
function widen(wide: usize, narrow: usize, cells: i32, m: i32): void {
  for (let i = 0; i < cells; i++) {
    const x = v128.load_splat<f32>(narrow)
    for (let j = 0; j < m; j += 4) v128.store(wide + (<usize>j << 2), x) // the next one overwrites the excess
    wide += <usize>m << 2
    narrow += 4
  }
}

/** narrow[cells] = sums of wide[cells, m]. */
function narrowed(narrow: usize, wide: usize, cells: i32, m: i32): void {
  for (let i = 0; i < cells; i++) {
    let sum: f32 = 0
    for (let j = 0; j < m; j++) {
      sum += load<f32>(wide)
      wide += 4
    }
    store<f32>(narrow, sum)
    narrow += 4
  }
}

// The work of each kernel on a row of positions and a tap.
const FORWARD = 0
const INPUT = 1
const WEIGHT = 2

/** image: x or dx; w: w or dw; y: y or dy. The destination starts as 0. */
@inline
function convolve(p: usize, what: i32, image: usize, w: usize, y: usize): void {
  const scratch = <usize>load<u32>(p, CONV_PATCHES), N = load<i32>(p, CONV_SAMPLES), C = load<i32>(p, CONV_C)
  const F = load<i32>(p, CONV_F)
  const H = load<i32>(p, CONV_HEIGHT + AXIS_SIZE), OH = load<i32>(p, CONV_HEIGHT + AXIS_OUTPUT)
  const kh = load<i32>(p, CONV_HEIGHT + AXIS_KERNEL)
  const sh = load<i32>(p, CONV_HEIGHT + AXIS_STRIDE), dh = load<i32>(p, CONV_HEIGHT + AXIS_DILATION)
  const ph = load<i32>(p, CONV_HEIGHT + AXIS_BEFORE)
  const W = load<i32>(p, CONV_WIDTH + AXIS_SIZE), OW = load<i32>(p, CONV_WIDTH + AXIS_OUTPUT)
  const kw = load<i32>(p, CONV_WIDTH + AXIS_KERNEL)
  const sw = load<i32>(p, CONV_WIDTH + AXIS_STRIDE), dw = load<i32>(p, CONV_WIDTH + AXIS_DILATION)
  const pw = load<i32>(p, CONV_WIDTH + AXIS_BEFORE)
  const cell = <usize>F << 2, step = <usize>sw * cell, rowBytes = <usize>OW * cell
  const m = F / C, isWide = m > 1, cells = H * W * C, imageBytes = <usize>(H * W) * cell
  const bytes = <usize>(kh * kw) * cell, dst = w, cut = <usize>load<u32>(p, CONV_LONG) + (bytes + 63 & ~63)
  let summed = 0
  if (what == WEIGHT) {
    memory.fill(dst, 0, bytes)
    memory.fill(cut, 0, bytes)
    w = <usize>load<u32>(p, CONV_LONG)
  }
  for (let n = 0; n < N; n++) {
    const own = isWide ? scratch : image
    if (what == INPUT) memory.fill(own, 0, imageBytes)
    else if (isWide) widen(own, image, cells, m)
    for (let oh = 0, h0 = -ph; oh < OH; oh++) {
      if (what == FORWARD) memory.fill(y, 0, rowBytes)
      if (what == WEIGHT && !summed) memory.fill(w, 0, bytes)
      const i1 = endInside(h0, dh, kh, H)
      for (let i = firstInside(h0, dh); i < i1; i++) {
        for (let j = 0, w0 = -pw; j < kw; j++) {
          const first = firstInside(w0, sw), count = endInside(w0, sw, OW, W) - first
          const at = own + <isize>((h0 + i * dh) * W + w0 + first * sw) * cell
          const to = y + <usize>first * cell, tap = w + <usize>(i * kw + j) * cell
          if (count > 0) {
            if (what == FORWARD) addProducts(to, cell, at, step, tap, count, F)
            else if (what == INPUT) addProducts(at, step, to, cell, tap, count, F)
            else {
              for (let done = 0; done < count; done += CHAIN_DEPTH) {
                if (done && done % LONG_DEPTH == 0) {
                  fold(dst + (tap - w), tap, cut + (tap - w), cell)
                  memory.fill(tap, 0, cell)
                }
                addSums(tap, at + step * done, step, to + cell * done, cell, min(CHAIN_DEPTH, count - done), F)
              }
            }
          }
          w0 += dw
        }
      }
      y += rowBytes
      h0 += sh
      summed += OW
      if (what == WEIGHT && (summed >= LONG_DEPTH || n == N - 1 && oh == OH - 1)) {
        fold(dst, w, cut, bytes)
        summed = 0
      }
    }
    if (what == INPUT && isWide) narrowed(image, own, cells, m)
    image += <usize>cells << 2
  }
}

/** words: y, x, w, ... */
export function depthwise(p: usize): void {
  convolve(p, FORWARD, load<u32>(p, CONV_A), load<u32>(p, CONV_B), load<u32>(p, CONV_DST))
}

/** words: dx, dy, w, ... */
export function depthwiseInputGrad(p: usize): void {
  convolve(p, INPUT, load<u32>(p, CONV_DST), load<u32>(p, CONV_B), load<u32>(p, CONV_A))
}

/** words: dw, x, dy, ... */
export function depthwiseWeightGrad(p: usize): void {
  convolve(p, WEIGHT, load<u32>(p, CONV_A), load<u32>(p, CONV_DST), load<u32>(p, CONV_B))
}
