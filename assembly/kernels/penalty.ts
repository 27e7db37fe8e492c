// The penalty of a weight tensor and its gradient.
//   l1 sum |w| + l2 sum w^2        dw = seed (l1 sign(w) + 2 l2 w), sign(0) = 0
// `count` is exact: nothing behind the tensor counts or is written, though up to 12 bytes there are read.
// Sums are f64, in memory order.
// Float64 reference: test/reference/ops.ts
import {
  PENALTY_COUNT, PENALTY_DST, PENALTY_GRAD_ADDS, PENALTY_GRAD_COUNT, PENALTY_GRAD_DW, PENALTY_GRAD_L1, PENALTY_GRAD_L2,
  PENALTY_GRAD_SEED, PENALTY_GRAD_W, PENALTY_L1, PENALTY_L2, PENALTY_W,
} from '../abi'
import { madd } from '../lanes'
import { addWide, lanesBelow, sign, storeBelow, sumWide } from './tails'

/** words: dst (one float), w, count, l1 (f32), l2 (f32) */
export function penalty(p: usize): void {
  const w = <usize>load<u32>(p, PENALTY_W), count = load<i32>(p, PENALTY_COUNT)
  let sums = f64x2.splat(0), squares = sums
  for (let i = 0; i < count; i += 4) {
    const x = v128.and(v128.load(w + (<usize>i << 2)), lanesBelow(count - i))
    sums = addWide(sums, f32x4.abs(x))
    squares = addWide(squares, f32x4.mul(x, x))
  }
  const l1 = <f64>load<f32>(p, PENALTY_L1), l2 = <f64>load<f32>(p, PENALTY_L2)
  store<f32>(load<u32>(p, PENALTY_DST), <f32>(l1 * sumWide(sums) + l2 * sumWide(squares)))
}

/** words: dw, seed (0: one; else the address of a float), w, count, l1 (f32), l2 (f32), accumulate (1: add to dw) */
export function penaltyGrad(p: usize): void {
  const dw = <usize>load<u32>(p, PENALTY_GRAD_DW), seed = <usize>load<u32>(p, PENALTY_GRAD_SEED)
  const w = <usize>load<u32>(p, PENALTY_GRAD_W)
  const count = load<i32>(p, PENALTY_GRAD_COUNT), accumulate = load<i32>(p, PENALTY_GRAD_ADDS)
  const factor: f32 = seed ? load<f32>(seed) : 1
  const l1 = f32x4.splat(factor * load<f32>(p, PENALTY_GRAD_L1))
  const twoL2 = f32x4.splat(2 * factor * load<f32>(p, PENALTY_GRAD_L2))
  for (let i = 0; i < count; i += 4) {
    const at = <usize>i << 2
    const x = v128.load(w + at)
    let d = madd(x, twoL2, f32x4.mul(sign(x), l1))
    if (accumulate) d = f32x4.add(v128.load(dw + at), d)
    storeBelow(dw + at, d, count - i)
  }
}
