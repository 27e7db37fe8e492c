// Resizing of one axis: x [outer, from, inner] to y [outer, to, inner]. Output o lies at (start + o step) / full in cells of x: the
// nearest is the cell that this falls in; linear interpolates between it and the next one, the outermost ones being continued.
// The position advances by whole numbers of 1 / full: no rounding. operations/pooling.ts knows start, step and full of each form.
// Float64 reference: test/reference/kernels/pooling.ts
import {
  RESIZE_DST, RESIZE_FROM, RESIZE_FULL, RESIZE_INNER, RESIZE_IS_LINEAR, RESIZE_OUTER, RESIZE_SRC, RESIZE_START, RESIZE_STEP, RESIZE_TO,
} from '../abi'
import { madd } from '../lanes'
import { FLOAT_WORK, split } from '../parallel'
import { storeBelow } from './tails'

/** words: destination, source, outer, from, to, inner, linear, start, step, full; `start` to `end` of outer */
@inline
function walk(isGrad: bool, p: usize, start: i32, end: i32): void {
  const from = load<i32>(p, RESIZE_FROM), to = load<i32>(p, RESIZE_TO), inner = load<i32>(p, RESIZE_INNER)
  let dst = <usize>load<u32>(p, RESIZE_DST) + (<usize>(start * inner) << 2) * (isGrad ? from : to)
  let src = <usize>load<u32>(p, RESIZE_SRC) + (<usize>(start * inner) << 2) * (isGrad ? to : from)
  const linear = load<i32>(p, RESIZE_IS_LINEAR) != 0, full = load<i32>(p, RESIZE_FULL), step = load<i32>(p, RESIZE_STEP)
  const cellBytes = <usize>inner << 2, rowBytes = <usize>from * cellBytes
  for (let i = start; i < end; i++) {
    if (isGrad) memory.fill(dst, 0, rowBytes)
    let low = 0, rest = load<i32>(p, RESIZE_START) // position: low + rest / full; before the first input, below 0
    for (let o = 0; o < to; o++) {
      for (; rest >= full; rest -= full) low++
      const share: f32 = linear && rest > 0 && low < from - 1 ? <f32>rest / <f32>full : 0
      const high = f32x4.splat(share), whole = f32x4.splat(1 - share)
      let at = (isGrad ? dst : src) + <usize>low * cellBytes // of the smaller side
      for (let j = 0; j < inner; j += 4) {
        if (isGrad) {
          const flow = v128.load(src + (<usize>j << 2))
          storeBelow(at, madd(flow, whole, v128.load(at)), inner - j)
          if (share > 0) storeBelow(at + cellBytes, madd(flow, high, v128.load(at + cellBytes)), inner - j)
        } else {
          let x = v128.load(at)
          if (share > 0) x = madd(v128.load(at + cellBytes), high, f32x4.mul(x, whole))
          storeBelow(dst + (<usize>j << 2), x, inner - j)
        }
        at += 16
      }
      if (isGrad) src += cellBytes
      else dst += cellBytes
      rest += step
    }
    if (isGrad) dst += rowBytes
    else src += rowBytes
  }
}

function splitOuter(kernel: u32, p: usize): void {
  split(
    kernel, p, load<i32>(p, RESIZE_OUTER), 1, FLOAT_WORK * <f64>load<i32>(p, RESIZE_TO) * <f64>load<i32>(p, RESIZE_INNER),
  )
}

/** words: y, x, outer, from, to, inner, linear, start, step, full */
export function resize(p: usize): void {
  splitOuter(resizePart.index, p)
}

function resizePart(p: usize, start: i32, end: i32, _: i32): void {
  walk(false, p, start, end)
}

/** words: dx, dy, outer, from, to, inner, linear, start, step, full */
export function resizeGrad(p: usize): void {
  splitOuter(resizeGradPart.index, p)
}

function resizeGradPart(p: usize, start: i32, end: i32, _: i32): void {
  walk(true, p, start, end)
}
