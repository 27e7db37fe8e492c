// Depthwise convolution over two axes and its gradients: output channel o = c m + j comes from channel c alone.
//   y[n, oh, ow, o] = sum over taps of x[n, oh sh - ph + i dh, ow sw - pw + j dw, o / m] w[i, j, o]
// x [N, H, W, C], w [kh, kw, C, m], y [N, OH, OW, F = C m]. Lines of y and dx are made one by one, 3x3 taps in one go, others three
// or one of a line of taps. The lines that one is made of lie between zeros in a ring in scratch, so that no tap meets an edge: those
// of x widened to F channels, those of dy with positions `stride` cells apart. With m > 1, a line of dx is narrowed in the end.
// The order of dw's sums: up to CHAIN_DEPTH positions of a line from 0, those sums over some LONG_DEPTH positions, the sums of
// these by long-sum.ts. The error is that of gemm.ts.
// Over threads, a part of y and of dx is a range of lines, a part of dw is a range of channels.
//
// The operands are those of convolution.ts, with a first axis of size 1. CONV_BLOCK is the number of cells of a line in scratch
// ("patches"); where it is 0 there is no padding, and the kernel reads x where it lies. The scratch holds the lines of the ring, then a
// line of zeros, then a vector, and, where m > 1, a line of dx at its end.
// Float64 reference: test/reference/kernels/convolution.ts
import {
  AXIS_BEFORE, AXIS_DILATION, AXIS_KERNEL, AXIS_OUTPUT, AXIS_SIZE, AXIS_STRIDE, CHAIN_DEPTH, CONV_A, CONV_B, CONV_BLOCK,
  CONV_C, CONV_DST, CONV_F, CONV_HEIGHT, CONV_LONG, CONV_PATCHES, CONV_SAMPLES, CONV_TAPS, CONV_WIDTH, LONG_DEPTH,
} from '../abi'
import { madd } from '../lanes'
import { split } from '../parallel'
import { wordsOf } from './convolution-words'
import { fold } from './long-sum'
import { storeBelow } from './tails'

/** dst[cell] = or += src[cell] w[cell] at `count` positions, src's `ss` bytes apart. */
function addOne(dst: usize, src: usize, ss: usize, w: usize, cell: usize, count: i32, isFirst: bool): void {
  const end = dst + <usize>count * cell
  const kept = i32x4.splat(isFirst ? 0 : -1)
  for (let o: usize = 0; o < cell; o += 16) {
    const k = v128.load(w + o), left = <i32>((cell - o) >> 2)
    for (let d = dst + o, s = src + o; d < end; d += cell) {
      storeBelow(d, madd(v128.load(s), k, v128.and(v128.load(d), kept)), left)
      s += ss
    }
  }
}

/** The same of three taps one after the other, `gap` bytes apart in src: what they add to is read and written once. */
@inline
function three(adds: bool, dst: usize, src: usize, ss: usize, gap: usize, w: usize, cell: usize, count: i32): void {
  const end = dst + <usize>count * cell, pairs = cell & ~31
  const zero = f32x4.splat(0)
  let o: usize = 0
  for (; o < pairs; o += 32) {
    const v = w + o
    const k0 = v128.load(v), k1 = v128.load(v + cell), k2 = v128.load(v + 2 * cell)
    const l0 = v128.load(v, 16), l1 = v128.load(v + cell, 16), l2 = v128.load(v + 2 * cell, 16)
    for (let d = dst + o, s = src + o; d < end; d += cell) {
      const s1 = s + gap, s2 = s1 + gap
      const y = madd(v128.load(s1), k1, madd(v128.load(s), k0, adds ? v128.load(d) : zero))
      v128.store(d, madd(v128.load(s2), k2, y))
      const z = madd(v128.load(s1, 16), l1, madd(v128.load(s, 16), l0, adds ? v128.load(d, 16) : zero))
      v128.store(d, madd(v128.load(s2, 16), l2, z), 16)
      s += ss
    }
  }
  for (; o < cell; o += 16) {
    const v = w + o, left = <i32>((cell - o) >> 2)
    const k0 = v128.load(v), k1 = v128.load(v + cell), k2 = v128.load(v + 2 * cell)
    for (let d = dst + o, s = src + o; d < end; d += cell) {
      const s1 = s + gap
      const y = madd(v128.load(s1), k1, madd(v128.load(s), k0, adds ? v128.load(d) : zero))
      storeBelow(d, madd(v128.load(s1 + gap), k2, y), left)
      s += ss
    }
  }
}

function setThree(dst: usize, src: usize, ss: usize, gap: usize, w: usize, cell: usize, count: i32): void {
  three(false, dst, src, ss, gap, w, cell, count)
}

function addThree(dst: usize, src: usize, ss: usize, gap: usize, w: usize, cell: usize, count: i32): void {
  three(true, dst, src, ss, gap, w, cell, count)
}

/** dw += the sum over `count` positions of x dy, of `width` bytes each; x's are `xs` bytes apart, those of dy `cell`. */
function addSum(dw: usize, x: usize, xs: usize, dy: usize, cell: usize, width: usize, count: i32): void {
  const end = x + <usize>count * xs
  for (let o: usize = 0; o < width; o += 16) {
    let k = f32x4.splat(0)
    for (let a = x + o, b = dy + o; a < end; a += xs) {
      k = madd(v128.load(a), v128.load(b), k)
      b += cell
    }
    storeBelow(dw + o, f32x4.add(v128.load(dw + o), k), <i32>((width - o) >> 2))
  }
}

/** The same of three taps one after the other, `gap` bytes apart in x and `cell` in dw. */
function addThreeSums(dw: usize, x: usize, xs: usize, gap: usize, dy: usize, cell: usize, width: usize, count: i32): void {
  const end = x + <usize>count * xs, pairs = width & ~31
  let o: usize = 0
  for (; o < pairs; o += 32) {
    let k0 = f32x4.splat(0), k1 = k0, k2 = k0, l0 = k0, l1 = k0, l2 = k0
    for (let a = x + o, b = dy + o; a < end; a += xs) {
      const y = v128.load(b), z = v128.load(b, 16), a1 = a + gap, a2 = a1 + gap
      k0 = madd(v128.load(a), y, k0)
      k1 = madd(v128.load(a1), y, k1)
      k2 = madd(v128.load(a2), y, k2)
      l0 = madd(v128.load(a, 16), z, l0)
      l1 = madd(v128.load(a1, 16), z, l1)
      l2 = madd(v128.load(a2, 16), z, l2)
      b += cell
    }
    const to = dw + o, to1 = to + cell, to2 = to1 + cell
    v128.store(to, f32x4.add(v128.load(to), k0))
    v128.store(to1, f32x4.add(v128.load(to1), k1))
    v128.store(to2, f32x4.add(v128.load(to2), k2))
    v128.store(to, f32x4.add(v128.load(to, 16), l0), 16)
    v128.store(to1, f32x4.add(v128.load(to1, 16), l1), 16)
    v128.store(to2, f32x4.add(v128.load(to2, 16), l2), 16)
  }
  for (; o < width; o += 16) {
    let k0 = f32x4.splat(0), k1 = k0, k2 = k0
    for (let a = x + o, b = dy + o; a < end; a += xs) {
      const y = v128.load(b), a1 = a + gap
      k0 = madd(v128.load(a), y, k0)
      k1 = madd(v128.load(a1), y, k1)
      k2 = madd(v128.load(a1 + gap), y, k2)
      b += cell
    }
    const to = dw + o, left = <i32>((width - o) >> 2)
    storeBelow(to, f32x4.add(v128.load(to), k0), left)
    storeBelow(to + cell, f32x4.add(v128.load(to + cell), k1), left)
    storeBelow(to + 2 * cell, f32x4.add(v128.load(to + 2 * cell), k2), left)
  }
}

/** wide[cells, m] = narrow[cells], each repeated. */
function widen(wide: usize, narrow: usize, cells: i32, m: i32): void {
  for (let i = 0; i < cells; i++) {
    const x = v128.load_splat<f32>(narrow)
    for (let j = 0; j < m; j += 4) storeBelow(wide + (<usize>j << 2), x, m - j)
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

/** A line of dy in one of `width` cells: position p at cell `before` + p `step`, where that lies in it. */
function spread(line: usize, dy: usize, count: i32, cell: usize, before: i32, step: i32, width: i32): void {
  if (step == 1 && before >= 0) {
    memory.copy(line + <usize>before * cell, dy, <usize>min(count, width - before) * cell)
    return
  }
  for (let i = 0, at = before; i < count; i++, at += step) {
    if (<u32>at < <u32>width) memory.copy(line + <usize>at * cell, dy, cell)
    dy += cell
  }
}

// What a kernel makes of a line of positions and the taps of a line.
const FORWARD = 0
const INPUT = 1
const WEIGHT = 2

/** What a multiply-add costs in those of a matrix product: it reads and writes more. */
const TAP_WORK: f64 = 2

/** Adds what has been summed of `taps` taps, of `width` bytes each, to dst: fold of long-sum.ts. */
function foldTaps(dst: usize, w: usize, cut: usize, taps: i32, cell: usize, width: usize): void {
  for (const end = w + cell * <usize>taps; w < end; w += cell) {
    fold(dst, w, cut, width)
    dst += cell
    cut += cell
  }
}

/**
 * The work of a line of taps: y, dx or the sums of dw at `count` positions; src: the line that it is made of, where the first tap
 * of the first position lies, taps `gap` bytes apart; dst: of dw, with what rounding cuts off at `cut`.
 */
function row(
  what: i32, isFirst: bool, to: usize, src: usize, ss: usize, gap: usize, w: usize, cell: usize, width: usize, taps: i32, count: i32,
  dst: usize, cut: usize,
): void {
  const most = what == WEIGHT ? CHAIN_DEPTH : count
  for (let done = 0; done < count; done += most) {
    const some = min(most, count - done), x = src + ss * <usize>done, y = to + cell * <usize>done
    if (done && done % LONG_DEPTH == 0) {
      foldTaps(dst, w, cut, taps, cell, width)
      memory.fill(w, 0, cell * <usize>taps)
    }
    for (let j = 0; j < taps; ) {
      const tap = w + cell * <usize>j, at = x + gap * <usize>j, isOne = j + 3 > taps
      if (what == WEIGHT) {
        if (isOne) addSum(tap, at, ss, y, cell, width, some)
        else addThreeSums(tap, at, ss, gap, y, cell, width, some)
      } else if (isOne) addOne(y, at, ss, tap, cell, some, isFirst && j == 0)
      else if (isFirst && j == 0) setThree(y, at, ss, gap, tap, cell, some)
      else addThree(y, at, ss, gap, tap, cell, some)
      j += isOne ? 1 : 3
    }
  }
}

/** `count` cells of x, of `channels` of its C channels, widened to m times as many. */
function gather(to: usize, from: usize, count: i32, C: i32, channels: i32, m: i32): void {
  const isWhole = channels == C
  if (isWhole) {
    channels *= count
    count = 1
  }
  const width = <usize>(channels * m) << 2
  for (; count > 0; count--) {
    if (m > 1) widen(to, from, channels, m)
    else if (isWhole) memory.copy(to, from, width)
    else for (let o: usize = 0; o < width; o += 16) storeBelow(to + o, v128.load(from + o), <i32>((width - o) >> 2))
    to += width
    from += <usize>C << 2
  }
}

/**
 * image: x or dx; w: w or dw; y: y or dy. Of all lines of y or dx, one sample's behind the other's, those from `line` to `end`; for
 * dw `channels` of x from `channel` on.
 */
function convolve(
  p: usize, what: i32, image: usize, w: usize, y: usize, line: i32, end: i32, channel: i32, channels: i32,
): void {
  const C = load<i32>(p, CONV_C), F = load<i32>(p, CONV_F)
  const H = load<i32>(p, CONV_HEIGHT + AXIS_SIZE), OH = load<i32>(p, CONV_HEIGHT + AXIS_OUTPUT)
  const kh = load<i32>(p, CONV_HEIGHT + AXIS_KERNEL)
  const sh = load<i32>(p, CONV_HEIGHT + AXIS_STRIDE), dh = load<i32>(p, CONV_HEIGHT + AXIS_DILATION)
  const ph = load<i32>(p, CONV_HEIGHT + AXIS_BEFORE)
  const W = load<i32>(p, CONV_WIDTH + AXIS_SIZE), OW = load<i32>(p, CONV_WIDTH + AXIS_OUTPUT)
  const kw = load<i32>(p, CONV_WIDTH + AXIS_KERNEL)
  const sw = load<i32>(p, CONV_WIDTH + AXIS_STRIDE), dw = load<i32>(p, CONV_WIDTH + AXIS_DILATION)
  const pw = load<i32>(p, CONV_WIDTH + AXIS_BEFORE)
  const cell = <usize>F << 2, yBytes = <usize>OW * cell, xBytes = <usize>(W * C) << 2, tapBytes = <usize>kw * cell
  const m = F / C, isWide = m > 1, isBack = what == INPUT
  const width = load<i32>(p, CONV_BLOCK)
  // of a cell: bytes that are computed, and from one to the next where the line is that is read
  const own = <usize>(channels * m) << 2, each = width ? own : cell
  const lineBytes = <usize>width * each, lines = (kh - 1) * dh + 1
  const ring = <usize>load<u32>(p, CONV_PATCHES), zeros = ring + lineBytes * <usize>lines
  const wide = zeros + lineBytes + 16
  const bytes = <usize>kh * tapBytes, cut = <usize>load<u32>(p, CONV_LONG) + (bytes + 63 & ~63)
  // of a line in the ring: cells before, and of x those inside; of a line that is made: positions, and what they are made of
  const before = isBack ? (kw - 1) * dw - pw : pw, inside = max(min(W, width - before), 0)
  const count = isBack ? W : OW, ss = isBack ? each : <usize>sw * each, gap = <usize>dw * each
  const step = isBack ? -gap : gap, first = isBack ? gap * <usize>(kw - 1) : 0
  const made = isBack ? H : OH
  let summed = 0, n = line / made, d = line % made, next = -1
  image += xBytes * <usize>(H * n) + (<usize>channel << 2)
  y += yBytes * <usize>(OH * n) + (<usize>(channel * m) << 2)
  const dst = w + (<usize>(channel * m) << 2)
  memory.fill(ring, 0, zeros + lineBytes - ring)
  if (what == WEIGHT) {
    for (let o: usize = 0; o < bytes; o += cell) memory.fill(dst + o, 0, own)
    memory.fill(cut, 0, bytes)
    w = <usize>load<u32>(p, CONV_LONG)
  }
  for (; line < end; line++) {
    // the next line that comes into the ring; at first, the first one that is needed
    if (next < 0) next = max(isBack ? (d + ph - (kh - 1) * dh + sh - 1) / sh : d * sh - ph, 0)
    const last = isBack ? min((d + ph) / sh, OH - 1) : min(d * sh - ph + (kh - 1) * dh, H - 1)
    for (; next <= last && width; next++) {
      const to = ring + lineBytes * <usize>(next % lines)
      if (isBack) spread(to, y + yBytes * <usize>next, OW, cell, before, sw, width)
      else gather(to + <usize>before * each, image + xBytes * <usize>next, inside, C, channels, m)
    }
    const to = isBack ? isWide ? wide : image + xBytes * <usize>d : y + yBytes * <usize>d
    if (what == WEIGHT && !summed) memory.fill(w, 0, bytes)
    let isFirst = what != WEIGHT
    for (let j = 0; j < kh; j++) {
      // in the order of dy's lines, which is from the last line of taps to the first
      const i = isBack ? kh - 1 - j : j, t = isBack ? d + ph - i * dh : d * sh - ph + i * dh
      const h = isBack ? t / sh : t
      if (t < 0 || (isBack ? h >= OH || h * sh != t : h >= H)) continue
      const src = width ? ring + lineBytes * <usize>(h % lines) : image + xBytes * <usize>h
      const o = tapBytes * <usize>i
      row(what, isFirst, to, src + first, ss, step, w + o, cell, own, kw, count, dst + o, cut + o)
      isFirst = false
    }
    if (isFirst) memory.fill(to, 0, cell * <usize>count)
    if (isBack && isWide) narrowed(image + xBytes * <usize>d, wide, W * C, m)
    summed += OW
    if (what == WEIGHT && (summed >= LONG_DEPTH || line == end - 1)) {
      foldTaps(dst, w, cut, kh * kw, cell, own)
      summed = 0
    }
    if (++d == made) {
      d = 0
      next = -1
      image += xBytes * <usize>H
      y += yBytes * <usize>OH
    }
  }
}

/** The work of the whole convolution, in multiply-adds. */
function workOf(p: usize): f64 {
  const positions = load<i32>(p, CONV_HEIGHT + AXIS_OUTPUT) * load<i32>(p, CONV_WIDTH + AXIS_OUTPUT)
  return TAP_WORK * <f64>load<i32>(p, CONV_SAMPLES) * <f64>positions * <f64>load<i32>(p, CONV_TAPS) * <f64>load<i32>(p, CONV_F)
}

function splitLines(kernel: u32, p: usize, height: i32): void {
  const lines = load<i32>(p, CONV_SAMPLES) * height
  split(kernel, p, lines, 1, workOf(p) / <f64>lines)
}

/** words: y, x, w, ... */
export function depthwise(p: usize): void {
  splitLines(depthwisePart.index, p, load<i32>(p, CONV_HEIGHT + AXIS_OUTPUT))
}

function depthwisePart(words: usize, from: i32, end: i32, part: i32): void {
  const p = load<u32>(words, CONV_PATCHES) ? wordsOf(words, part) : words, y = load<u32>(p, CONV_DST)
  convolve(p, FORWARD, load<u32>(p, CONV_A), load<u32>(p, CONV_B), y, from, end, 0, load<i32>(p, CONV_C))
}

/** words: dx, dy, w, ... */
export function depthwiseInputGrad(p: usize): void {
  splitLines(depthwiseInputGradPart.index, p, load<i32>(p, CONV_HEIGHT + AXIS_SIZE))
}

function depthwiseInputGradPart(words: usize, from: i32, end: i32, part: i32): void {
  const p = wordsOf(words, part), dy = load<u32>(p, CONV_A)
  convolve(p, INPUT, load<u32>(p, CONV_DST), load<u32>(p, CONV_B), dy, from, end, 0, load<i32>(p, CONV_C))
}

/** words: dw, x, dy, ... */
export function depthwiseWeightGrad(p: usize): void {
  const C = load<i32>(p, CONV_C)
  split(depthwiseWeightGradPart.index, p, C, 8, workOf(p) / <f64>C)
}

function depthwiseWeightGradPart(words: usize, from: i32, end: i32, part: i32): void {
  const p = wordsOf(words, part), lines = load<i32>(p, CONV_SAMPLES) * load<i32>(p, CONV_HEIGHT + AXIS_OUTPUT)
  convolve(p, WEIGHT, load<u32>(p, CONV_A), load<u32>(p, CONV_DST), load<u32>(p, CONV_B), 0, lines, from, end - from)
}
